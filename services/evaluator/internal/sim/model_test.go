package sim_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/routed"
)

// origin is one record of a source, as the design says that it must be understood:
// an event, a clock record, or nothing.
type origin struct {
	event    *compliance.Event
	routes   []control.Route
	rejected bool
	// clock is the source's after this record.
	clock compliance.Instant
	// past is the event, if it stands before the marker of its source and a later rule may
	// want it; marker is that place.
	past   *compliance.Event
	marker bool
}

// history is all that a source ever said, by offset.
type history []origin

// understand reads the sources' logs without any of the router's code but the two
// decoders and the bundle's routes.
func (s *sim) understand(logs map[string][]*kgo.Record) map[routed.Source]history {
	all := map[routed.Source]history{}
	clocks, bundles := map[routed.Source]compliance.Instant{}, map[routed.Source]*control.Bundle{}
	for _, from := range sources {
		clocks[from], bundles[from] = compliance.Ever, s.rules.bundle
	}
	for _, topic := range []string{evaltest.Access, evaltest.Deployment} {
		for _, r := range logs[topic] {
			from := routed.Source{Topic: topic, Partition: r.Partition}
			require.Equal(s.t, int64(len(all[from])), r.Offset)
			o := origin{clock: clocks[from]}
			if _, ok := record.DecodeMarker(r); ok {
				bundles[from] = s.rules.later
				o.marker = true
			} else if now, ok := record.DecodeClock(r); ok {
				o.clock = max(o.clock, now)
			} else {
				s.classify(r, &o, bundles[from])
				if s.preloads() && bundles[from] == s.rules.bundle && !o.rejected {
					o.past = s.asLater(r)
				}
			}
			clocks[from] = o.clock
			all[from] = append(all[from], o)
		}
	}
	return all
}

func (s *sim) classify(r *kgo.Record, o *origin, bundle *control.Bundle) {
	ev, err := record.DecodeEvent(r)
	require.NoError(s.t, err)
	kind, known := s.rules.types.Type(ev.Type)
	if o.rejected = !known || o.clock != compliance.Ever && ev.Time > o.clock.Add(time.Hour); o.rejected {
		return
	}
	if !bundle.Reads(ev.Type) {
		if bundle.Counts(ev.Source) {
			o.event, o.routes = ev, bundle.Route(ev)
		}
		return
	}
	if ev.Data, err = kind.Decode(r.Value); err != nil {
		o.rejected = true
		return
	}
	o.event, o.routes = ev, bundle.Route(ev)
}

// concerns tells whether a source's record has to stand in a routed partition.
func (o *origin) concerns(q, partitions int32) bool {
	return len(o.entries(q, partitions)) > 0
}

func (o *origin) entries(q, partitions int32) []control.Route {
	var here []control.Route
	for _, r := range o.routes {
		if r.Everywhere || control.Partition(o.event.Tenant, r.Control, r.Key, partitions) == q {
			here = append(here, r)
		}
	}
	return here
}

// reader is what a routed partition means, worked out beside the judge: what is
// taken, how far the log is complete, and what has to be said when.
type reader struct {
	s *sim
	// stage is of the controls whose verdicts are looked at.
	stage int
	q     int32
	// onward is what this stage of the partition handed to later ones, evidence what
	// earlier ones say to a control; nil where there are none.
	onward *handedBy
	heard  *heardFrom
	past   map[routed.Source]history
	hi     map[routed.Source]int64
	ws     map[routed.Source]compliance.Instant
	w      compliance.Instant
	// admitted are the events that count, by control; "" has what concerns all.
	admitted    map[string][]*compliance.Event
	quarantined []string
	fresh       bool
	// bundle is that of before the change, then that of after it.
	bundle *control.Bundle
	lanes  lanes
	slots  map[string]map[string]int32
	// said is the last revision of each item, by control and item; todo the verdicts
	// in the log that no mark has explained yet.
	said map[string]map[string]*compliance.Revision
	now  map[string][]compliance.Verdict
	todo []*compliance.Revision
}

func (s *sim) newReader(stage int, q int32, past map[routed.Source]history, verdicts []*compliance.Revision) *reader {
	r := &reader{
		s: s, stage: stage, q: q, past: past, hi: map[routed.Source]int64{}, ws: map[routed.Source]compliance.Instant{}, w: compliance.Ever,
		admitted: map[string][]*compliance.Event{}, now: map[string][]compliance.Verdict{}, slots: map[string]map[string]int32{},
		said: map[string]map[string]*compliance.Revision{}, todo: verdicts, bundle: s.rules.bundle,
	}
	for _, from := range sources {
		r.hi[from], r.ws[from] = routed.Start, compliance.Ever
	}
	r.lanes = r.newLanes()
	r.said["TT-09"] = map[string]*compliance.Revision{}
	for _, c := range s.rules.bundle.Controls {
		r.said[c.ID] = map[string]*compliance.Revision{}
		r.slots[c.ID] = slotsOf(s.rules.bundle, c, minute(doom), record.DefaultTenant, s.partitions)
	}
	return r
}

func (r *reader) take(rec routed.Record) {
	if rec.Activation() > 1 && r.bundle == r.s.rules.bundle { // what it says differently is said at the next mark
		r.bundle, r.fresh = r.s.change.bundle, true
	}
	if f := rec.Fact; f != nil && f.Lane > 0 {
		r.laneFact(f)
		return
	} else if f != nil {
		switch {
		case f.Prev > r.hi[f.From]:
			r.s.inject("gap before a fact")
		case f.Offset > r.hi[f.From]:
			r.whole(f.From, f.Offset-1)
			r.fact(f)
			r.hi[f.From] = f.Offset
		}
		return
	}
	r.laneMarks(rec.Mark)
	for _, p := range rec.Mark.Positions {
		if p.Prev > r.hi[p.From] {
			r.s.inject("gap before a mark")
			continue
		}
		r.whole(p.From, p.Offset)
		r.hi[p.From] = max(r.hi[p.From], p.Offset)
		if want := r.past[p.From][p.Offset].clock.Add(-r.s.bound); p.Watermark != want {
			r.s.fail("a mark in %d says %s of %v at %d, and its clock was at %s", r.q, p.Watermark, p.From, p.Offset, want)
		}
		r.ws[p.From] = max(r.ws[p.From], p.Watermark)
	}
	r.advance()
}

// whole demands that nothing of a source is missing up to an offset.
func (r *reader) whole(from routed.Source, upTo int64) {
	for o := r.hi[from] + 1; o <= upTo; o++ {
		if r.past[from][o].concerns(r.q, r.s.partitions) {
			r.s.fail("partition %d goes on to %d of %v without offset %d", r.q, upTo, from, o)
		}
	}
}

// fact holds a fact to its event, and admits that.
func (r *reader) fact(f *routed.Fact) {
	o := &r.past[f.From][f.Offset]
	entries := o.entries(r.q, r.s.partitions)
	if len(entries) != len(f.Entries) {
		r.s.fail("the fact of %v at %d has %d entries in %d, not %d", f.From, f.Offset, len(f.Entries), r.q, len(entries))
	}
	for i, e := range entries {
		if e.Control != f.Entries[i].Control || e.Key != f.Entries[i].Key || o.event.ID != f.Event.ID || o.event.Time != f.Event.Time {
			r.s.fail("the fact of %v at %d is another than its event: %+v", f.From, f.Offset, f)
		}
		if r.isFor(e.Control, e.Key) {
			r.hear(o.event, e, f.Offset)
		}
	}
}

// isFor tells whether this stage takes what is for a key of a control.
func (r *reader) isFor(id, key string) bool {
	if id == "" {
		return true
	}
	stage := r.bundle.Control(id).Stage
	if control.IsHop(key) {
		stage--
	}
	return stage == r.stage
}

// hear admits an event for whom an entry is, unless it comes too late.
func (r *reader) hear(ev *compliance.Event, e control.Route, offset int64) {
	switch {
	case e.Control == "" && !control.SpeaksOfSource(ev.Type):
		r.count(ev)
	case !r.tooLate(ev, e.Control):
		r.admitted[e.Control] = append(r.admitted[e.Control], ev)
		r.fresh = true
	case e.Control != "":
		r.quarantined = append(r.quarantined, fmt.Sprintf("%s %s %s@%d", e.Control, e.Key, ev.ID, offset))
	}
}

// count admits the number of an event, for each control by itself: what a control is
// too late for is missing to it. What else the event says is for whom it was routed to.
func (r *reader) count(ev *compliance.Event) {
	number := *ev
	number.ID, number.Type, number.Data = fmt.Sprintf("%s of %v", ev.ID, ev.Ref), typeIdle, nil
	for _, c := range r.s.rules.bundle.Controls {
		if !r.tooLate(ev, c.ID) {
			r.admitted[c.ID] = append(r.admitted[c.ID], &number)
			r.fresh = true
		}
	}
}

func (r *reader) tooLate(ev *compliance.Event, id string) bool {
	return r.w != compliance.Ever && ev.Time < r.w.Add(-r.correctUntil(id))
}

func (r *reader) correctUntil(id string) time.Duration {
	if id == "" {
		return 7 * 24 * time.Hour // word of a source
	}
	return r.bundle.Control(id).CorrectUntil
}

// advance raises the watermark to what all sources allow, and demands that the next
// verdicts in the log are those of the oracle, each once.
func (r *reader) advance() {
	w := compliance.Never
	for _, at := range r.ws {
		w = min(w, at)
	}
	if w <= r.w && !r.fresh || max(w, r.w) == compliance.Ever {
		return
	}
	r.judge(max(w, r.w))
}

// judge demands what follows when the watermark moves to w, by each point at which
// something may be said.
func (r *reader) judge(w compliance.Instant) {
	points := r.points(w)
	moved := w > r.w
	r.fresh = false
	var due []*compliance.Revision
	for _, at := range points {
		r.w = at
		r.heard.reach(at)
		for _, c := range r.bundle.Controls {
			if c.Stage == r.stage {
				now := r.due(c)
				for _, rev := range now {
					r.said[c.ID][rev.Item.ID] = rev
				}
				due = append(due, now...)
			}
		}
		r.onward.check(r, at, at == w, moved)
	}
	if len(due) > len(r.todo) {
		r.s.fail("stage %d of partition %d lacks verdicts at %s: there are %d more, and the oracle has %d: %s", r.stage, r.q, r.w, len(r.todo), len(due), lines(due))
	}
	got := slices.Clone(r.todo[:len(due)])
	r.todo = r.todo[len(due):]
	slices.SortStableFunc(got, byItem)
	slices.SortStableFunc(due, byItem)
	for i := range due {
		if g, d := line(got[i]), line(due[i]); g != d {
			r.s.fail("stage %d of partition %d at %s says\n%s\nand the oracle\n%s\namong %s", r.stage, r.q, r.w, g, d, lines(due))
		}
	}
}

// due are the revisions that a control owes at the watermark.
func (r *reader) due(c *control.Control) []*compliance.Revision {
	var list []*compliance.Revision
	now := map[string]bool{}
	r.now[c.ID] = r.verdicts(c)
	for _, v := range r.now[c.ID] {
		if q, slot := r.slots[c.ID][v.Item.ID]; slot && q != r.q {
			continue
		}
		now[v.Item.ID] = true
		if last := r.said[c.ID][v.Item.ID]; last == nil || !last.Same(&v) {
			list = append(list, revise(c.ID, last, v))
		}
	}
	for id, last := range r.said[c.ID] {
		if !now[id] && last.Outcome != compliance.Withdrawn {
			list = append(list, revise(c.ID, last, compliance.Verdict{Item: last.Item, Outcome: compliance.Withdrawn}))
		}
	}
	return list
}

func revise(id string, last *compliance.Revision, v compliance.Verdict) *compliance.Revision {
	rev := &compliance.Revision{Control: id, Number: 1, Verdict: v}
	if last != nil {
		rev.Number = last.Number + 1
		rev.Previous = &compliance.Previous{Outcome: last.Outcome, Reason: last.Reason, ItemTime: last.Item.Time, RemediatedAt: last.RemediatedAt}
	}
	return rev
}

func byItem(a, b *compliance.Revision) int {
	return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Item.ID, b.Item.ID))
}

// line is all of a revision that the oracle knows.
func line(r *compliance.Revision) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s #%d at %s: %s %s", r.Control, r.Item.ID, r.Number, r.Item.Time, r.Outcome, r.Reason)
	for _, e := range r.Evidence {
		fmt.Fprintf(&b, " %s=%s%s/%.4s", e.Expectation, e.Source, e.ID, e.SHA256)
	}
	if r.RemediatedAt != 0 {
		fmt.Fprintf(&b, " remedied %s", r.RemediatedAt)
	}
	if r.Previous != nil {
		fmt.Fprintf(&b, " after %s %s %s %d", r.Previous.Outcome, r.Previous.Reason, r.Previous.ItemTime, r.Previous.RemediatedAt)
	}
	return b.String()
}

func lines(all []*compliance.Revision) string {
	var b strings.Builder
	for _, r := range all {
		b.WriteString("\n  " + line(r))
	}
	return b.String()
}
