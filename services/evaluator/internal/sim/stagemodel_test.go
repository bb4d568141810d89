package sim_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/routed"
)

// points are those by which a stage comes to a watermark: all at which something may
// change, since all that happens in a life happens at whole minutes, and what came
// meanwhile is said at the next second.
func (r *reader) points(w compliance.Instant) []compliance.Instant {
	if !r.s.staged {
		return []compliance.Instant{w}
	}
	from := max(r.w, epoch.Add(-time.Minute))
	points := append(r.heard.dates(), from.Add(time.Second))
	for at := epoch + (from-epoch)/60e6*60e6; at < w; at = at.Add(time.Minute) {
		points = append(points, at.Add(time.Second))
	}
	slices.Sort(points)
	points = slices.DeleteFunc(slices.Compact(points), func(at compliance.Instant) bool { return at <= r.w || at >= w })
	return append(points, w)
}

// decoded are the findings by partition.
func (s *sim) decoded(records []*kgo.Record) map[int32][]*routed.Onward {
	codec, err := routed.NewCodec()
	require.NoError(s.t, err)
	all := map[int32][]*routed.Onward{}
	for _, r := range records {
		rec, err := codec.Decode(r.Value)
		require.NoError(s.t, err)
		all[r.Partition] = append(all[r.Partition], rec.Onward)
	}
	return all
}

// words are what items say in one place, by who says it.
type words map[string][]compliance.Event

func (w words) take(s *sim, f *routed.Finding) {
	said := engine.Said{Tenant: f.Tenant}
	require.NoError(s.t, said.Decode(f.Said))
	by := strings.Join([]string{f.Control, f.Key, f.By}, "\x00")
	if w[by] = said.Verdicts; len(said.Verdicts) == 0 {
		delete(w, by)
	}
}

// line is what is said to a reader of an item.
func wordLine(reader string, ev *compliance.Event) string {
	return fmt.Sprintf("%s of %s at %s to %s: %s", ev.Source, ev.ID, ev.Time, reader, ev.Data["outcome"])
}

func (w words) lines() []string {
	all := []string{}
	for by, events := range w {
		reader, _, _ := strings.Cut(by, "\x00")
		for i := range events {
			all = append(all, wordLine(reader, &events[i]))
		}
	}
	slices.Sort(all)
	return all
}

// handedBy is what one stage of a partition hands on, held to what the oracle says there
// at each point. nil: nobody looks.
type handedBy struct {
	s     *sim
	from  routed.Source
	left  map[int32][]*routed.Onward // by the partition that it was handed to
	force words
}

func (s *sim) handedBy(stage int, q int32, findings map[int32][]*routed.Onward) *handedBy {
	if !s.staged || s.rules.hops || stage == s.rules.bundle.Stages()-1 {
		return nil
	}
	h := &handedBy{s: s, from: routed.OfStage(stage, q), left: map[int32][]*routed.Onward{}, force: words{}}
	for to, all := range findings {
		for _, o := range all {
			if o.From == h.from && (o.Finding != nil || o.Watermark != nil) {
				h.left[to] = append(h.left[to], o)
			}
		}
	}
	return h
}

// check demands that what was handed on by a point is what the oracle says there.
func (h *handedBy) check(r *reader, at compliance.Instant, last, moved bool) {
	if h == nil {
		return
	}
	want := r.wanted()
	for to := range h.s.partitions {
		switch {
		case moved:
			h.upTo(to, at, last)
		default:
			h.late(to, at, want)
		}
	}
	if got := h.force.lines(); !slices.Equal(got, want) {
		h.s.fail("%v has handed on by %s\n%s\nand the oracle says\n%s", h.from, at, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// upTo takes the findings that hold at a point; at the last one the watermark follows.
func (h *handedBy) upTo(to int32, at compliance.Instant, last bool) {
	for len(h.left[to]) > 0 {
		o := h.left[to][0]
		switch {
		case o.Finding != nil && o.Finding.At <= at:
			h.force.take(h.s, o.Finding)
		case o.Finding != nil || *o.Watermark > at || *o.Watermark == at && !last:
			return
		}
		h.left[to] = h.left[to][1:]
		if o.Watermark != nil && *o.Watermark == at {
			return
		}
	}
	if last {
		h.s.fail("%v doesn't tell partition %d that it has come to %s", h.from, to, at)
	}
}

// late takes what was handed on at a watermark that hadn't moved, if it says what is to
// be said now.
func (h *handedBy) late(to int32, at compliance.Instant, want []string) {
	for {
		n := slices.IndexFunc(h.left[to], func(o *routed.Onward) bool { return o.Watermark != nil })
		if n < 0 || *h.left[to][n].Watermark != at {
			return
		}
		then := maps.Clone(h.force)
		for _, o := range h.left[to][:n] {
			before := slices.Clone(then.lines())
			then.take(h.s, o.Finding)
			for _, line := range then.lines() {
				if _, said := slices.BinarySearch(want, line); !said && !slices.Contains(before, line) {
					return // of a later mark
				}
			}
		}
		gone := slices.DeleteFunc(h.force.lines(), func(line string) bool { return slices.Contains(then.lines(), line) })
		if slices.ContainsFunc(gone, func(line string) bool { return slices.Contains(want, line) }) {
			return
		}
		h.force, h.left[to] = then, h.left[to][n+1:]
	}
}

// wanted is what the stage has to have handed on, by what the oracle says now.
func (r *reader) wanted() []string {
	all := []string{}
	for _, c := range r.bundle.Controls {
		if c.Stage != r.stage {
			continue
		}
		for _, reads := range r.bundle.Controls {
			if !slices.ContainsFunc(reads.ReadVerdicts(), func(of *control.Control) bool { return of.ID == c.ID }) {
				continue
			}
			for i := range r.now[c.ID] {
				ev, counts := c.Verdict(&r.now[c.ID][i], r.viewOf(c, &r.now[c.ID][i]))
				if counts && len(reads.VerdictKeys(ev)) > 0 {
					all = append(all, wordLine(reads.ID, ev))
				}
			}
		}
	}
	slices.Sort(all)
	return all
}

// viewOf is the item as the event shows it that opened it.
func (r *reader) viewOf(c *control.Control, v *compliance.Verdict) control.View {
	for _, ev := range r.admitted[c.ID] {
		key, _ := ev.Data["k"].(string)
		if ev.Time == v.Item.Time && control.MatchesAny(c.Population.Types, ev.Type) && (ev.ID == v.Item.ID || strings.HasPrefix(v.Item.ID, key+"@") || control.UnreadableID(ev) == v.Item.ID) {
			return control.ViewOf(ev)
		}
	}
	return nil
}

// heardFrom is what a later stage was told by those before it. nil: it is the first.
type heardFrom struct {
	s     *sim
	queue []*routed.Onward
	force words
	// marks are how far each stage of each partition is, hi the number of what it handed
	// here last.
	marks map[routed.Source]compliance.Instant
	hi    map[routed.Source]int64
}

func (h *heardFrom) dates() (all []compliance.Instant) {
	if h != nil {
		for _, o := range h.queue {
			all = append(all, o.Finding.At)
		}
	}
	return all
}

// reach takes what holds at a point.
func (h *heardFrom) reach(at compliance.Instant) {
	if h == nil {
		return
	}
	var left []*routed.Onward
	for _, o := range h.queue {
		if o.Finding.At <= at {
			h.force.take(h.s, o.Finding)
		} else {
			left = append(left, o)
		}
	}
	h.queue = left
}

// evidence are the verdicts that a control reads.
func (h *heardFrom) evidence(c *control.Control) (all []*compliance.Event) {
	if h == nil {
		return nil
	}
	for by, events := range h.force {
		if reader, _, _ := strings.Cut(by, "\x00"); reader == c.ID {
			for i := range events {
				all = append(all, &events[i])
			}
		}
	}
	return all
}

// checkLater reads a partition of the findings as a judge must, and demands at each
// watermark what the oracle says of what was found.
func (s *sim) checkLater(q int32, past map[routed.Source]history, findings map[int32][]*routed.Onward, verdicts []*compliance.Revision) (quarantined []string) {
	for stage := 1; stage < s.rules.bundle.Stages(); stage++ {
		r := s.newReader(stage, q, past, s.spoken(stage, verdicts))
		r.heard = &heardFrom{s: s, force: words{}, marks: map[routed.Source]compliance.Instant{}, hi: map[routed.Source]int64{}}
		r.onward = s.handedBy(stage, q, findings)
		for _, o := range findings[q] {
			r.told(o)
		}
		if len(r.todo) > 0 && !s.rules.hops {
			s.fail("stage %d of partition %d has verdicts that nothing explains: %s", stage, q, lines(r.todo))
		}
		quarantined = append(quarantined, r.quarantined...)
	}
	return quarantined
}

// told takes what an earlier stage, or this one, has handed on.
func (r *reader) told(o *routed.Onward) {
	h := r.heard
	if hi, known := h.hi[o.From]; known && o.Offset != hi+1 || !known && o.Offset != 0 {
		r.s.fail("partition %d of the findings goes from %d to %d of %v", r.q, hi, o.Offset, o.From)
	}
	h.hi[o.From] = o.Offset
	if o.Activation > 1 && r.bundle == r.s.rules.bundle {
		r.bundle, r.fresh = r.s.change.bundle, true
	}
	switch {
	case o.Fact != nil:
		ev := r.past[o.Fact.From][o.Fact.Offset].event
		for _, e := range o.Fact.Entries {
			if r.isFor(e.Control, e.Key) {
				r.hear(ev, control.Route{Control: e.Control, Key: e.Key}, o.Fact.Offset)
			}
		}
	case o.Finding != nil:
		if c := r.bundle.Control(o.Finding.Control); c.Stage == r.stage && !control.IsHop(o.Finding.Key) {
			h.queue = append(h.queue, o)
		}
	case o.Watermark != nil:
		h.marks[o.From] = *o.Watermark
		r.stand()
	}
}

// stand moves the stage to the least watermark of those before it.
func (r *reader) stand() {
	w := compliance.Never
	for stage := range r.stage {
		for q := range r.s.partitions {
			at, spoken := r.heard.marks[routed.OfStage(stage, q)]
			if !spoken {
				return
			}
			w = min(w, at)
		}
	}
	late := slices.ContainsFunc(r.heard.queue, func(o *routed.Onward) bool { return o.Finding.At <= r.w })
	if w <= r.w && !r.fresh && !late {
		return
	}
	if r.s.rules.hops {
		r.w, r.fresh = w, false
		r.heard.reach(w)
		return
	}
	r.judge(max(w, r.w))
}

// checkHops holds what is said last, of controls that join by several fields and those
// that read them, to all events: before, a late one may be known at one key and not yet
// at another.
func (s *sim) checkHops(past map[routed.Source]history, verdicts map[int32][]*compliance.Revision, quarantined []*kgo.Record) {
	if !s.rules.hops || len(quarantined) > 0 {
		return
	}
	b := s.rules.bundle
	if s.change != nil {
		b = s.change.bundle
	}
	admitted := map[string][]*compliance.Event{}
	for _, from := range sources {
		for _, o := range past[from] {
			for _, c := range b.Controls {
				if slices.ContainsFunc(o.routes, func(r control.Route) bool { return r.Control == c.ID || r.Control == "" }) {
					admitted[c.ID] = append(admitted[c.ID], o.event)
				}
			}
		}
	}
	last := map[string]string{}
	for _, all := range verdicts {
		numbers := map[string]int{}
		for _, v := range all {
			id := v.Control + " " + v.Item.ID
			if numbers[id]++; numbers[id] != v.Number {
				s.fail("%s has revision %d where %d is the next", id, v.Number, numbers[id])
			}
			if last[id] = outcomeLine(&v.Verdict); v.Outcome == compliance.Withdrawn || s.rules.later.Control(v.Control).Stage == 0 {
				delete(last, id) // the first stage's were looked at, one by one
			}
		}
	}
	of := func(c *control.Control) []*compliance.Event { return admitted[c.ID] }
	for _, c := range b.Controls {
		if c.Stage == 0 {
			continue
		}
		for _, v := range oracle.VerdictsOf(b, c, record.DefaultTenant, of, minute(doom).Add(-s.bound)) {
			id := c.ID + " " + v.Item.ID
			if got, want := last[id], outcomeLine(&v); got != want {
				s.fail("%s is last said to be\n%s\nand the oracle says\n%s", id, cmp.Or(got, "nothing"), want)
			}
			delete(last, id)
		}
	}
	if len(last) > 0 {
		s.fail("there are items that the oracle doesn't know: %v", last)
	}
	s.inject("hops compared")
}

func outcomeLine(v *compliance.Verdict) string {
	return line(&compliance.Revision{Verdict: *v})
}
