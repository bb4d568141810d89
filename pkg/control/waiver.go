package control

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Types of the records that accept a control's deviations, and take that back. They
// concern all of its keys.
const (
	WaiverApproved = "waiver.approved"
	WaiverRevoked  = "waiver.revoked"
)

// WaiverEvidence is the role of the waiver that covers an item, among its evidence.
// One that doesn't count has the role WaiverEvidence + "." + its Flaw.
const WaiverEvidence = "waiver"

// The flaws of a waiver.
const (
	FlawSelfApproved = "self_approved"  // who asked for it approved it
	FlawFieldNotRead = "field_not_read" // its scope names a field that the control doesn't read
	FlawCompensating = "compensating"   // the control that it hangs on didn't operate, or may not hold instead
)

// Waiver is what a waiver.approved or waiver.revoked says to one control.
type Waiver struct {
	ID string
	// Revokes: it takes the waivers of this id back, and has nothing of the following.
	Revokes bool
	// Until is the first instant that it doesn't cover.
	Until compliance.Instant
	// Flaw is why it covers nothing, though it is approved; empty if it counts.
	Flaw string

	// Compensating is the control that has to have operated for it to count; empty: none.
	Compensating string

	within *Interval       // where, around the item; nil: where the control that is waived says
	covers bool            // something
	items  map[string]bool // nil: any
	fields map[string]any
}

func speaksOfWaiver(eventType string) bool {
	return eventType == WaiverApproved || eventType == WaiverRevoked
}

// waivable reads whether waivers cover the control's deviations.
func (c *compiler) waivable(n *yaml.Node) bool {
	if n == nil {
		return true
	}
	var is bool
	if err := n.Decode(&is); err != nil {
		c.r.Problem(n, "waivable: is true or false")
	}
	return is
}

// waiverFields are what is read of a waiver; its reason is for people.
var waiverFields = []string{"waiver_id", "control", "scope", "requester", "approver", "until", "compensating"}

func waiverData(data map[string]any) map[string]any {
	kept := maps.Clone(data)
	maps.DeleteFunc(kept, func(name string, _ any) bool { return !slices.Contains(waiverFields, name) })
	return kept
}

// WaiverOf is what ev says about waiving c; nil if nothing. What it says of its
// scope in no known way covers nothing.
func (c *Control) WaiverOf(ev *compliance.Event) *Waiver {
	id, _ := ev.Data["waiver_id"].(string)
	if !speaksOfWaiver(ev.Type) || !c.Some(func(v *Control) bool { return v.Waivable }) || ev.Data["control"] != c.ID || id == "" {
		return nil
	}
	if ev.Type == WaiverRevoked {
		return &Waiver{ID: id, Revokes: true}
	}
	w := &Waiver{ID: id, Until: compliance.Ever}
	if text, ok := ev.Data["until"].(string); ok {
		if at, err := compliance.ParseInstant(text); err == nil {
			w.Until = at
		}
	}
	readable := w.scope(c, ev.Data["scope"])
	requester, asked := ev.Data["requester"].(string)
	approver, approved := ev.Data["approver"].(string)
	switch {
	case !asked || !approved || requester == approver:
		w.Flaw = FlawSelfApproved
	case !readable:
		w.Flaw = FlawFieldNotRead
	case ev.Data["compensating"] != nil && !w.compensating(c, ev.Data["compensating"]):
		w.Flaw = FlawCompensating
	}
	return w
}

// scope reads which items are covered; it reports whether the control's items show
// the fields that it names. One that they don't show may have any value.
func (w *Waiver) scope(c *Control, v any) (readable bool) {
	scope, _ := v.(map[string]any)
	readable, w.covers = true, len(scope) > 0
	for name, value := range scope {
		switch name {
		case "all":
			w.covers = w.covers && value == true
		case "items":
			w.items = textsOf(value)
		case "fields":
			fields, _ := value.(map[string]any)
			w.covers = w.covers && len(fields) > 0
			w.fields = maps.Clone(fields)
			maps.DeleteFunc(w.fields, func(field string, _ any) bool { return !c.ShowsField(field) })
			readable = len(w.fields) == len(fields)
		default:
			w.covers = false
		}
	}
	return readable
}

func textsOf(v any) map[string]bool {
	set := map[string]bool{}
	list, _ := v.([]any)
	for _, e := range list {
		if text, ok := e.(string); ok {
			set[text] = true
		}
	}
	return set
}

// ShowsField tells whether the items of c show a field of this name, if they have
// it: what the control reads in any version, and what each item has.
func (c *Control) ShowsField(name string) bool {
	if c.Population.Schedule != nil {
		return name == "member" || name == "slot"
	}
	keep := c.Versions[len(c.Versions)-1].routed.own
	return keep == nil || keep[name] || name == "source" || name == "type"
}

// Concerns tells whether the item, or the part of it that has this id, is in scope.
func (w *Waiver) Concerns(id string, item Fields) bool {
	if !w.covers || w.items != nil && !w.items[id] {
		return false
	}
	for field, want := range w.fields {
		a, ok := EncodeKey(item.Field(field))
		b, okB := EncodeKey(want)
		if !ok || !okB || a != b {
			return false
		}
	}
	return true
}
