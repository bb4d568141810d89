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
	ev    compliance.Event // without Data; view has it
	view  control.View
	roles []*roles // by version of the control
	// opens is the item that it may open here, if any; base is its id, without the time
	// that tells items of one id apart.
	opens string
	base  string
	// shown is the event as its population's clock sees it; itself where there is none.
	shown      *fact
	unreadable bool
	counts     bool // it is the body of its event that counts
	waiver     *control.Waiver
	hop        string             // where it was handed on; empty if it came here itself
	waits      compliance.Outcome // of a verdict that is evidence: pending or inconclusive
	// lead is the body that counts of its event, itself perhaps; nil if this one only
	// repeats another. rivals are the others, if this one counts.
	lead   *fact
	rivals []*fact
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

func (f *fact) key() compliance.EventKey { return f.ev.Key() }

func compareBodies(a, b *fact) int {
	return cmp.Or(cmp.Compare(a.ev.Time, b.ev.Time), bytes.Compare(a.ev.Ref.SHA256[:], b.ev.Ref.SHA256[:]))
}

func compareFacts(a, b *fact) int { return a.ev.Compare(&b.ev) }

// insertFact keeps a list in the order of events.
func insertFact(list []*fact, f *fact) []*fact {
	i, _ := slices.BinarySearchFunc(list, f, compareFacts)
	return slices.Insert(list, i, f)
}

// roles says what events of one type mean to one control.
type roles struct {
	population bool
	expects    []int // expectations that want the type
	undoes     []int // expectations whose unless wants it
	tables     []int
}

func (e *Engine) rolesOf(c *control.Control, eventType string) *roles {
	if r, ok := e.roles[c][eventType]; ok {
		return r
	}
	r := &roles{population: control.MatchesAny(c.Population.Types, eventType)}
	for i, x := range c.Expectations {
		if control.MatchesAny(x.Types, eventType) {
			r.expects = append(r.expects, i)
		}
		if x.Unless != nil && control.MatchesAny(x.Unless.Types, eventType) {
			r.undoes = append(r.undoes, i)
		}
	}
	for i, t := range c.Tables {
		if control.MatchesAny(t.Types, eventType) {
			r.tables = append(r.tables, i)
		}
	}
	e.roles[c][eventType] = r
	return r
}

// evidenceFact is an event that opens nothing here.
func (e *Engine) evidenceFact(g *group, ev compliance.Event, preload int) *fact {
	f := &fact{ev: ev, view: control.ViewOf(&ev), preload: preload, fields: preload}
	for _, v := range g.control.Versions {
		f.roles = append(f.roles, e.rolesFor(v, ev.Type, preload))
	}
	f.ev.Data = nil
	return f
}

func (e *Engine) newFact(g *group, in *Fact) *fact {
	f := e.evidenceFact(g, in.Event, in.Preload)
	at, shown, placed := g.control.Placed(&in.Event, f.view)
	if v := g.control.At(at); f.roles[v.Version].population {
		f.show(at, shown)
		g.readCandidate(f, &in.Event, v, placed)
	}
	return f
}

// show notes when the event counts as one of the population.
func (f *fact) show(at compliance.Instant, view control.View) {
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

// readCandidate finds which item f may open at this key, by the version of its time.
func (g *group) readCandidate(f *fact, ev *compliance.Event, v *control.Control, placed bool) {
	key, ok := v.ItemKey(ev, f.view)
	if !ok || key != g.key.key {
		return
	}
	p := &v.Population
	f.opens, f.unreadable = control.UnreadableID(ev), true
	f.base = f.opens
	if !placed {
		return
	}
	s := v.NewScope(nil, f.shown.ev.Time).With(f.shown.view, nil)
	if p.Where != nil {
		if _, err := p.Where.Bool(s); err != nil {
			return
		}
	}
	if id, ok := p.ItemID(s); ok {
		f.base, f.opens, f.unreadable = id, p.Named(id, f.shown.ev.Time), false
	}
}

// group is everything that one control knows at one join key.
type group struct {
	key     groupKey
	control *control.Control // in its last version; an item has the one of its time
	facts   []*fact          // those that count, in the order of events
	bodies  map[compliance.EventKey][]*fact
	// disputed are the facts that have rivals, in any order.
	disputed []*fact
	said     map[string][]*fact // what items of earlier stages say, by Said.By
	items    map[string]*item
	ending   bool // a timer to end it is set
	same     same
}

func (e *Engine) group(key groupKey, c *control.Control) *group {
	g := e.state.group(key)
	if g == nil {
		g = &group{key: key, control: c, bodies: map[compliance.EventKey][]*fact{}, items: map[string]*item{}}
		e.state.keep(g)
	}
	return g
}

func (g *group) item(id string) *item {
	it := g.items[id]
	if it == nil {
		it = &item{group: g, id: id, rules: g.control}
		g.items[id] = it
	}
	return it
}

// insert takes a fact into the group and into every item that it may concern.
func (g *group) insert(e *Engine, f *fact) {
	g.facts = insertFact(g.facts, f)
	for _, it := range g.items {
		if it.concerned(f) {
			it.quiet = it.quiet && f.ev.Time >= e.at(g.control) // what is late may decide what is closed
			e.dirty[it] = struct{}{}
		}
	}
}

// take adds a body of an event; false if it was there already. Bodies of one id
// are one event if they lie within correct_until of the first: the least by
// (time, hash) counts.
func (g *group) take(e *Engine, f *fact) bool {
	bodies := g.bodies[f.key()]
	i, found := slices.BinarySearchFunc(bodies, f, compareBodies)
	if found {
		return false
	}
	bodies = slices.Insert(bodies, i, f)
	g.bodies[f.key()] = bodies
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

// remove takes a fact out again, for another body of the same event counts.
func (g *group) remove(e *Engine, f *fact) {
	same := func(o *fact) bool { return o == f }
	g.facts = slices.DeleteFunc(g.facts, same)
	for _, it := range g.items {
		it.forget()
		e.dirty[it] = struct{}{}
	}
}
