package engine

import (
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// same is what is remembered of ids where a control forgets them again (same_for).
type same struct {
	// candidates are the events that may open an item of an id, in order.
	candidates map[string][]*fact
	// gone is when the last of those came that aren't kept any more: a word for each id
	// that is still remembered.
	gone map[string]compliance.Instant
}

func sameFor(v *control.Control) time.Duration { return v.Population.SameFor }

// remember notes a body that may open an item; those of its id that come after may not
// open one then.
func (g *group) remember(e *Engine, f *fact) {
	if g.plan.sameFor == 0 {
		return
	}
	if g.same.candidates == nil {
		g.same.candidates = map[string][]*fact{}
	}
	list := insertCandidate(g.same.candidates[f.base], f)
	g.same.candidates[f.base] = list
	for _, later := range list[slices.Index(list, f)+1:] {
		if it := g.items.get(later.opens); it != nil {
			it.quiet = false
			e.mark(it)
		}
	}
}

// first tells whether a body is the first of its event that has its id.
func (f *fact) first() bool {
	if len(f.lead.rivals) == 0 {
		return true
	}
	for _, b := range f.lead.bodies() {
		if b.base == f.base {
			return b == f
		}
	}
	return false
}

// same tells whether an event of the same id came so little before f that the id is still
// remembered.
func (r *review) same(f *fact) bool {
	g := r.it.group
	p := &g.control.At(f.shown.ev.Time).Population
	if p.SameFor == 0 {
		return false
	}
	since := f.shown.ev.Time.Add(-p.SameFor)
	if last, ok := g.same.gone[f.base]; ok && last >= since && planted != plantedSameForgotten {
		return true
	}
	return slices.ContainsFunc(g.same.candidates[f.base], func(o *fact) bool {
		if o.shown.ev.Time < since || inTurn(o.shown, f.shown) >= 0 {
			return false
		}
		if o.ev.Time >= r.w {
			r.wakeAt(o.ev.Time)
			return false
		}
		return o.lead != nil && o.lead != f.lead && o.first()
	})
}

// forget keeps a word of the bodies of events that are dropped.
func (g *group) forget(e *Engine, bodies []*fact) {
	for _, f := range bodies {
		i := slices.Index(g.same.candidates[f.base], f)
		if i < 0 {
			continue
		}
		g.same.candidates[f.base] = slices.Delete(g.same.candidates[f.base], i, i+1)
		if len(g.same.candidates[f.base]) == 0 {
			delete(g.same.candidates, f.base)
		}
		if last, known := g.same.gone[f.base]; f.lead != nil && f.first() && (!known || last < f.shown.ev.Time) {
			g.goneAt(f.base, f.shown.ev.Time)
			e.note(func() Change { return sameChange(g, f.base) })
		}
	}
}

func (g *group) goneAt(base string, at compliance.Instant) {
	if g.same.gone == nil {
		g.same.gone = map[string]compliance.Instant{}
	}
	g.same.gone[base] = at
}

// forgetIDs drops those that no event that may still open an item can be the same as, nor
// one that is kept: that would open one after a restart.
func (g *group) forgetIDs(e *Engine, before compliance.Instant) {
	long := g.plan.sameFor
	for base, last := range g.same.gone {
		// the word is of the last one only: those before it may be the same as an earlier one
		mayBeSame := func(f *fact) bool { return f.shown.ev.Time <= last.Add(long) }
		if last.Add(long) < before && !slices.ContainsFunc(g.same.candidates[base], mayBeSame) {
			delete(g.same.gone, base)
			e.note(func() Change { return Change{Key: sameChange(g, base).Key} })
		}
	}
}

func sameChange(g *group, base string) Change {
	k := g.key
	return Change{stateKey(kindSame, k.tenant, k.control, k.key, base), encode(int64(g.same.gone[base]))}
}

func (e *Engine) loadSame(key []string, value []byte) error {
	var last int64
	if err := decode(value, &last); err != nil {
		return fmt.Errorf("reading when an id came last: %w", err)
	}
	if c := e.bundle.Control(key[2]); c != nil {
		g := e.group(groupKey{key[1], key[2], key[3]}, c)
		g.goneAt(key[4], compliance.Instant(last))
		e.setEnding(g)
	}
	return nil
}
