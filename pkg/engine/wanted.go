package engine

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Where many events stand at a key, an item would walk over hundreds of them to learn how many
// there are. So such a key has lists of what each expectation wants, if that hangs on the event
// and its key alone: then what lies in an interval is a piece of the list, found by bisection.

// wanted is a list of what an expectation wants, in the order of events.
type wanted struct {
	facts []*fact
	// arrived: in that order the log took them.
	arrived bool
}

// crowd is from how many events on a key has lists.
var crowd = 48

// listed tells of each expectation whether a key may have a list of what it wants. Controls
// of which several versions are in force have none.
func listed(c *control.Control) []bool {
	v := c.Versions[0]
	if len(c.Versions) > 1 || v.Hops || v.Expand != nil || v.Population.Having != nil || v.Population.Clock != nil {
		return nil
	}
	list := make([]bool, len(v.Expectations))
	for i, x := range v.Expectations {
		list[i] = x.Where == nil && x.Depends == nil && x.Clock == nil && x.Unless == nil && x.Verdicts == nil && x.Remedy == 0 &&
			x.Latest == nil && len(x.Also) == 0 && len(x.Folds) == 0
	}
	if !slices.Contains(list, true) {
		return nil
	}
	return list
}

// crowded tells whether the key has lists. With several bodies of an event it has none.
func (g *group) crowded() bool {
	return g.plan.listed != nil && len(g.facts) > crowd && len(g.disputed) == 0 && len(g.said) == 0
}

// wanted is the list of an expectation.
func (g *group) wanted(expectation int) *wanted {
	if g.lists == nil {
		g.lists = make([]wanted, len(g.plan.listed))
		for i := range g.lists {
			g.lists[i].arrived = true
		}
		for _, f := range g.facts {
			g.list(f)
		}
	}
	return &g.lists[expectation]
}

// list takes a fact into the lists, if there are any.
func (g *group) list(f *fact) {
	if g.lists == nil {
		return
	}
	for _, i := range f.roles[0].expects {
		if g.plan.listed[i] {
			g.lists[i].add(f)
		}
	}
}

func (l *wanted) add(f *fact) {
	n := len(l.facts)
	inOrder := n == 0 || compareFacts(l.facts[n-1], f) < 0
	l.arrived = l.arrived && inOrder && (n == 0 || l.facts[n-1].ev.Received <= f.ev.Received)
	if inOrder {
		l.facts = append(l.facts, f)
	} else {
		l.facts = insertFact(l.facts, f)
	}
}

// between are the facts from one instant up to another, which is not in it.
func (l *wanted) between(from, to compliance.Instant) []*fact {
	lo, _ := slices.BinarySearchFunc(l.facts, from, compareToTime)
	hi, _ := slices.BinarySearchFunc(l.facts, to, compareToTime)
	return l.facts[lo:max(lo, hi)]
}

// receipt is when the log took the last of them.
func (l *wanted) receipt(from, to compliance.Instant) (last compliance.Instant) {
	facts := l.between(from, to)
	if n := len(facts); l.arrived && n > 0 {
		return facts[n-1].ev.Received
	}
	for _, f := range facts {
		last = max(last, f.ev.Received)
	}
	return last
}

// listed tells whether the review has the matches of an expectation from its list.
func (r *review) listed(expectation int) bool {
	return r.e.room.crowded && r.it.group.plan.listed[expectation]
}

// within is what of an expectation's reach is known.
func (r *review) within(x *control.Expectation) (from, to compliance.Instant) {
	from, to = r.it.reach(x)
	return max(from, r.c.HistoryFrom), upTo(to, r.w)
}

// upTo is the instant behind the last of an interval that lies before w.
func upTo(last, w compliance.Instant) compliance.Instant {
	if last < w {
		return last + 1
	}
	return w
}

// lying is what lies between two edges, as far as it is known.
func (r *review) lying(x *control.Expectation, from, to edge) []*fact {
	list := r.it.group.wanted(x.Index)
	start, end := max(from.at, r.c.HistoryFrom), upTo(to.at, r.w)
	if ahead := list.between(r.w, upTo(to.at, compliance.Never)); len(ahead) > 0 {
		r.wakeAt(ahead[0].ev.Time)
	}
	facts := list.between(start, end)
	for len(facts) > 0 && !from.admitsAfter(facts[0]) {
		facts = facts[1:]
	}
	for len(facts) > 0 && !to.admitsBefore(facts[len(facts)-1]) {
		facts = facts[:len(facts)-1]
	}
	return slices.Clip(facts)
}
