package engine

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// setEnding sets the group's timer unless it has one.
func (e *Engine) setEnding(g *group) {
	if !g.ending {
		g.ending = true
		e.endings.add(g, e.w.Add(e.span(g)))
	}
}

// span is how long after its time anything at the group's key may still count, at most.
func (e *Engine) span(g *group) time.Duration {
	return g.control.Keeps(e.correctUntil(g.control)) + time.Microsecond
}

// correctUntil is how late anything that concerns a control may come: its events,
// or word of a source that it hangs on.
func (e *Engine) correctUntil(c *control.Control) time.Duration {
	correct, holes := c.CorrectUntil, time.Duration(0)
	for i, s := range e.bundle.Sources {
		if s.MaxGap > 0 && e.hangsOn(c, i) {
			correct = max(correct, c.CorrectUntil, heartbeatsCorrect)
			if s.Counts { // what fills a hole lies up to this long after the interval
				holes = max(holes, s.MaxGap+numbersCorrect)
			}
		}
	}
	for _, v := range c.Versions {
		for _, x := range v.Expectations {
			for _, of := range x.Verdicts {
				correct = max(correct, e.correctUntil(of))
			}
		}
	}
	return correct + holes
}

// tryEnd drops what nothing that is still admitted can concern any more: items that
// are done, and facts out of reach of any item. A key may never rest, and would fill
// the memory otherwise. What was last said of an item is kept: an id stays taken.
func (e *Engine) tryEnd(g *group) {
	if !g.control.Some(hasHaving) || e.rests(g) {
		e.endItems(g)
		e.endFacts(g)
	}
	if len(g.items) == 0 && len(g.bodies) == 0 && len(g.said) == 0 && len(g.same.gone) == 0 {
		e.state.drop(g.key)
		return
	}
	e.endings.add(g, e.nextEnding(g))
}

func hasHaving(v *control.Control) bool { return v.Population.Having != nil }

// nextEnding is when the oldest fact may go, but no sooner than four times in a span: so
// every fact and item is looked at a few times only.
func (e *Engine) nextEnding(g *group) compliance.Instant {
	span := e.span(g)
	at := e.w.Add(span / 4)
	if len(g.facts) > 0 {
		at = max(at, g.facts[0].ev.Time.Add(span))
	}
	return at
}

// rests says that everything at the key may end. With having, an event that opened
// nothing is asked again when others are, and needs all that it was asked with.
func (e *Engine) rests(g *group) bool {
	for _, it := range g.items {
		if !e.isDone(it) {
			return false
		}
	}
	before := e.at(g.control).Add(-e.span(g))
	return !slices.ContainsFunc(g.facts, func(f *fact) bool { return f.ev.Time >= before })
}

func (e *Engine) isDone(it *item) bool {
	return !it.unsettled() && it.endsAt(e.correctUntil(it.group.control)) < e.at(it.group.control)
}

func (e *Engine) endItems(g *group) {
	for id, it := range g.items {
		if !e.isDone(it) {
			continue
		}
		e.timers.set(it, compliance.Never)
		delete(e.dirty, it)
		delete(g.items, id)
		for _, s := range e.sources[g.key.tenant] {
			delete(s.waiting, it)
		}
		for part := range it.parts {
			e.note(func() Change { return Change{Key: saidKey(it, part)} })
		}
		for at := range it.told {
			e.note(func() Change { return Change{Key: toldKey(it, at)} })
		}
		last := it.taken()
		if last == nil {
			continue
		}
		if planted != plantedForgottenID {
			e.state.end(itemKey{g.key, id}, last)
		}
		e.note(func() Change { return closedChange(g, id, last) })
	}
}

// endsAt is when nothing that is still admitted can change the item.
func (it *item) endsAt(correct time.Duration) compliance.Instant {
	last := it.time
	if n := len(it.candidates); n > 0 {
		last = max(last, it.candidates[n-1].shown.ev.Time)
	}
	slot := it.end.Sub(it.time)
	return last.Add(it.group.control.Longest(func(v *control.Control) time.Duration { return v.HorizonOf(slot) }) + correct + time.Microsecond)
}

// endFacts drops the events before a time that no item, and none that may still be
// opened, looks back to. Bodies of one event go together: the first says which count.
func (e *Engine) endFacts(g *group) {
	before := e.outOfReach(g)
	e.endSaid(g, before)
	kept := g.neededRows(before)
	var gone map[*fact]bool
	for key, bodies := range g.bodies {
		if bodies[len(bodies)-1].ev.Time >= before || slices.ContainsFunc(bodies, func(f *fact) bool { return kept[f] || f.countsFrom(before) }) {
			continue
		}
		delete(g.bodies, key)
		if gone == nil {
			gone = map[*fact]bool{}
		}
		g.forget(e, bodies)
		for _, f := range bodies {
			gone[f] = true
			e.note(func() Change { return Change{Key: factKey(g, &f.ev)} })
		}
	}
	g.forgetIDs(e, before)
	if len(gone) == 0 {
		return
	}
	isGone := func(f *fact) bool { return gone[f] }
	g.facts = slices.DeleteFunc(g.facts, isGone)
	g.disputed = slices.DeleteFunc(g.disputed, isGone)
	for _, it := range g.items {
		it.candidates = slices.DeleteFunc(it.candidates, isGone)
	}
}

// countsFrom tells whether a clock has the event open an item at an instant or later.
func (f *fact) countsFrom(t compliance.Instant) bool { return f.shown != nil && f.shown.ev.Time >= t }

// outOfReach is the time before which nobody looks any more.
func (e *Engine) outOfReach(g *group) compliance.Instant {
	c := g.control
	oldest := e.at(c).Add(-e.correctUntil(c) - c.Longest((*control.Control).Horizon)) // of the events that may still open an item, or come to
	for _, it := range g.items {
		oldest = min(oldest, it.time)
		for _, f := range it.candidates {
			oldest = min(oldest, f.ev.Time, f.shown.ev.Time)
		}
	}
	if planted == plantedEndsEarly {
		return oldest
	}
	return oldest.Add(-max(c.Longest((*control.Control).Lookback), c.CorrectUntil) - time.Microsecond)
}

// neededRows are the facts before an instant that are rows of a table then, of whatever
// age: the last of each key. One that isn't live is needed until those before it are gone.
func (g *group) neededRows(before compliance.Instant) map[*fact]bool {
	var needed map[*fact]bool
	for _, v := range g.control.Versions {
		for _, t := range v.Tables {
			if needed == nil {
				needed = map[*fact]bool{}
			}
			g.addRows(needed, v, t, before)
		}
	}
	return needed
}

func (g *group) addRows(needed map[*fact]bool, v *control.Control, t *control.DerivedTable, before compliance.Instant) {
	rows := map[string][]*fact{}
	for _, lead := range g.facts {
		for _, f := range lead.bodies() { // nobody knows which of them set its row
			if row, ok := t.RowOf(f.view); ok && f.ev.Time < before && slices.Contains(f.roles[v.Version].tables, t.Index) {
				rows[row] = insertFact(rows[row], f)
			}
		}
	}
	for _, facts := range rows {
		last := facts[len(facts)-1]
		needed[last] = needed[last] || len(facts) > 1 || len(last.lead.rivals) > 0 || !dead(v, t, last)
	}
}

// dead says that a row is surely not live.
func dead(v *control.Control, t *control.DerivedTable, f *fact) bool {
	if t.Live == nil {
		return false
	}
	live, err := t.Live.Bool(v.NewScope(nil, f.ev.Time).With(f.view, nil))
	return err == nil && !live
}

// taken is what is kept of an item when its state ends; nil if nothing has to be.
func (it *item) taken() *published {
	opened := it.opened != nil || it.slot
	switch {
	case it.last != nil:
		return &published{it.last.Revision, it.last.Verdict, !opened}
	case opened: // before the rules took effect: its id is taken all the same
		return &published{}
	}
	return nil
}

// unsettled: the item still waits for a source, whatever its intervals say; or its id
// is free, and its parts' revisions have to be counted on.
func (it *item) unsettled() bool {
	if it.undecided || waits(it.last) || it.opened == nil && !it.slot && len(it.parts) > 0 {
		return true
	}
	for _, p := range it.parts {
		if waits(p) {
			return true
		}
	}
	return false
}

func waits(p *published) bool { return p != nil && p.Verdict.Outcome == compliance.Pending }
