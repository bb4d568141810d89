package judge

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/services/evaluator/internal/routed"
)

// sender numbers what one stage of a partition hands to the partitions of later stages.
// It is part of the head: a restart goes on counting.
type sender struct {
	// Numbers are the last by partition; Start before the first.
	Numbers []int64 `cbor:"1,keyasint"`
	// Open: something was handed there since the last watermark.
	Open []bool `cbor:"2,keyasint"`
	// Marked is the last watermark that was handed on.
	Marked compliance.Instant `cbor:"3,keyasint"`
}

func newSender(partitions int32) *sender {
	return &sender{
		Numbers: slices.Repeat([]int64{routed.Start}, int(partitions)), Open: make([]bool, partitions), Marked: compliance.Ever,
	}
}

// parcel is what is handed to one partition of later stages.
type parcel struct {
	to   int32
	what routed.Onward
}

// send hands on; the order of calls is the order in which it is taken there.
func (p *partition) send(stage int, to int32, what routed.Onward, out *outcome) {
	s := p.sender(stage)
	what.From, what.Activation = routed.OfStage(stage, p.id), p.activation
	what.Prev, what.Offset = s.Numbers[to], s.Numbers[to]+1
	s.Numbers[to]++
	s.Open[to] = what.Watermark == nil
	out.onward = append(out.onward, parcel{to, what})
}

func (p *partition) sender(stage int) *sender {
	if p.head.Senders == nil {
		p.head.Senders = map[int]*sender{}
	}
	if p.head.Senders[stage] == nil {
		p.head.Senders[stage] = newSender(p.partitions)
	}
	return p.head.Senders[stage]
}

// handSaid hands on what an engine says, since a point of the grid.
func (p *partition) handSaid(stage int, e StageEngine, at compliance.Instant, out *outcome) {
	for _, s := range e.Said() {
		p.send(stage, control.Partition(s.Tenant, s.Control, s.Key, p.partitions), routed.Onward{Finding: &routed.Finding{
			At: at, Control: s.Control, Tenant: s.Tenant, Key: s.Key, By: s.By, Hop: s.Hop, Said: s.Verdicts,
		}}, out)
	}
}

// handMark tells later stages how far a stage has come: all partitions if that moved,
// else those to whom something was handed since.
func (p *partition) handMark(stage int, w compliance.Instant, out *outcome) {
	s := p.sender(stage)
	moved := w > s.Marked
	s.Marked = max(s.Marked, w)
	for to := range p.partitions {
		if moved || s.Open[to] {
			p.send(stage, to, routed.Onward{Watermark: new(s.Marked)}, out)
		}
	}
}

// handFact hands entries of a fact to the later stages of this partition.
func (p *partition) handFact(f *routed.Fact, entries []routed.Entry, out *outcome) {
	if len(entries) == 0 {
		return
	}
	fact := *f
	fact.Entries = entries
	p.send(0, p.id, routed.Onward{Fact: &fact}, out)
	p.head.Fresh = true // they hear of it with the next mark
}

// step moves the first stage to the watermark, by each point of the grid at which it has
// something to say to later ones.
func (p *partition) step(out *outcome) {
	e, to := p.first, p.head.Watermark
	for at := pointAfter(e.Due()); at < to; at = pointAfter(e.Due()) {
		out.revisions = append(out.revisions, e.Advance(at)...)
		p.handSaid(0, e, at, out)
	}
	out.revisions = append(out.revisions, e.Advance(to)...)
	p.handSaid(0, e, pointFrom(to), out)
	p.handMark(0, pointAt(to), out)
}
