package router

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/routed"
)

// Past is what the controls of an activation want of the events before it.
type Past interface {
	Rules
	// From is the least time of an event that they want.
	From() compliance.Instant
}

// lane reads a source once more, from where the past of an activation begins up to its
// marker. Its facts have a chain of their own, and are a function of the log and of the
// activation, as all that a router writes: so it does no harm when two write them.
type lane struct {
	routed.Lane
	covered []int64
	// marked is Next as of the last mark.
	marked int64
}

func newLane(known routed.Lane, partitions int32) *lane {
	at := max(known.Next-1, routed.Start)
	return &lane{Lane: known, covered: slices.Repeat([]int64{at}, int(partitions)), marked: known.Next}
}

// at is the last offset read.
func (l *lane) at() int64 { return l.Next - 1 }

func (l *lane) done() bool { return l.Next > l.Marker }

// begin says where the source is read from. What was deleted before it was read is
// unknown: whatever lies beyond the first clock from there on, and an hour, is whole.
func (l *lane) begin(offset int64) {
	if offset > max(l.Next, 0) {
		l.Clock, l.Blind = compliance.Ever, true
	}
	l.Next = max(l.Next, offset, 0)
}

// tick notes what the clock of the source was.
func (l *lane) tick(now compliance.Instant) {
	l.Clock = max(l.Clock, now)
	if l.Blind {
		l.Blind, l.Whole = false, max(l.Whole, l.Clock.Add(control.Early))
	}
}

// end takes the lane to its marker; clock is the source's there, or later.
func (l *lane) end(clock compliance.Instant) {
	if l.Blind && clock == compliance.Ever {
		l.Whole = compliance.Never
	} else if l.Blind {
		l.tick(clock)
	}
	l.Next = l.Marker + 1
}

// past routes one record of a lane.
func (t *table) past(c *chain, r *kgo.Record) ([]output, error) {
	l := c.lanes[0]
	switch {
	case r.Offset < l.Next:
		return nil, fmt.Errorf("reading %s/%d once more: offset %d came twice", r.Topic, r.Partition, r.Offset)
	case r.Offset >= l.Marker:
		l.end(c.clock)
		return nil, nil
	}
	l.Next = r.Offset + 1
	if _, ok := record.DecodeMarker(r); ok {
		return nil, nil
	}
	if now, ok := record.DecodeClock(r); ok {
		l.tick(now)
		return nil, nil
	}
	past := t.pasts[l.Activation]
	if l.Blind || l.Clock != compliance.Ever && l.Clock.Add(control.Early) < past.From() {
		return nil, nil // none of this time is wanted
	}
	ev, refusal := t.check(r, past, l.Clock)
	if refusal != nil || ev == nil { // it was refused when it came, or would have been
		return nil, nil
	}
	facts, err := t.encode(&factOf{from: c.from, offset: r.Offset, covered: l.covered, activation: l.Activation, lane: l.Activation}, past, ev)
	if err != nil {
		return nil, err
	}
	if t.oversized(facts) > 0 { // nothing up to it is whole
		l.Whole = max(l.Whole, ev.Time+1)
		return nil, nil
	}
	for _, f := range facts {
		l.covered[f.partition] = r.Offset
	}
	return facts, nil
}

// laneMarks are how far lanes are, for a routed partition.
func (t *table) laneMarks(q int32, moved []*chain) (all []routed.LanePosition) {
	for _, c := range moved {
		l := c.lanes[0]
		all = append(all, routed.LanePosition{
			Lane: l.Activation, From: c.from, Offset: l.at(), Prev: l.covered[q], Whole: l.Whole, Done: l.done(),
		})
		l.covered[q] = l.at()
	}
	return all
}

// movedLanes lists, by source, those of which something was read since the last mark.
func (t *table) movedLanes() []*chain {
	var moved []*chain
	for _, c := range t.chains {
		if len(c.lanes) > 0 && c.lanes[0].Next > max(c.lanes[0].marked, 0) {
			moved = append(moved, c)
		}
	}
	return byPlace(moved)
}

// marked notes what stands in a mark; lanes that are done are over.
func (c *chain) laneMarked() {
	l := c.lanes[0]
	if l.marked = l.Next; l.done() {
		c.lanes = c.lanes[1:]
	}
}

// behind is the first source, by place, that is to be read once more; nil if none is.
func (t *table) behind() *chain {
	var all []*chain
	for _, c := range t.chains {
		if len(c.lanes) > 0 && !c.lanes[0].done() {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return byPlace(all)[0]
}
