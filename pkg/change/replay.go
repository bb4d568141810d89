package change

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
)

// Source visits recorded events in the order of their times, the same ones each time it
// is asked; it ends with the first error of visit. Redeliveries may be among them. Types
// are those that are asked for, or beginnings and a star; others may come too.
type Source func(types []string, visit func(*compliance.Event) error) error

// Options say what to replay.
type Options struct {
	From, To *control.Bundle
	Tenant   string
	// Controls are the ids to look at; none means all that differ.
	Controls []string
	// Since and Until bound the items that are compared, by their time, half-open; the
	// zero of Until is no bound. Evidence may lie beyond.
	Since, Until compliance.Instant
	// AsOf is the watermark that both are judged at: events from then on don't count.
	AsOf compliance.Instant
	// Events are all that may concern an item.
	Events Source
	// Limit is how many items are listed, with reasons, at most. All are counted.
	Limit int
	// Check judges with pkg/oracle too, which holds all events in memory, and says
	// where it differs.
	Check bool
}

// Outcome is what one of the bundles says of an item.
type Outcome struct {
	Outcome compliance.Outcome `json:"outcome"`
	Reason  string             `json:"reason,omitempty"`
	// Time is the item's.
	Time         compliance.Instant `json:"time"`
	RemediatedAt compliance.Instant `json:"remediated_at,omitzero"`
}

// String is the outcome with its reason; - for an item that is none.
func (o *Outcome) String() string {
	switch {
	case o == nil:
		return "-"
	case o.Reason == "":
		return string(o.Outcome)
	}
	return string(o.Outcome) + " (" + o.Reason + ")"
}

// Item is one whose verdict the change alters.
type Item struct {
	Control string             `json:"control"`
	ID      string             `json:"item"`
	Time    compliance.Instant `json:"time"`
	// Before or After is nil if there is no such item then.
	Before *Outcome `json:"before"`
	After  *Outcome `json:"after"`
	// Why says what of the rule, and what evidence, makes the difference.
	Why []string `json:"why,omitempty"`
	// Verdict is the whole of After, by the reference rules; nil if the item is listed
	// without reasons, or is none.
	Verdict *compliance.Verdict `json:"-"`
}

// Total counts the items of a control that go from one outcome to another. Where both
// are the same, Changed tells whether their verdicts are, too.
type Total struct {
	Control string `json:"control"`
	Before  string `json:"before"`
	After   string `json:"after"`
	Items   int    `json:"items"`
	Changed bool   `json:"changed"`
}

// Result is what a replay found.
type Result struct {
	AsOf compliance.Instant `json:"as_of"`
	// Events counts those that were read below the watermark, redeliveries included.
	Events int `json:"events"`
	// Controls are those that were judged; the others mean the same in both. Differences
	// are theirs.
	Controls    []string     `json:"controls"`
	Differences []Difference `json:"differences"`
	Totals      []Total      `json:"totals"`
	// Changed counts the items whose outcome, reason, time or remedy differ; Items are
	// the first of them by control, time and id.
	Changed int    `json:"changed"`
	Items   []Item `json:"items"`
	// Renamed counts items whose verdict only names other evidence.
	Renamed int `json:"other_evidence"`
	// Faults are what the check by the reference rules found.
	Faults []string `json:"faults,omitempty"`
}

// WriteJSON writes the result as one JSON object.
func (r *Result) WriteJSON(out io.Writer) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// Judged counts the items of these controls, by either rule set.
func (r *Result) Judged() int {
	n := 0
	for _, t := range r.Totals {
		n += t.Items
	}
	return n
}

// Replay judges recorded events by both bundles, and says whose verdicts differ. Every
// event counts on both sides, however late it came: what differs differs by the rule.
func Replay(o Options) (*Result, error) {
	if o.Until == 0 {
		o.Until = compliance.Never
	}
	r := &Result{AsOf: o.AsOf, Differences: Compare(o.From, o.To, o.AsOf), Controls: []string{}, Totals: []Total{}, Items: []Item{}}
	for _, id := range controlIDs(o.From, o.To) {
		if o.concerns(id, r.Differences) {
			r.Controls = append(r.Controls, id)
		}
	}
	r.Differences = slices.DeleteFunc(r.Differences, func(d Difference) bool {
		return d.Change == Words || d.Control != "" && !slices.Contains(r.Controls, d.Control)
	})
	if len(r.Controls) == 0 {
		return r, nil
	}
	before, after := newSide(o.From, r.Controls), newSide(o.To, r.Controls)
	var kept []*compliance.Event
	types := typesRead(before.bundle, after.bundle)
	err := o.Events(types, func(ev *compliance.Event) error {
		if ev.Time >= o.AsOf {
			return nil
		}
		r.Events++
		if o.Check {
			kept = append(kept, ev)
		}
		before.add(ev)
		after.add(ev)
		return nil
	})
	if err != nil {
		return nil, err
	}
	before.advance(o.AsOf)
	after.advance(o.AsOf)
	if o.Check {
		r.Faults = append(before.check("from", o.Tenant, kept, o.AsOf), after.check("to", o.Tenant, kept, o.AsOf)...)
	}
	r.compare(&o, before.said, after.said)
	return r, o.explain(r, types, before.bundle, after.bundle)
}

// typesRead are the types that the bundles' controls read, and word of sources.
func typesRead(bundles ...*control.Bundle) []string {
	types := []string{control.Heartbeat, control.SourceRetired}
	for _, b := range bundles {
		if slices.ContainsFunc(b.Sources, func(s control.Source) bool { return s.Counts }) {
			types = append(types, "*") // what a source counts may be of any type
		}
		for _, c := range b.Controls {
			for _, v := range c.Versions {
				types = append(types, v.Reads()...)
			}
		}
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// concerns: the control is asked for, and may say something else.
func (o *Options) concerns(id string, differences []Difference) bool {
	if len(o.Controls) > 0 && !slices.Contains(o.Controls, id) {
		return false
	}
	return slices.ContainsFunc(differences, func(d Difference) bool {
		return d.Change != Words && (d.Control == id || d.Control == "")
	})
}

// place names an item.
type place struct{ control, item string }

// said is what is kept of the last thing that was said of an item.
type said struct {
	Outcome
	evidence [16]byte // a digest of what is named
}

// side is one of the two bundles while it judges.
type side struct {
	bundle *control.Bundle // with those that are read
	only   []string        // the controls that are looked at
	engine engine.Stages
	w      compliance.Instant
	said   map[place]said
}

func newSide(b *control.Bundle, controls []string) *side {
	b = b.Only(controls)
	return &side{bundle: b, only: controls, engine: engine.NewStages(b, 1), w: compliance.Ever, said: map[place]said{}}
}

// step is how far the log's time goes between two looks at what is due. It only keeps
// state small: what is said in the end doesn't hang on it.
const step = time.Hour

func (s *side) add(ev *compliance.Event) {
	if s.w == compliance.Ever || ev.Time.Sub(s.w) >= step {
		s.advance(ev.Time)
	}
	for _, route := range s.bundle.Route(ev) {
		fact := engine.Fact{Control: route.Control, Tenant: ev.Tenant, Key: route.Key, Event: *ev}
		fact.Event.Data = route.Fields
		s.engine.Add(0, &fact)
	}
}

func (s *side) advance(w compliance.Instant) {
	s.w = w
	for _, r := range s.engine.Advance(w) {
		at := place{r.Control, r.Item.ID}
		if !slices.Contains(s.only, r.Control) {
			continue
		}
		if r.Outcome == compliance.Withdrawn {
			delete(s.said, at)
			continue
		}
		s.said[at] = saidOf(&r.Verdict)
	}
	for _, stage := range s.engine {
		stage[0].Changes() // nobody keeps a changelog here
	}
}

// saidOf keeps of a verdict what a revision is written for.
func saidOf(v *compliance.Verdict) said {
	h := sha256.New()
	for i := range v.Evidence {
		e := &v.Evidence[i]
		_, _ = fmt.Fprintf(h, "%q %q %q %s\n", e.Expectation, e.Source, e.ID, e.SHA256)
	}
	s := said{Outcome: Outcome{v.Outcome, v.Reason, v.Item.Time, v.RemediatedAt}}
	copy(s.evidence[:], h.Sum(nil))
	return s
}

// check compares what the engine said with the reference rules.
func (s *side) check(name, tenant string, events []*compliance.Event, w compliance.Instant) (faults []string) {
	left := map[place]bool{}
	for at := range s.said {
		left[at] = true
	}
	for _, id := range s.only {
		c := s.bundle.Control(id)
		if c == nil {
			continue
		}
		for _, v := range oracle.Verdicts(s.bundle, c, tenant, events, w) {
			at := place{c.ID, v.Item.ID}
			delete(left, at)
			if was, is := s.said[at], saidOf(&v); was != is {
				faults = append(faults, fmt.Sprintf("%s: %s/%s: the engine says %s, the reference rules say %s", name, c.ID, v.Item.ID, &was.Outcome, &is.Outcome))
			}
		}
	}
	for at := range left {
		faults = append(faults, name+": "+at.control+"/"+at.item+": the reference rules know no such item")
	}
	slices.Sort(faults)
	return faults
}

// compare fills in the totals, and the items up to the limit, without reasons.
func (r *Result) compare(o *Options, before, after map[place]said) {
	totals := map[Total]int{}
	var changed []Item
	judge := func(at place, a, b *said) {
		it, renamed := difference(at, a, b)
		if it.Time < o.Since || it.Time >= o.Until {
			return
		}
		t := Total{Control: at.control, Before: it.Before.String(), After: it.After.String(), Changed: it.differs()}
		totals[t]++
		switch {
		case t.Changed:
			changed = append(changed, it)
		case renamed:
			r.Renamed++
		}
	}
	for at, a := range before {
		if b, ok := after[at]; ok {
			judge(at, &a, &b)
		} else {
			judge(at, &a, nil)
		}
	}
	for at, b := range after {
		if _, ok := before[at]; !ok {
			judge(at, nil, &b)
		}
	}
	for t, n := range totals {
		t.Items = n
		r.Totals = append(r.Totals, t)
	}
	slices.SortFunc(r.Totals, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Before, b.Before), cmp.Compare(a.After, b.After), boolean(a.Changed)-boolean(b.Changed))
	})
	slices.SortFunc(changed, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
	})
	r.Changed = len(changed)
	r.Items = append(r.Items, changed[:min(len(changed), max(o.Limit, 0))]...)
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// difference puts what both say of an item side by side; renamed: the verdicts differ
// in the evidence that they name, at least.
func difference(at place, a, b *said) (it Item, renamed bool) {
	it = Item{Control: at.control, ID: at.item}
	if a != nil {
		it.Before, it.Time = &a.Outcome, a.Time
	}
	if b != nil {
		it.After, it.Time = &b.Outcome, b.Time
	}
	return it, a != nil && b != nil && a.evidence != b.evidence
}

func (it *Item) differs() bool {
	return it.Before == nil || it.After == nil || *it.Before != *it.After
}
