package judge

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/routed"
)

// A router that knows no markers goes on by the rules of before. What it writes beyond a
// marker is missing, not taken.
func TestOutdatedRoutersAreNotBelieved(t *testing.T) {
	a := routed.Source{Topic: "a"}
	p := &partition{head: newHead(), activation: 2, markers: map[routed.Source]int64{a: 5}, sources: []routed.Source{a}}
	fact := func(activation int, offset int64) (out outcome) {
		p.fact(&routed.Fact{From: a, Offset: offset, Prev: offset - 1, Activation: activation}, &out)
		return out
	}
	mark := func(activation int, offset int64) (out outcome) {
		m := &routed.Mark{Activation: activation, Positions: []routed.Position{{From: a, Offset: offset, Prev: offset - 1, Watermark: 10}}}
		require.NoError(t, p.mark(t.Context(), m, nil, &out))
		return out
	}
	in := []lane{{0, a}}
	for offset := range int64(5) {
		require.Equal(t, outcome{joined: in}, fact(1, offset), "before its marker")
	}
	require.Equal(t, outcome{missing: in, outdated: true}, fact(1, 6))
	require.Equal(t, outcome{missing: in, outdated: true}, mark(1, 7))
	require.EqualValues(t, 4, p.head.hi(lane{from: a}))
	require.Equal(t, compliance.Ever, p.head.Watermark)
	require.Equal(t, outcome{joined: in}, mark(1, 5))
	require.Equal(t, outcome{joined: in}, fact(2, 6), "routed again by those in force")
}

// A lane is a chain of its own: what repeats is dropped, what stands beyond a gap isn't
// taken, its end neither; and when all sources have ended the past is whole from the latest
// that any of them says, over a restart too.
func TestLanesAreChains(t *testing.T) {
	a, b := routed.Source{Topic: "a"}, routed.Source{Topic: "b"}
	p := &partition{head: newHead(), awaits: map[int][]routed.Source{2: {a, b}}}
	fact := func(from routed.Source, offset, prev int64) (out outcome) {
		p.fact(&routed.Fact{From: from, Offset: offset, Prev: prev, Activation: 2, Lane: 2}, &out)
		return out
	}
	mark := func(from routed.Source, offset, prev int64, whole compliance.Instant, done bool) (out outcome) {
		p.passed(&routed.Mark{Lanes: []routed.LanePosition{{Lane: 2, From: from, Offset: offset, Prev: prev, Whole: whole, Done: done}}}, &out)
		return out
	}
	gapInA := []lane{{2, a}}
	require.Equal(t, outcome{joined: gapInA}, fact(a, 3, -1))
	require.Equal(t, joins, p.head.take(a, 3, -1), "what comes is another chain")
	require.Empty(t, fact(a, 3, -1))
	require.Equal(t, outcome{missing: gapInA}, fact(a, 9, 5))
	require.Equal(t, outcome{missing: gapInA}, mark(a, 10, 9, 0, true))
	require.EqualValues(t, 3, p.head.hi(lane{2, a}))
	require.Equal(t, outcome{joined: gapInA}, fact(a, 5, 3))
	require.Equal(t, outcome{joined: gapInA}, mark(a, 10, 5, 100, true))

	value, err := p.head.encode()
	require.NoError(t, err)
	restored, err := decodeHead(value)
	require.NoError(t, err)
	require.Equal(t, p.head, restored)
	p.head = restored

	require.Equal(t, outcome{joined: gapInA}, mark(a, 10, -1, 200, true), "the first end counts")
	require.Equal(t, outcome{joined: []lane{{2, b}}}, mark(b, 4, -1, 50, false))
	require.Equal(t, outcome{joined: []lane{{2, b}}, read: true}, mark(b, 7, 4, 50, true))
	require.Equal(t, Read{2: 100}, p.head.Read)
	require.Empty(t, p.head.Lanes)
	require.Empty(t, fact(b, 20, 7), "what repeats after the end")

	value, err = p.head.encode()
	require.NoError(t, err)
	restored, err = decodeHead(value)
	require.NoError(t, err)
	require.Equal(t, p.head, restored)
}
