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
		e.endings.add(g, e.w.Add(g.plan.span))
	}
}

// tryEnd drops what nothing that is still admitted can concern any more: items that
// are done, and facts out of reach of any item. A key may never rest, and would fill
// the memory otherwise. What was last said of an item is kept: an id stays taken.
func (e *Engine) tryEnd(g *group) {
	if !g.plan.having || e.rests(g) {
		e.endItems(g)
		e.endFacts(g)
	}
	if g.items.len() == 0 && g.bodies.len() == 0 && len(g.said) == 0 && len(g.same.gone) == 0 {
		e.state.drop(g.key)
		e.spare.takeGroup(g)
		return
	}
	e.endings.add(g, e.nextEnding(g))
}

// nextEnding is when the oldest fact may go, but no sooner than four times in a span: so
// every fact and item is looked at a few times only.
func (e *Engine) nextEnding(g *group) compliance.Instant {
	span := g.plan.span
	at := e.w.Add(span / 4)
	if len(g.facts) > 0 {
		at = max(at, g.facts[0].ev.Time.Add(span))
	}
	return at
}

// rests says that everything at the key may end. With having, an event that opened
// nothing is asked again when others are, and needs all that it was asked with.
func (e *Engine) rests(g *group) bool {
	for it := range g.items.values() {
		if !e.isDone(it) {
			return false
		}
	}
	before := e.at(g.control).Add(-g.plan.span)
	return !slices.ContainsFunc(g.facts, func(f *fact) bool { return f.ev.Time >= before })
}

func (e *Engine) isDone(it *item) bool {
	return it.endsAt() < e.at(it.group.control) && !it.unsettled()
}

func (e *Engine) endItems(g *group) {
	g.items.dropIf(e.isDone, func(it *item) {
		e.endItem(g, it)
		e.spare.takeItem(it)
	})
}

func (e *Engine) endItem(g *group, it *item) {
	e.timers.set(it, compliance.Never)
	it.dirty = false
	for _, s := range g.sources {
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
		return
	}
	if planted != plantedForgottenID {
		g.shelf = e.state.end(g.shelf, itemKey{g.key, it.id}, last)
	}
	e.note(func() Change { return closedChange(g, it.id, last) })
}

// endsAt is when nothing that is still admitted can change the item.
func (it *item) endsAt() compliance.Instant {
	last, p := it.time, it.group.plan
	if n := len(it.candidates); n > 0 && !it.alone() {
		last = max(last, it.candidates[n-1].shown.ev.Time)
	}
	return last.Add(p.horizonOf(it.end.Sub(it.time)) + p.correct + time.Microsecond)
}

// alone tells whether the item stands at the only event that may open it.
func (it *item) alone() bool {
	return len(it.candidates) == 1 && it.opened != nil && !it.group.plan.clocked
}

// endFacts drops the events before a time that no item, and none that may still be
// opened, looks back to. Bodies of one event go together: the first says which count.
func (e *Engine) endFacts(g *group) {
	before := e.outOfReach(g)
	e.endSaid(g, before)
	kept := g.neededRows(before)
	count, reuse := g.bodies.len(), g.holdsNoMatches()
	g.bodies.dropIf(func(h held) bool {
		return h.last < before && !slices.ContainsFunc(h.bodies, func(f *fact) bool { return kept[f] || f.countsFrom(before) })
	}, func(h held) {
		g.forget(e, h.bodies)
		for _, f := range h.bodies {
			f.gone = true
			e.note(func() Change { return Change{Key: factKey(g, &f.ev)} })
			if reuse {
				e.spare.over = append(e.spare.over, f)
			}
		}
	})
	g.forgetIDs(e, before)
	if g.bodies.len() != count {
		g.dropGone(before)
		e.spare.takeOver()
	}
	if kept != nil {
		g.leaveRows(e, before)
	}
}

// leaveRows notes which facts before an instant are kept as rows alone. An item that one of
// them opens is over, and so may be what it was asked with: after a restart it would be
// another.
func (g *group) leaveRows(e *Engine, before compliance.Instant) {
	within := func(f *fact) bool { return f.ev.Time >= before || f.countsFrom(before) }
	for _, lead := range g.facts {
		if lead.ev.Time >= before {
			return
		}
		if lead.row || lead.opens == "" && len(lead.rivals) == 0 || slices.ContainsFunc(lead.bodies(), within) {
			continue
		}
		for _, f := range lead.bodies() {
			if f.opens != "" && !f.row {
				f.row = true
				e.note(func() Change { return factChange(g, f, &f.ev) })
			}
		}
	}
}

// dropGone takes out the facts that are gone, which lie before an instant. No item that is
// left has one of them as a candidate: it would look back to it.
func (g *group) dropGone(before compliance.Instant) {
	isGone := func(f *fact) bool { return f.gone }
	old := 0
	for old < len(g.facts) && g.facts[old].ev.Time < before {
		old++
	}
	kept := slices.DeleteFunc(g.facts[:old:old], isGone)
	g.keepFacts(slices.Delete(g.facts, len(kept), old))
	g.disputed = slices.DeleteFunc(g.disputed, isGone)
}

// countsFrom tells whether a clock has the event open an item at an instant or later.
func (f *fact) countsFrom(t compliance.Instant) bool { return f.shown != nil && f.shown.ev.Time >= t }

// outOfReach is the time before which nobody looks any more.
func (e *Engine) outOfReach(g *group) compliance.Instant {
	oldest := e.at(g.control).Add(-g.plan.correct - g.plan.horizon) // of the events that may still open an item, or come to
	for it := range g.items.values() {
		if it.opened != nil || it.slot { // else it stands nowhere yet
			oldest = min(oldest, it.time)
		}
		if it.alone() {
			continue
		}
		for _, f := range it.candidates {
			oldest = min(oldest, f.ev.Time, f.shown.ev.Time)
		}
	}
	if planted == plantedEndsEarly {
		return oldest
	}
	return oldest.Add(-g.plan.lookback - time.Microsecond)
}

// neededRows are the facts before an instant that are rows of a table then, of whatever
// age: the last of each key, and the bodies behind it. One that isn't live is needed until
// those before it are gone.
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
		last := lastThatCounts(facts)
		alone := len(facts) == 1 && len(facts[0].lead.rivals) == 0
		for _, f := range facts[last:] {
			needed[f] = needed[f] || !alone || !dead(v, t, f)
		}
	}
}

// lastThatCounts is where the last body stands that counts of its event, or 0: one behind it
// that doesn't count may dispute the row that it sets, and doesn't set another.
func lastThatCounts(facts []*fact) int {
	for i := len(facts) - 1; i > 0; i-- {
		if facts[i].counts || planted == plantedRivalRow {
			return i
		}
	}
	return 0
}

// dead says that a row is surely not live.
func dead(v *control.Control, t *control.DerivedTable, f *fact) bool {
	if t.Live == nil {
		return false
	}
	live, err := t.Live.Bool(v.NewScope(nil, f.ev.Time).With(f.view, nil))
	return err == nil && !live
}

// taken is what is kept of an item, whose state ends; nil if nothing has to be.
func (it *item) taken() *published {
	opened := it.opened != nil || it.slot
	switch {
	case it.last != nil:
		it.last.Free = !opened
		return it.last
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
