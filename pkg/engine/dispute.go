package engine

import (
	"bytes"
	"cmp"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// claim is what one body of an event with rivals says to an expectation: the event
// is wanted, or not.
type claim struct {
	match
	wanted bool
}

// dispute has the claims of all bodies of one event, in their order, if one at least
// is wanted. They may agree after all.
type dispute []claim

// place is where an event stands to an expectation.
type place int8

const (
	outside place = iota
	inside
	late   // it would have belonged, and may remedy
	unsure // whether it belongs isn't known
)

// disputes finds, of the events with rivals, those that an expectation may want.
func (it *item) disputes(x *control.Expectation, scope *control.Scope, role func(*roles) []int) []dispute {
	var list []dispute
	for _, lead := range it.group.disputed {
		var d dispute
		wanted := false
		for _, f := range lead.bodies() {
			c := claim{match: match{fact: f, sent: f}}
			if slices.Contains(role(f.roles[it.rules.Version]), x.Index) {
				if m, ok := it.match(x, scope, f); ok {
					c = claim{m, true}
				}
			}
			wanted = wanted || c.wanted
			d = append(d, c)
		}
		if wanted {
			list = append(list, d)
		}
	}
	return list
}

// reach is the last time that concerns the item. What a body says that claims a later
// one isn't asked: it may come when the item has ended.
func (r *review) reach() compliance.Instant {
	return r.it.time.Add(r.c.HorizonOf(r.it.end.Sub(r.it.time)))
}

// placeOf is where all bodies of an event stand that are known; where they disagree
// on whether it belongs, nobody knows.
func (r *review) placeOf(x *control.Expectation, scope *control.Scope, d dispute, from, to edge) (where place, disputed bool, doubt control.Doubt) {
	found := map[place]bool{}
	for _, c := range d {
		if c.sent.ev.Time > r.reach() {
			break
		}
		if c.sent.ev.Time >= r.w {
			r.closesAt(c.sent.ev.Time)
			break
		}
		at, why := r.placeOne(x, scope, c, from, to)
		doubt = doubt.Or(why)
		if len(found) == 0 || planted != plantedLeastBody {
			where = at
		}
		found[where] = true
	}
	switch {
	case len(found) <= 1:
		return where, false, doubt
	case found[inside] || found[unsure]:
		return unsure, found[inside] && (found[outside] || found[late]), doubt
	}
	return outside, false, doubt
}

func (r *review) placeOne(x *control.Expectation, scope *control.Scope, c claim, from, to edge) (where place, doubt control.Doubt) {
	if !c.wanted {
		return outside, doubt
	}
	in := c.lies(x, from, to)
	remedies := !in && c.remedies(x, from, to, r.it.time)
	ok, failed, why := r.holds(x, scope, c.match)
	switch {
	case ok && in:
		return inside, doubt
	case ok && remedies:
		return late, doubt
	case failed && in:
		return unsure, why
	}
	return outside, doubt
}

// weigh adds what the events with rivals are to an expectation.
func (r *review) weigh(x *control.Expectation, scope *control.Scope, earlier []sight, s *sight) (failed bool, undone coverage) {
	for _, d := range r.it.matches[x.Index].disputed {
		lead := d[0].fact
		where, disputed, doubt := r.placeOf(x, scope, d, s.from, s.to)
		s.disputed, s.doubt = s.disputed || disputed, s.doubt.Or(doubt)
		switch where {
		case outside:
		case unsure:
			failed = true
		case late:
			if s.remedy == nil || inTurn(lead, s.remedy) < 0 {
				s.remedy = lead
			}
		case inside:
			u := r.weighUndone(x, scope, earlier, lead, s)
			failed, undone = failed || u.failed, max(undone, u.heard)
			if !u.gone {
				s.events = insertFact(s.events, lead)
			}
		}
	}
	return failed, undone
}

// bodies are all of the event: the one that counts, then its rivals.
func (f *fact) bodies() []*fact { return append([]*fact{f}, f.rivals...) }

// insertCandidate keeps the bodies that may open an item in order.
func insertCandidate(list []*fact, f *fact) []*fact {
	i, _ := slices.BinarySearchFunc(list, f, func(a, b *fact) int {
		return cmp.Or(inTurn(a.shown, b.shown), bytes.Compare(a.ev.Ref.SHA256[:], b.ev.Ref.SHA256[:]))
	})
	return slices.Insert(list, i, f)
}

// mayOpen notes the item that a body may open.
func (g *group) mayOpen(e *Engine, f *fact) {
	if f.opens == "" {
		return
	}
	if ended := e.state.ended(g.shelf, f.opens); (ended == nil || ended.Free) && (!f.row || planted == plantedRowOpens) {
		it := e.item(g, f.opens)
		if it.last == nil {
			it.last = ended
		}
		if it.candidates == nil {
			it.candidates = f.alone[1:1]
		}
		it.candidates = insertCandidate(it.candidates, f)
		e.fresh(it, f)
	}
	g.remember(e, f)
}

// fresh has an item looked at that an event may open: once the watermark passes that, if
// there was nothing before.
func (e *Engine) fresh(it *item, f *fact) {
	it.quiet = false
	if it.last == nil && it.opened == nil && !it.slot && !it.dirty && len(it.candidates) == 1 &&
		f.shown.ev.Time >= e.at(it.group.control) && planted != plantedOpensSoon {
		e.timers.set(it, f.shown.ev.Time)
		return
	}
	e.mark(it)
}

// rival sorts the bodies of one id into events: each has the one that counts, and
// its rivals, one for each other hash.
func (g *group) rival(e *Engine, bodies []*fact) {
	rivals := sortRivals(bodies)
	ours := func(o *fact) bool { return o.hop == "" && o.key() == bodies[0].key() }
	before := len(g.disputed)
	g.disputed = slices.DeleteFunc(g.disputed, ours)
	if !rivals && before == len(g.disputed) {
		return
	}
	for _, b := range bodies {
		if len(b.rivals) > 0 {
			g.disputed = append(g.disputed, b)
		}
	}
	g.recollect(e)
}

// sortRivals finds which bodies repeat, and which dispute, the one that counts; it tells
// whether any does that.
func sortRivals(bodies []*fact) (rivals bool) {
	var lead *fact
	for _, b := range bodies {
		b.rivals = nil
		if b.counts {
			lead, b.lead = b, b
			continue
		}
		b.lead = lead
		same := func(o *fact) bool { return o.ev.Ref.SHA256 == b.ev.Ref.SHA256 }
		if slices.ContainsFunc(lead.bodies(), same) {
			b.lead = nil
			continue
		}
		lead.rivals = append(lead.rivals, b)
		rivals = true
	}
	return rivals
}

// agrees tells whether all known bodies of the candidate's event open the item.
func (r *review) agrees(f *fact) bool {
	all := true
	for _, b := range f.lead.bodies() {
		if b.ev.Time > r.reach() {
			break
		}
		if b.ev.Time >= r.w {
			r.closesAt(b.ev.Time)
			break
		}
		all = all && b.base == f.base
	}
	return all || planted == plantedLeastBody
}

// conflicting is what is said of an item that an event opens or doesn't.
func conflicting() finding {
	return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonConflictingEvidence}
}

// change is what a body of an event does to a table.
type change struct {
	row                string
	here, live, failed bool
}

func (r *review) changeOf(t *control.DerivedTable, f *fact) (c change) {
	if !slices.Contains(f.roles[r.c.Version].tables, t.Index) || f.ev.Time > r.it.time {
		return c
	}
	key, here := t.KeyOf(f.view)
	row, ok := t.RowOf(f.view)
	if !here || key != r.it.group.key.key || !ok {
		return c
	}
	c = change{row: row, here: true, live: true}
	if t.Live != nil {
		live, err := t.Live.Bool(r.c.NewScope(nil, r.it.time).With(f.view, nil))
		c.live, c.failed = live, err != nil
	}
	return c
}

// unclear tells whether a row is as an event left it whose bodies disagree on what
// it does to the table.
func (r *review) unclear(t *control.DerivedTable) bool {
	return slices.ContainsFunc(r.it.group.disputed, func(lead *fact) bool {
		return slices.ContainsFunc(r.disagreeing(t, lead), func(b *fact) bool {
			return !r.overwritten(t, b, r.changeOf(t, b).row)
		})
	})
}

// disagreeing are the bodies of an event that change a table, if they disagree on how.
func (r *review) disagreeing(t *control.DerivedTable, lead *fact) (here []*fact) {
	changes := map[change]bool{}
	for _, b := range lead.bodies() {
		if b.ev.Time > r.reach() {
			break
		}
		if b.ev.Time >= r.w {
			r.closesAt(b.ev.Time)
			break
		}
		c := r.changeOf(t, b)
		if changes[c] = true; c.here {
			here = append(here, b)
		}
	}
	if len(changes) < 2 {
		return nil
	}
	return here
}

// overwritten tells whether a later event, whose bodies agree, sets the same row.
func (r *review) overwritten(t *control.DerivedTable, b *fact, row string) bool {
	return slices.ContainsFunc(r.it.group.facts, func(o *fact) bool {
		c := r.changeOf(t, o)
		return c.here && c.row == row && compareFacts(o, b) > 0 && len(r.disagreeing(t, o)) == 0
	})
}
