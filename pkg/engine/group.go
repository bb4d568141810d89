package engine

import (
	"bytes"
	"cmp"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// fact is an event held at a join key.
type fact struct {
	// What an item asks of each fact stands first.
	roles  []*roles // by version of the control
	rivals []*fact  // the other bodies, if this is the one that counts of its event
	hop    string   // where it was handed on; empty if it came here itself
	ev     compliance.Event
	view   control.Fields // seen, unless a clock moved it
	// lead is the body that counts of its event, itself perhaps; nil if this one only
	// repeats another.
	lead *fact
	seen control.Seen // of ev
	// opens is the item that it may open here, if any; base is its id, without the time
	// that tells items of one id apart.
	opens string
	base  string
	// shown is the event as its population's clock sees it; itself where there is none.
	shown      *fact
	unreadable bool
	counts     bool // it is the body of its event that counts
	gone       bool // it was dropped
	row        bool // it is kept as a table's row alone: what an item of it would ask may be gone
	waiver     *control.Waiver
	waits      compliance.Outcome // of a verdict that is evidence: pending or inconclusive
	// alone is room for the lists of bodies and candidates that have no other, as most.
	alone [2]*fact
	// sent is the event's own time, where a clock moved it.
	sent *compliance.Instant
	// preload and fields say how it came to be known: see preload.go.
	preload, fields int
}

// asSent is the event as it came.
func (f *fact) asSent() *compliance.Event {
	if f.sent == nil {
		return &f.ev
	}
	ev := f.ev
	ev.Time = *f.sent
	return &ev
}

func (f *fact) sentAt() compliance.Instant {
	if f.sent == nil {
		return f.ev.Time
	}
	return *f.sent
}

func (f *fact) key() compliance.EventKey { return f.ev.Key() }

// eventID tells events at a join key apart: all are of its tenant.
type eventID struct{ source, id string }

func (f *fact) id() eventID { return eventID{f.ev.Source, f.ev.ID} }

// held are the bodies of one event at a join key, in order. Most are only asked about the time
// of the last: so that stands here.
type held struct {
	bodies []*fact
	last   compliance.Instant
}

func (h held) key() eventID { return h.bodies[0].id() }

func compareBodies(a, b *fact) int {
	return cmp.Or(cmp.Compare(a.ev.Time, b.ev.Time), bytes.Compare(a.ev.Ref.SHA256[:], b.ev.Ref.SHA256[:]))
}

func compareFacts(a, b *fact) int { return a.ev.Compare(&b.ev) }

// inTurn is the order of events, those that a clock puts in one place in their own: an id
// that was used again names both.
func inTurn(a, b *fact) int {
	if c := compareFacts(a, b); c != 0 {
		return c
	}
	return cmp.Compare(a.sentAt(), b.sentAt())
}

// insertFact keeps a list in the order of events.
func insertFact(list []*fact, f *fact) []*fact {
	i, _ := slices.BinarySearchFunc(list, f, inTurn)
	return slices.Insert(list, i, f)
}

// evidenceFact is an event that opens nothing here.
func (e *Engine) evidenceFact(g *group, ev *compliance.Event, preload int) *fact {
	f := e.spare.fact()
	f.ev, f.preload, f.fields = *ev, preload, preload
	f.seen = control.See(&f.ev)
	f.view = &f.seen
	f.roles = meeting(g.plan.rolesFor(ev.Type, preload), f.view, g.key.key)
	return f
}

func (e *Engine) newFact(g *group, in *Fact) *fact {
	f := e.evidenceFact(g, &in.Event, in.Preload)
	at, shown, placed := g.control.Placed(&in.Event, f.view)
	if v := g.control.At(at); f.roles[v.Version].population {
		f.show(at, shown)
		g.readCandidate(e, f, &in.Event, v, placed)
	}
	return f
}

// show notes when the event counts as one of the population.
func (f *fact) show(at compliance.Instant, view control.Fields) {
	if f.shown = f; at != f.ev.Time {
		there := *f
		there.ev.Time, there.view, there.sent = at, view, &f.ev.Time
		f.shown = &there
	}
}

// plays tells whether f may be evidence in some version; a row of a table, if rows.
func (f *fact) plays(rows bool) bool {
	return slices.ContainsFunc(f.roles, func(r *roles) bool {
		return rows && len(r.tables) > 0 || !rows && len(r.expects)+len(r.undoes) > 0
	})
}

// mayUndo tells whether f may undo evidence in some version.
func (f *fact) mayUndo() bool {
	return planted != plantedUndoneQuietly && slices.ContainsFunc(f.roles, func(r *roles) bool { return len(r.undoes) > 0 })
}

// readCandidate finds which item f may open at this key, by the version of its time.
func (g *group) readCandidate(e *Engine, f *fact, ev *compliance.Event, v *control.Control, placed bool) {
	if !v.OpensAt(ev, f.view, g.key.key) {
		return
	}
	p := &v.Population
	if id, ok := g.itemID(e, f, v); ok && placed {
		f.base, f.opens = id, p.Named(id, f.shown.ev.Time)
		return
	}
	f.opens, f.unreadable = control.UnreadableID(ev), true
	f.base = f.opens
}

// itemID is the id of the item that f may open; ok is false if it can't be told.
func (g *group) itemID(e *Engine, f *fact, v *control.Control) (id string, ok bool) {
	s := &e.room.scope
	v.Renew(s, nil, f.shown.ev.Time)
	s.Event = f.shown.view
	if v.Population.Where != nil {
		if _, err := v.Population.Where.Bool(s); err != nil {
			return "", false
		}
	}
	return v.Population.ItemID(s)
}

// group is everything that one control knows at one join key. What is asked at each event
// stands first.
type group struct {
	control *control.Control // in its last version; an item has the one of its time
	plan    *plan
	newest  compliance.Instant // no fact is later
	until   compliance.Instant // no evidence after it is asked for by an item that stands here
	shelf   shelf              // of its ended items
	ending  bool               // a timer to end it is set
	facts   []*fact            // those that count, in the order of events
	lists   []wanted           // of those, by expectation; nil while nobody asked
	bodies  few[eventID, held]
	items   few[string, *item]
	key     groupKey
	sources []*source // of its tenant
	waivers *waivers  // of its control
	// disputed are the facts that have rivals, in any order.
	disputed []*fact
	said     map[string][]*fact // what items of earlier stages say, by Said.By
	same     same
}

func (e *Engine) group(key groupKey, c *control.Control) *group {
	g := e.state.group(key)
	if g == nil {
		g = e.spare.group()
		g.key, g.control, g.plan = key, c, e.planOf(c)
		g.sources, g.waivers = e.sourcesOf(key.tenant), e.waiversOf(key.tenant, c)
		e.state.keep(g)
	}
	return g
}

func (e *Engine) item(g *group, id string) *item {
	it := g.items.get(id)
	if it == nil {
		it = e.spare.item()
		it.group, it.id, it.rules = g, id, g.control
		g.items.set(it)
	}
	return it
}

// insert takes a fact into the group and into every item that it may concern.
func (g *group) insert(e *Engine, f *fact) {
	if f.ev.Time > g.newest { // as most come: then nobody looks at the others
		g.facts, g.newest = append(g.facts, f), f.ev.Time
	} else {
		g.facts = insertFact(g.facts, f)
	}
	g.list(f)
	if !g.asksFor(f) {
		return
	}
	for it := range g.items.values() {
		if it.concerned(f) {
			// what is late may decide what is closed, and what undoes decides before the end
			it.quiet = it.quiet && f.ev.Time >= e.at(g.control) && !f.mayUndo()
			e.mark(it)
		}
	}
}

// asksFor tells whether any item may be concerned by f. Where many items stand at a key, most
// events open another, or come after all that is asked for.
func (g *group) asksFor(f *fact) bool {
	return g.plan.having || slices.ContainsFunc(f.roles, func(r *roles) bool {
		return len(r.tables)+len(r.undoes) > 0 || len(r.expects) > 0 && f.ev.Time <= g.until
	})
}

// take adds a body of an event; false if it was there already. Bodies of one id
// are one event if they lie within correct_until of the first: the least by
// (time, hash) counts.
func (g *group) take(e *Engine, f *fact) bool { return g.takeAt(g.bodies.find(f.id()), e, f) }

// takeAt is take where the place of the event is known.
func (g *group) takeAt(place int, e *Engine, f *fact) bool {
	bodies := g.bodies.value(place).bodies
	i, found := slices.BinarySearchFunc(bodies, f, compareBodies)
	if found {
		return false
	}
	if len(bodies) == 0 {
		bodies = f.alone[:0:1]
	}
	bodies = slices.Insert(bodies, i, f)
	g.bodies.put(place, held{bodies, bodies[len(bodies)-1].ev.Time})
	f.lead = f
	g.mayOpen(e, f)
	settle(bodies, g.control, func(b *fact) {
		if b.counts {
			g.insert(e, b)
		} else {
			g.remove(e, b)
		}
	})
	if len(bodies) > 1 {
		g.rival(e, bodies)
	}
	e.setEnding(g)
	return true
}

// settle finds which bodies of an event count, and visits those that didn't before,
// or no longer do.
func settle(bodies []*fact, c *control.Control, changed func(*fact)) {
	until := compliance.Ever
	for _, b := range bodies {
		counts := b.ev.Time > until || planted == plantedSecondBody
		if counts {
			until = b.ev.Time.Add(c.CorrectUntil)
		}
		if counts != b.counts {
			b.counts = counts
			changed(b)
		}
	}
}

// keepFacts is for facts that were taken out: those that are left count.
func (g *group) keepFacts(left []*fact) { g.facts, g.lists = left, nil }

// remove takes a fact out again, for another body of the same event counts.
func (g *group) remove(e *Engine, f *fact) {
	same := func(o *fact) bool { return o == f }
	g.keepFacts(slices.DeleteFunc(g.facts, same))
	for it := range g.items.values() {
		it.forget()
		e.mark(it)
	}
}
