package sim_test

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/routed"
)

// asLater is an event as the later rules would have read it; nil if it is none to them.
func (s *sim) asLater(r *kgo.Record) *compliance.Event {
	ev, err := record.DecodeEvent(r)
	if err != nil || !s.rules.later.Reads(ev.Type) {
		return nil
	}
	kind, known := s.rules.types.Type(ev.Type)
	if !known {
		return nil
	}
	if ev.Data, err = kind.Decode(r.Value); err != nil {
		return nil
	}
	return ev
}

// morePast adds what a later rule looks back to, known in time.
func (d dice) morePast(life []occurrence) []occurrence {
	for i := range d.IntN(40) {
		ev := &compliance.Event{
			Tenant: record.DefaultTenant, Source: one(d, "/s1", "/s2"), ID: fmt.Sprintf("m%03d", i),
			Type: one(d, typeB, typeC), Time: minute(d.IntN(begins)),
		}
		life = append(life, d.arrival(ev, map[string]any{"k": one(d, "p", "q", "r"), "v": one(d, "v0", "v1"), "n": d.IntN(4), "ok": d.chance(70)}, 5))
	}
	slices.SortStableFunc(life, func(a, b occurrence) int { return cmp.Compare(a.arrives, b.arrives) })
	return life
}

// unread says which source is still read once more; empty if none is.
func (s *sim) unread() string {
	commits := s.admin().FetchManyOffsets(s.t.Context(), routers)[routers]
	for _, from := range sources {
		if c, ok := commits.Fetched.Lookup(from.Topic, from.Partition); ok && len(routed.ParseCommit(c.Metadata).Lanes) > 0 {
			return fmt.Sprintf("the past of %v is not read", from)
		}
	}
	return ""
}

// lanes are what a routed partition has of the past, worked out beside the judge.
type lanes struct {
	past  *control.Past
	hi    map[routed.Source]int64
	ended map[routed.Source]bool
	// all has every event before the markers by the control that reads it, however old,
	// once all sources were read.
	all map[string][]*compliance.Event
}

func (r *reader) newLanes() lanes {
	l := lanes{hi: map[routed.Source]int64{}, ended: map[routed.Source]bool{}}
	if r.s.preloads() {
		l.past = r.s.rules.later.Past(r.s.rules.bundle)
	}
	for _, from := range sources {
		l.hi[from] = routed.Start
	}
	return l
}

// wantedOfPast are the entries of what an event before the markers is in a lane.
func (r *reader) wantedOfPast(o *origin) (here []control.Route) {
	if o.past == nil {
		return nil
	}
	for _, route := range r.lanes.past.Route(o.past) {
		if route.Everywhere || control.Partition(o.past.Tenant, route.Control, route.Key, r.s.partitions) == r.q {
			here = append(here, route)
		}
	}
	return here
}

func (r *reader) laneFact(f *routed.Fact) {
	switch {
	case r.lanes.ended[f.From]: // repeats
	case f.Prev > r.lanes.hi[f.From]:
		r.s.inject("gap before a fact of the past")
	case f.Offset > r.lanes.hi[f.From]:
		r.laneWhole(f.From, f.Offset-1)
		want := r.wantedOfPast(&r.past[f.From][f.Offset])
		if len(want) != len(f.Entries) {
			r.s.fail("the fact of the past of %v at %d has %d entries in %d, not %d", f.From, f.Offset, len(f.Entries), r.q, len(want))
		}
		r.lanes.hi[f.From] = f.Offset
		r.s.inject("fact of the past")
	}
}

// laneWhole demands that nothing of a lane is missing up to an offset.
func (r *reader) laneWhole(from routed.Source, upTo int64) {
	for o := r.lanes.hi[from] + 1; o <= upTo; o++ {
		if len(r.wantedOfPast(&r.past[from][o])) > 0 {
			r.s.fail("partition %d goes on to %d of the past of %v without offset %d", r.q, upTo, from, o)
		}
	}
}

func (r *reader) laneMarks(m *routed.Mark) {
	for _, p := range m.Lanes {
		if r.lanes.ended[p.From] {
			continue
		}
		if p.Prev > r.lanes.hi[p.From] {
			r.s.inject("gap before the end of a past")
			continue
		}
		r.laneWhole(p.From, p.Offset)
		r.lanes.hi[p.From] = max(r.lanes.hi[p.From], p.Offset)
		if p.Done && !r.past[p.From][p.Offset].marker {
			r.s.fail("the past of %v ends at %d in %d, which is no marker", p.From, p.Offset, r.q)
		}
		if p.Whole > r.lanes.past.From() {
			r.s.fail("the past of %v is said to be whole from %s only", p.From, p.Whole)
		}
		r.lanes.ended[p.From] = p.Done
		if p.Done && !slices.ContainsFunc(sources, func(from routed.Source) bool { return !r.lanes.ended[from] }) {
			r.readPast()
		}
	}
}

// readPast lets what waited be judged by all that ever was.
func (r *reader) readPast() {
	r.s.inject("past read")
	r.bundle, r.fresh = r.s.change.after(judge.Read{2: compliance.Ever}), true
	r.lanes.all = map[string][]*compliance.Event{}
	for _, c := range r.bundle.Controls {
		for _, v := range c.Versions {
			if v.Preload > 0 {
				v.HistoryFrom = compliance.Ever
			}
		}
	}
	for _, from := range sources {
		for _, o := range r.past[from] {
			if o.past == nil {
				continue
			}
			for _, route := range r.s.rules.later.Route(o.past) {
				if !route.Everywhere && control.Partition(o.past.Tenant, route.Control, route.Key, r.s.partitions) == r.q {
					r.lanes.all[route.Control] = append(r.lanes.all[route.Control], o.past)
				}
			}
		}
	}
}

// verdicts are the oracle's on a control at the watermark, or where it waits. A version
// whose past was read sees all that ever was, the others what came in time.
func (r *reader) verdicts(c *control.Control) (all []compliance.Verdict) {
	w := min(r.w, c.Waits)
	if w < r.w {
		r.s.inject("a control waits")
	}
	events := slices.Concat(r.admitted[c.ID], r.admitted[""], r.heard.evidence(c))
	by := func(events []*compliance.Event) []compliance.Verdict {
		own := func(asked *control.Control) []*compliance.Event {
			if asked.ID == c.ID {
				return events
			}
			return nil // what is read is among them
		}
		return oracle.VerdictsOf(r.bundle, c, record.DefaultTenant, own, w)
	}
	preloaded := func(v compliance.Verdict) bool { return c.At(v.Item.Time).Preload > 0 }
	for _, v := range by(events) {
		if !preloaded(v) {
			all = append(all, v)
		}
	}
	if !c.Some(func(v *control.Control) bool { return v.Preload > 0 }) {
		return all
	}
	for _, v := range by(slices.Concat(events, r.lanes.all[c.ID])) {
		if preloaded(v) {
			all = append(all, v)
		}
	}
	return all
}
