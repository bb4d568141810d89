package evaltest

import (
	"github.com/stretchr/testify/require"

	"assay.example/assay/services/evaluator/internal/routed"
)

// Reader takes a routed partition as the design says a judge must: it drops what
// repeats and finds gaps.
type Reader struct {
	Hi    map[routed.Source]int64
	Taken []*routed.Fact
	Marks []*routed.Mark
	// Gaps counts places that joined nowhere, Repeats the facts not taken.
	Gaps    int
	Repeats int
	// Past are the facts of sources that are read once more, and Lanes how far they are.
	Past  []*routed.Fact
	Lanes map[routed.Source]routed.LanePosition
}

// Take reads one record.
func (r *Reader) Take(rec routed.Record) {
	if rec.Fact != nil && rec.Fact.Lane > 0 {
		if r.follows(rec.Fact.From, rec.Fact.Offset, rec.Fact.Prev) {
			r.Past = append(r.Past, rec.Fact)
		}
		return
	}
	if rec.Fact != nil {
		if r.joins(rec.Fact.From, rec.Fact.Offset, rec.Fact.Prev) {
			r.Taken = append(r.Taken, rec.Fact)
		} else {
			r.Repeats++
		}
		return
	}
	r.Marks = append(r.Marks, rec.Mark)
	for _, p := range rec.Mark.Positions {
		r.joins(p.From, p.Offset, p.Prev)
	}
	for _, p := range rec.Mark.Lanes {
		if r.follows(p.From, p.Offset, p.Prev) {
			r.Lanes[p.From] = p
		}
	}
}

// follows joins a record of a lane on. There is one lane a source here.
func (r *Reader) follows(from routed.Source, offset, prev int64) bool {
	hi := routed.Start
	if p, ok := r.Lanes[from]; ok {
		hi = p.Offset
	}
	switch {
	case prev > hi:
		r.Gaps++
		return false
	case offset <= hi:
		return false
	}
	r.Lanes[from] = routed.LanePosition{From: from, Offset: offset}
	return true
}

func (r *Reader) joins(from routed.Source, offset, prev int64) bool {
	hi, ok := r.Hi[from]
	if !ok {
		hi = routed.Start
	}
	switch {
	case prev > hi:
		r.Gaps++
		return false
	case offset <= hi:
		return false
	}
	r.Hi[from] = offset
	return true
}

// ReadRouted takes all of the routed topic, by partition.
func (w *World) ReadRouted() map[int32]*Reader {
	w.T.Helper()
	codec, err := routed.NewCodec()
	require.NoError(w.T, err)
	readers := make(map[int32]*Reader)
	for _, r := range w.ReadCommitted(Routed) {
		if readers[r.Partition] == nil {
			readers[r.Partition] = &Reader{Hi: make(map[routed.Source]int64), Lanes: make(map[routed.Source]routed.LanePosition)}
		}
		rec, err := codec.Decode(r.Value)
		require.NoError(w.T, err)
		readers[r.Partition].Take(rec)
	}
	return readers
}
