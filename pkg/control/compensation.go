package control

import (
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Compensation is a control that may hold instead, where a waiver says so.
type Compensation struct {
	Control string
	// Of is the expectation that has its verdicts about an item.
	Of int
}

// compensatedBy reads which controls may hold instead. Their verdicts are evidence like
// others, but no condition reads them: they are asked if a waiver names the control.
func (c *compiler) compensatedBy(n *yaml.Node) {
	delete(c.fields, "event")
	c.r.Each(n, "compensated_by", func(key, node *yaml.Node) {
		f := c.r.Mapping(node, "a compensation", "on", "where", "between", "cap")
		if len(f) == 0 {
			return
		}
		of := *node
		of.Content = append([]*yaml.Node{{Kind: yaml.ScalarNode, Value: "verdicts", Line: key.Line, Column: key.Column}, key}, node.Content...)
		e := c.expectation("compensated_by."+key.Value, &of)
		c.index[key.Value] = e.Index // no condition can call it so
		c.control.Compensations = append(c.control.Compensations, Compensation{key.Value, e.Index})
		c.control.Expectations = append(c.control.Expectations, e)
	})
	delete(c.fields, "event")
}

// unnamed keeps what compensates from standing among the evidence: the waiver does.
func (c *compiler) unnamed() {
	for _, k := range c.control.Compensations {
		c.control.Expectations[k.Of].Named = 0
	}
}

// CompensatedBy is the expectation with the verdicts of a control that may hold instead;
// ok is false if it may not.
func (c *Control) CompensatedBy(id string) (of int, ok bool) {
	for _, k := range c.Compensations {
		if k.Control == id {
			return k.Of, true
		}
	}
	return 0, false
}

// compensating reads what a waiver of c hangs on; ok is false if that can't be read, or
// c isn't compensated by it in any version.
func (w *Waiver) compensating(c *Control, v any) (ok bool) {
	data, _ := v.(map[string]any)
	w.Compensating, _ = data["control"].(string)
	if between, said := data["between"]; said {
		text, _ := between.(string)
		iv, err := parseInterval(text, anchors{})
		if err != nil {
			return false
		}
		w.within = &iv
	}
	return c.Some(func(of *Control) bool {
		_, may := of.CompensatedBy(w.Compensating)
		return may
	})
}

// Within tells whether a verdict at an instant lies where the waiver wants the other
// control to have operated, around an item.
func (w *Waiver) Within(at, item compliance.Instant) bool {
	if w.within == nil {
		return true
	}
	from, to := w.within.From.Move(item), w.within.To.Move(item)
	return (from < at || from == at && !w.within.From.Open) && (at < to || at == to && !w.within.To.Open)
}
