// Package engine judges items as events come: the incremental twin of
// pkg/oracle, for one partition of the routed log.
//
// It is a pure state machine. Add takes one event as one control reads it,
// Advance moves the watermark and gives the revisions that follow, Changes gives
// what to write to the changelog so that Load can bring the state back. It reads
// no clock and depends on no order of arrival: for the same admitted events and
// watermark it says what the oracle says, which property tests hold it to.
//
// State lives behind store, here in memory. What is known of an item is kept as sorted lists of
// matching events for each expectation; an item is looked at again only when an
// event of its own came, or when the watermark passes the next instant at which
// its verdict could change.
package engine

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Fact is one event as one control reads it, at the join key it was routed to.
// Control is empty for events that concern every control, Key for those that concern
// every key of one.
type Fact struct {
	Control string
	Tenant  string
	Key     string
	Event   compliance.Event // Data holds what the control reads
	// Preload is the activation for which it was read once more, however late; 0: it was
	// read when it came.
	Preload int
}

// Change is one record of the changelog; a nil Value deletes.
type Change struct{ Key, Value []byte }

// Admission is what became of a fact.
type Admission int

// The admissions.
const (
	// Admitted: it counts from now on.
	Admitted Admission = iota
	// Duplicate: it was there already.
	Duplicate
	// Quarantined: it came later than its control corrects; only a replay uses it.
	Quarantined
)

// Engine is the state of one partition. It is not safe for concurrent use.
type Engine struct {
	bundle                *control.Bundle
	stage                 int // of the controls that are judged
	partition, partitions int32
	w                     compliance.Instant
	state                 store
	taken                 []*item // those of the last Advance; kept for its room
	dirty                 []*item // to be looked at at the next Advance, if their dirty says so
	timers                timers
	endings               endings
	plans                 map[*control.Control]*plan
	sources               map[string][]*source // tenant → in the order of the bundle
	crowded               bool                 // a source may have signs of life to drop
	waivers               map[waiverKey]*waivers
	schedules             []*cursor
	room                  room
	spare                 spare
	changes               []Change
	unlogged              bool
	readers               map[string][]*control.Control // by the id of the control whose verdicts they read
	said                  []Said
	hopsAt                map[groupKey]*hop
	nextSweep             compliance.Instant // of the hops
}

type groupKey struct{ tenant, control, key string }

type itemKey struct {
	groupKey
	id string
}

// heartbeatsCorrect bounds how late word of a source may come.
const heartbeatsCorrect = 7 * 24 * time.Hour

// New is the engine of one of the partitions, with no state. It judges the controls
// that read events only; see NewStages for the others.
func New(b *control.Bundle, partition, partitions int32) *Engine {
	return NewStage(b, 0, partition, partitions)
}

// NewStage is the engine of the controls of one stage: what later ones have to know of
// them is Said, and they take that with AddSaid.
func NewStage(b *control.Bundle, stage int, partition, partitions int32) *Engine {
	e := &Engine{
		bundle: b, stage: stage, readers: map[string][]*control.Control{}, hopsAt: map[groupKey]*hop{}, nextSweep: compliance.Never, partition: partition, partitions: partitions, w: compliance.Ever,
		state: newMemory(), plans: map[*control.Control]*plan{}, sources: map[string][]*source{}, waivers: map[waiverKey]*waivers{},
	}
	for _, c := range b.Controls {
		for _, v := range c.Versions {
			e.schedule(v)
		}
		for _, of := range c.ReadVerdicts() {
			e.readers[of.ID] = append(e.readers[of.ID], c)
		}
	}
	return e
}

func (e *Engine) schedule(v *control.Control) {
	if v.Population.Schedule == nil || v.Stage != e.stage {
		return
	}
	for _, tenant := range e.bundle.Tenants {
		e.schedules = append(e.schedules, &cursor{tenant: tenant, control: v, next: v.Population.Schedule.First(v.From)})
	}
}

// Unlogged has the engine note no changes, for who never restores it: they are a third
// of its work.
func (e *Engine) Unlogged() *Engine {
	e.unlogged = true
	return e
}

func (e *Engine) note(change func() Change) {
	if !e.unlogged {
		e.changes = append(e.changes, change())
	}
}

// Watermark is where the engine stands: the log is complete below it.
func (e *Engine) Watermark() compliance.Instant { return e.w }

// Add takes a fact. Its effect on verdicts shows at the next Advance.
func (e *Engine) Add(f *Fact) Admission {
	if f.Control == "" {
		return e.hear(f)
	}
	c := e.bundle.Control(f.Control)
	hops := e.hops(c, f.Key)
	if c == nil || !hops && (c.Stage != e.stage || control.IsHop(f.Key)) {
		return Duplicate // routed for another stage, or a rule set that is no longer loaded
	}
	if f.Preload == 0 && e.w != compliance.Ever && f.Event.Time < e.w.Add(-c.CorrectUntil) && planted != plantedLateAdmitted {
		return Quarantined
	}
	switch {
	case hops:
		return e.addHop(c, f)
	case f.Key == "":
		return e.addWaiver(c, f)
	}
	g := e.group(groupKey{f.Tenant, f.Control, f.Key}, c)
	fa := e.newFact(g, f)
	place := g.bodies.find(fa.id())
	bodies := g.bodies.value(place).bodies
	if had := g.known(fa, bodies); had != nil {
		e.spare.take(fa)
		return e.again(g, had, f)
	}
	if g.late(fa, bodies) || !g.takeAt(place, e, fa) {
		e.spare.take(fa)
		return Duplicate
	}
	e.note(func() Change { return factChange(g, fa, &f.Event) })
	return Admitted
}

// Advance moves the watermark to w and gives the revisions that follow, in the
// order of (control, tenant, item). A lower w than before changes nothing but
// still publishes what late facts changed.
func (e *Engine) Advance(w compliance.Instant) []compliance.Revision {
	if w > e.w {
		e.w = w
		e.note(func() Change { return watermarkChange(w) })
	}
	e.passNumbers()
	e.openSlots()
	e.timers.popBefore(e.w, e.due)
	published := e.room.published[:0]
	for _, it := range e.takeDirty() {
		published = e.review(it, published)
	}
	revisions := slices.Clone(published)
	clear(published)
	e.room.published = published
	e.endings.popBefore(e.w, e.tryEnd)
	e.endWaivers()
	e.endHops()
	e.forgetBeats()
	return revisions
}

// mark has an item looked at at the next Advance.
func (e *Engine) mark(it *item) {
	if !it.dirty {
		it.dirty = true
		e.dirty = append(e.dirty, it)
	}
}

// takeDirty empties the set, sorted so that output never depends on a map.
func (e *Engine) takeDirty() []*item {
	list := e.taken[:0]
	for _, it := range e.dirty {
		if it.dirty && (!it.quiet || e.at(it.group.control) > it.wake) {
			list = append(list, it)
		}
		it.dirty = false
	}
	clear(e.dirty)
	e.dirty, e.taken = e.dirty[:0], list
	slices.SortFunc(list, compareItems)
	return list
}

// compareItems looks no further than it must: a sort asks it for each item a few times.
func compareItems(a, b *item) int {
	if a.group.control != b.group.control {
		if c := cmp.Compare(a.group.control.ID, b.group.control.ID); c != 0 {
			return c
		}
	}
	if c := cmp.Compare(a.group.key.tenant, b.group.key.tenant); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.group.key.key, b.group.key.key))
}

// Changes gives what has to be written to the changelog since the last call.
func (e *Engine) Changes() []Change {
	c := e.changes
	e.changes = nil
	return c
}

// cursor walks the slots of a schedule, in one version of a control.
type cursor struct {
	tenant  string
	control *control.Control
	next    control.Slot
}

// openSlots makes the items of slots that the watermark has passed the start of.
func (e *Engine) openSlots() {
	for _, c := range e.schedules {
		s := c.control.Population.Schedule
		for ; c.next.Start < min(e.at(c.control.Latest()), c.control.Until); c.next = s.Next(c.next) {
			for _, member := range e.bundle.MembersAt(s, c.next.Start) {
				e.openSlot(c, member)
			}
		}
	}
}

func (e *Engine) openSlot(c *cursor, member string) {
	id, view := control.SlotItem(member, c.next)
	key := c.control.SlotKey(view)
	if control.Partition(c.tenant, c.control.ID, key, e.partitions) != e.partition {
		return
	}
	gk := groupKey{c.tenant, c.control.ID, key}
	if e.state.ended(e.state.shelf(gk), id.ID) != nil {
		return
	}
	g := e.group(gk, e.bundle.Control(c.control.ID))
	e.setEnding(g)
	it := e.item(g, id.ID)
	if it.slot {
		return // a slot of another zone, in an earlier version, has the id
	}
	it.slot = true
	it.at(id.Time, c.next.End, view)
	e.mark(it)
	e.setEnding(it.group)
}
