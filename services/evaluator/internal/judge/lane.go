package judge

import (
	"cmp"
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/routed"
)

// lane is a source that is read once more, for an activation.
type lane struct {
	activation int
	from       routed.Source
}

func (l lane) compare(o lane) int {
	return cmp.Or(cmp.Compare(l.activation, o.activation), l.from.Compare(o.from))
}

// laneProgress is how far a lane has come in a routed partition.
type laneProgress struct {
	// Hi: all that the source has for this partition up to here was taken.
	Hi int64
	// Done: that is all; Whole is then since when nothing is missing.
	Done  bool
	Whole compliance.Instant
}

// Read is since when the past of activations is whole in a routed partition; those that
// it hasn't are still being read.
type Read map[int]compliance.Instant

type laneRecord struct {
	Activation int                `cbor:"1,keyasint"`
	From       routed.Source      `cbor:"2,keyasint"`
	Hi         int64              `cbor:"3,keyasint"`
	Done       bool               `cbor:"4,keyasint"`
	Whole      compliance.Instant `cbor:"5,keyasint"`
}

type readRecord struct {
	Activation int                `cbor:"1,keyasint"`
	Whole      compliance.Instant `cbor:"2,keyasint"`
}

func (h *head) storeLanes() (lanes []laneRecord, read []readRecord) {
	for _, l := range slices.SortedFunc(maps.Keys(h.Lanes), lane.compare) {
		p := h.Lanes[l]
		lanes = append(lanes, laneRecord{l.activation, l.from, p.Hi, p.Done, p.Whole})
	}
	for _, n := range slices.Sorted(maps.Keys(h.Read)) {
		read = append(read, readRecord{n, h.Read[n]})
	}
	return lanes, read
}

func (h *head) loadLanes(rec *headRecord) {
	for _, l := range rec.Lanes {
		h.Lanes[lane{l.Activation, l.From}] = laneProgress{l.Hi, l.Done, l.Whole}
	}
	for _, r := range rec.Read {
		h.Read[r.Activation] = r.Whole
	}
}

// takeFact joins a fact on to its lane, or to its source as it comes.
func (h *head) takeFact(l lane, offset, prev int64) link {
	if l.activation > 0 {
		return h.takeLane(l, offset, prev)
	}
	return h.take(l.from, offset, prev)
}

// takeLane joins a record of a lane on, if it does. What follows the end of a lane, or of
// all lanes of its activation, repeats.
func (h *head) takeLane(l lane, offset, prev int64) link {
	p, known := h.Lanes[l]
	if !known {
		p.Hi = routed.Start
	}
	_, read := h.Read[l.activation]
	switch {
	case read || p.Done:
		return repeats
	case prev > p.Hi:
		return gap
	case offset <= p.Hi:
		return repeats
	}
	p.Hi = offset
	h.Lanes[l] = p
	return joins
}

// passed takes the lanes of a mark.
func (p *partition) passed(m *routed.Mark, out *outcome) {
	for _, pos := range m.Lanes {
		l := lane{pos.Lane, pos.From}
		switch p.head.takeLane(l, pos.Offset, pos.Prev) {
		case gap:
			out.missing = append(out.missing, l)
		case joins:
			out.joined = append(out.joined, l)
			if pos.Done {
				p.head.Lanes[l] = laneProgress{Hi: pos.Offset, Done: true, Whole: pos.Whole}
				out.read = p.whole(pos.Lane) || out.read
			}
		case repeats:
			out.joined = append(out.joined, l)
		}
	}
}

// waiting is for how many activations the past is still being read.
func (p *partition) waiting() (n int) {
	for activation := range p.awaits {
		if _, read := p.head.Read[activation]; !read {
			n++
		}
	}
	return n
}

// whole tells whether all sources have been read for an activation, and notes it then.
func (p *partition) whole(activation int) bool {
	since := compliance.Ever
	for _, from := range p.awaits[activation] {
		l, ok := p.head.Lanes[lane{activation, from}]
		if !ok || !l.Done {
			return false
		}
		since = max(since, l.Whole)
	}
	p.head.Read[activation] = since
	maps.DeleteFunc(p.head.Lanes, func(l lane, _ laneProgress) bool { return l.activation == activation })
	return true
}
