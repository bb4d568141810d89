package oracle

import (
	"fmt"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Explanation is a verdict with what it was made from.
type Explanation struct {
	Verdict compliance.Verdict
	// Parts are those of the item; one without a name where the control doesn't
	// expand it, none where its population's conditions can't be computed.
	Parts []Part
	// Waivers are those with the item in their scope, in the order of events, if it
	// deviates or would but for one. At most one of them covers it.
	Waivers []Waiver
}

// Waiver is one that may concern the item.
type Waiver struct {
	ID    string
	Event *compliance.Event
	Until compliance.Instant
	// Revoked is when it was taken back, if that is why it doesn't cover the item.
	Revoked compliance.Instant
	// Covers says that it makes the item a waived one. Why says why it doesn't: one
	// of control's flaws, or a Waiver… of this package.
	Covers bool
	Why    string
}

// Why a waiver without a flaw doesn't cover an item.
const (
	WaiverApprovedAfter = "approved_after" // the item's time
	WaiverEnded         = "ended"          // before it
	WaiverRevoked       = "revoked"        // by then
	WaiverNotFirst      = "not_first"      // another one covers it already
)

// Part is an item, or one part of it, and what is said of it alone.
type Part struct {
	Name         string
	Outcome      compliance.Outcome
	Reason       string
	Expectations []Expected // in the order of the control's
}

// Expected is what is known of one expectation at the watermark.
type Expected struct {
	Name string
	// Bounded says that the interval From–To is known: what it hangs on has been
	// found. FromOpen and ToOpen leave its ends out.
	Bounded          bool
	From, To         compliance.Instant
	FromOpen, ToOpen bool
	// Final: nothing on time can change what was found.
	Final bool
	// Finished: no more will be known. Not Final, but Finished is inconclusive;
	// Silent, TooMany and Disputed (bodies of an event disagree) say why, where they do.
	Finished, Silent, TooMany, Disputed bool
	// Found are the events that match, Remedy the late one that remedies.
	Found  []compliance.Evidence
	Remedy *compliance.Evidence
	Folds  map[string]any
}

// Explain is Verdicts for one item, judged by the same code, with the states that led
// to it. ok is false if there is no such item.
func Explain(b *control.Bundle, c *control.Control, tenant string, events []*compliance.Event, itemID string, w compliance.Instant) (e Explanation, ok bool) {
	l := newLog(b, c, tenant, func(*control.Control) []*compliance.Event { return events }, w)
	for _, l.control = range c.Versions {
		if e, ok = l.explain(itemID); ok {
			return e, true
		}
	}
	return e, false
}

// explain looks for the item in the version at hand.
func (l *log) explain(itemID string) (e Explanation, ok bool) {
	for _, o := range l.find(itemID) {
		for _, v := range l.say(o) {
			if v.Item.ID != itemID {
				continue
			}
			if e.Verdict = v; o.stuck == nil {
				e.Parts = l.parts(o.item, itemID)
				e.Waivers = l.concerned(o.item, v)
			}
			return e, true
		}
	}
	return e, false
}

// find is the item of an id, or those that it may be a part of.
func (l *log) find(id string) []opening {
	own := func(it compliance.Item) bool {
		return it.ID == id || l.control.Expand != nil && l.control.Expand.Each && strings.HasPrefix(id, it.ID+"/")
	}
	return slices.DeleteFunc(append(l.openings(), l.slots()...), func(o opening) bool { return !own(o.Item) })
}

// parts are those that the verdict on id is made of.
func (l *log) parts(it item, id string) []Part {
	scope := l.control.NewScope(it.view, it.Time)
	l.tables(it, scope)
	if l.control.Expand == nil {
		return []Part{l.part("", it, scope)}
	}
	rows, err := l.control.Expand.Over.Rows(scope)
	if err != nil {
		return nil
	}
	var parts []Part
	for _, row := range rows {
		of := scope.With(nil, row).Fresh()
		if is, ok := l.control.Expand.PartID(it.ID, of); ok && l.control.Expand.Each && is != id {
			continue
		}
		name, err := l.control.Expand.Key.Eval(of)
		if err != nil {
			name = "?"
		}
		parts = append(parts, l.part(fmt.Sprint(name), it, of))
	}
	return parts
}

func (l *log) part(name string, it item, scope *control.Scope) Part {
	states := l.states(it, scope)
	r := l.rule(it, scope)
	if scope.Part != nil {
		r = l.rulePart(it, scope.Fresh())
	}
	p := Part{Name: name, Outcome: r.outcome, Reason: r.reason}
	for i, e := range l.control.Expectations {
		p.Expectations = append(p.Expectations, states[i].expected(e))
	}
	return p
}

func (st *state) expected(e *control.Expectation) Expected {
	x := Expected{
		Name: e.Name, Bounded: st.bounded, From: st.from, To: st.to, FromOpen: e.Between.From.Open, ToOpen: e.Between.To.Open,
		Final: st.known == control.Exact, Finished: st.finished, Silent: st.silent, TooMany: st.tooMany, Disputed: st.disputed, Folds: st.folds,
	}
	for _, f := range st.events {
		x.Found = append(x.Found, compliance.EvidenceOf(e.Name, f.Event))
	}
	if st.remedy != nil {
		remedy := compliance.EvidenceOf(e.Name, st.remedy.Event)
		x.Remedy = &remedy
	}
	return x
}
