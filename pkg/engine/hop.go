package engine

import (
	"fmt"
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// hop is a join key at which evidence meets items that are judged elsewhere, at keys of
// their own: all that is here is handed to each of them, a stage later.
type hop struct {
	key     groupKey
	control *control.Control
	// bodies are what came here, by event, in the order of bodies.
	bodies map[compliance.EventKey][]compliance.Event
	// told are the verdicts of earlier stages that came here, by Said.By.
	told map[string][]compliance.Event
	// items are the keys of the items that join here, by the time of the event that may
	// open them. What has passed counts no more, whether it was swept or not: when a hop is
	// swept hangs on restarts.
	items map[string]compliance.Instant
	sweep compliance.Instant // when to look for what has passed
}

// hops tells whether a fact is for a hop of this stage.
func (e *Engine) hops(c *control.Control, key string) bool {
	return c != nil && c.Stage == e.stage+1 && control.IsHop(key)
}

func (e *Engine) hopAt(key groupKey, c *control.Control) *hop {
	h := e.hopsAt[key]
	if h == nil {
		h = &hop{key: key, control: c, bodies: map[compliance.EventKey][]compliance.Event{}, told: map[string][]compliance.Event{}, items: map[string]compliance.Instant{}, sweep: e.w.Add(e.planOf(c).span)}
		e.hopsAt[key] = h
		e.nextSweep = min(e.nextSweep, h.sweep)
	}
	return h
}

// addHop takes an event at a hop, and hands it to the items there; what is there, to an
// item that comes.
func (e *Engine) addHop(c *control.Control, f *Fact) Admission {
	h := e.hopAt(groupKey{f.Tenant, f.Control, f.Key}, c)
	bodies, fresh := insertBody(h.bodies[f.Event.Key()], f.Event)
	if !fresh {
		return Duplicate
	}
	h.bodies[f.Event.Key()] = bodies
	e.note(func() Change { return hopChange(h, &f.Event) })
	e.handBodies(h, f.Event.Key(), h.joined(e.reach(h)))
	if own := h.itemOf(&f.Event); own != "" {
		e.joinItem(h, own, f.Event.Time)
	}
	return Admitted
}

// insertBody keeps bodies of one event in order; false if it was there.
func insertBody(bodies []compliance.Event, ev compliance.Event) ([]compliance.Event, bool) {
	i, found := slices.BinarySearchFunc(bodies, ev, func(a, b compliance.Event) int {
		return compareBodies(&fact{ev: a}, &fact{ev: b})
	})
	if found {
		return bodies, false
	}
	return slices.Insert(bodies, i, ev), true
}

// itemOf is the key of the item that an event at the hop may open; empty if it opens none.
func (h *hop) itemOf(ev *compliance.Event) string {
	v := h.control.At(ev.Time)
	if !v.Hops || !control.MatchesAny(v.Population.Types, ev.Type) {
		return ""
	}
	own, ok := v.ItemKey(ev, control.ViewOf(ev))
	if !ok {
		return ""
	}
	return own
}

// reach is how far items look back.
func (e *Engine) reach(h *hop) compliance.Instant {
	if e.w == compliance.Ever {
		return e.w
	}
	return e.w.Add(-e.planOf(h.control).span)
}

// joined are the items that have not passed.
func (h *hop) joined(since compliance.Instant) []string {
	var keys []string
	for own, at := range h.items {
		if at >= since {
			keys = append(keys, own)
		}
	}
	slices.Sort(keys)
	return keys
}

// know notes an item, and tells whether it was known.
func (h *hop) know(own string, at, since compliance.Instant) bool {
	had, known := h.items[own]
	if !known || at > had {
		h.items[own] = at
	}
	return known && had >= since
}

// joinItem hands all that is at a hop to an item that is new there.
func (e *Engine) joinItem(h *hop, own string, at compliance.Instant) {
	since := e.reach(h)
	if h.know(own, at, since) || planted == plantedLateJoin && len(h.bodies) > 1 {
		return
	}
	for _, key := range slices.SortedFunc(maps.Keys(h.bodies), compareKeys) {
		if !passed(h.bodies[key], since) {
			e.handBodies(h, key, []string{own})
		}
	}
	for _, by := range slices.Sorted(maps.Keys(h.told)) {
		if !passed(h.told[by], since) {
			e.hand(h, by, h.told[by], []string{own})
		}
	}
}

// passed tells whether no item looks back to any of the events.
func passed(events []compliance.Event, since compliance.Instant) bool {
	return !slices.ContainsFunc(events, func(ev compliance.Event) bool { return ev.Time >= since })
}

func compareKeys(a, b compliance.EventKey) int {
	return (&compliance.Event{Source: a.Source, ID: a.ID}).Compare(&compliance.Event{Source: b.Source, ID: b.ID})
}

func (e *Engine) handBodies(h *hop, key compliance.EventKey, items []string) {
	e.hand(h, "event "+key.Source+" "+key.ID, h.bodies[key], items)
}

// hand hands on what has a name at the hop; the same name elsewhere is something else.
func (e *Engine) hand(h *hop, by string, events []compliance.Event, items []string) {
	for _, own := range items {
		e.said = append(e.said, Said{Control: h.key.control, Tenant: h.key.tenant, Key: own, By: h.key.key + " " + by, Hop: h.key.key, Verdicts: slices.Clone(events)})
	}
}

// hopSaid takes verdicts of an earlier stage at a hop.
func (e *Engine) hopSaid(c *control.Control, s *Said) {
	h := e.hopAt(groupKey{s.Tenant, s.Control, s.Key}, c)
	if h.told[s.By] = s.Verdicts; len(s.Verdicts) == 0 {
		delete(h.told, s.By)
	}
	e.note(func() Change { return saidChange(s) })
	e.hand(h, s.By, s.Verdicts, h.joined(e.reach(h)))
}

// endHops drops what no item looks back to any more, and items that nothing reaches.
func (e *Engine) endHops() {
	if e.w <= e.nextSweep {
		return
	}
	e.nextSweep = compliance.Never
	for _, h := range e.hopsAt {
		if e.w > h.sweep {
			e.endHop(h)
		}
		e.nextSweep = min(e.nextSweep, h.sweep)
	}
}

func (e *Engine) endHop(h *hop) {
	since := e.reach(h)
	h.sweep = e.w.Add(e.planOf(h.control).span / 4)
	maps.DeleteFunc(h.items, func(_ string, at compliance.Instant) bool { return at < since })
	for key, bodies := range h.bodies {
		if !passed(bodies, since) {
			continue
		}
		delete(h.bodies, key)
		for i := range bodies {
			e.note(func() Change { return Change{Key: hopKey(h.key, &bodies[i])} })
		}
	}
	for by, events := range h.told {
		if passed(events, since) {
			delete(h.told, by)
			e.note(func() Change { return Change{Key: saidStateKey(h.key, by, "")} })
		}
	}
	if len(h.bodies) == 0 && len(h.told) == 0 {
		delete(e.hopsAt, h.key)
	}
}

// kindHop is a body of an event at a hop.
const kindHop = "hop"

func hopKey(k groupKey, ev *compliance.Event) []byte {
	return stateKey(kindHop, k.tenant, k.control, k.key, ev.Source, ev.ID, ev.Time.String(), ev.Ref.SHA256.String())
}

func hopChange(h *hop, ev *compliance.Event) Change {
	return Change{hopKey(h.key, ev), encode(storeFact(ev))}
}

// loadHop brings an event back. It was handed on before.
func (e *Engine) loadHop(key []string, value []byte) error {
	var s storedFact
	if err := decode(value, &s); err != nil {
		return fmt.Errorf("reading an event at a hop: %w", err)
	}
	c := e.bundle.Control(key[2])
	if c == nil {
		return nil
	}
	h, ev := e.hopAt(groupKey{key[1], key[2], key[3]}, c), s.event(key[1])
	h.bodies[ev.Key()], _ = insertBody(h.bodies[ev.Key()], ev)
	if own := h.itemOf(&ev); own != "" {
		h.know(own, ev.Time, compliance.Ever)
	}
	return nil
}

// hopOf is where evidence of an expectation comes from, for an item whose evidence is at
// a key.
func hopOf(x *control.Expectation, key string) string {
	if x.ItemPaths == nil {
		return ""
	}
	return key
}
