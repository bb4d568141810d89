package engine

import (
	"time"

	"assay.example/assay/pkg/compliance"
)

// setEnding sets the group's timer unless it has one. Groups of a control with a
// derived table stay: their rows may be read by any later item.
func (e *Engine) setEnding(g *group) {
	if !g.ending && len(g.control.Tables) == 0 {
		g.ending = true
		e.endings.add(g, e.ends(g))
	}
}

// ends is when nothing that is still admitted can concern the group any more:
// its items are done, and its evidence is out of reach of any later item.
func (e *Engine) ends(g *group) compliance.Instant {
	c := g.control
	correct := e.correctUntil(c)
	at := compliance.Ever
	if g.newest != compliance.Ever {
		at = g.newest.Add(max(c.Lookback(), c.CorrectUntil) + correct + time.Microsecond)
	}
	for _, it := range g.items {
		at = max(at, it.done(correct))
		if n := len(it.candidates); n > 0 {
			at = max(at, it.candidates[n-1].ev.Time.Add(c.Horizon()+correct+time.Microsecond))
		}
	}
	return at
}

// tryEnd drops the group's state if its time has come. What was last said of its
// items is kept: an id stays taken.
func (e *Engine) tryEnd(g *group) {
	if at := e.ends(g); at >= e.w || g.unsettled() {
		e.endings.add(g, max(at, e.w))
		return
	}
	for _, bodies := range g.bodies {
		for _, f := range bodies {
			e.changes = append(e.changes, Change{Key: factKey(g, &f.ev)})
		}
	}
	for id, it := range g.items {
		e.timers.set(it, compliance.Never)
		delete(e.dirty, it)
		for part := range it.parts {
			e.changes = append(e.changes, Change{Key: saidKey(it, part)})
		}
		last := it.taken()
		if last == nil {
			continue
		}
		if planted != plantedForgottenID {
			e.state.end(itemKey{g.key, id}, last)
		}
		e.changes = append(e.changes, closedChange(g, id, last))
	}
	for _, s := range e.sources[g.key.tenant] {
		for _, it := range g.items {
			delete(s.waiting, it)
		}
	}
	e.state.drop(g.key)
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

// unsettled: an item still waits for a source, whatever its intervals say; or its id
// is free, and its parts' revisions have to be counted on.
func (g *group) unsettled() bool {
	for _, it := range g.items {
		if it.undecided || waits(it.last) || it.opened == nil && !it.slot && len(it.parts) > 0 {
			return true
		}
		for _, p := range it.parts {
			if waits(p) {
				return true
			}
		}
	}
	return false
}

func waits(p *published) bool { return p != nil && p.Verdict.Outcome == compliance.Pending }
