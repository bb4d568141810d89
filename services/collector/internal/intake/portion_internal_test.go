package intake

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// A portion has one record at least, however large, and else what fits.
func TestPortion(t *testing.T) {
	records := []*kgo.Record{{Value: make([]byte, 5000)}, {Value: make([]byte, 10)}, {Value: make([]byte, 10)}}
	n, bytes := portion(records, Whole, 1)
	require.Equal(t, 1, n)
	require.EqualValues(t, 5000+RecordOverhead, bytes)
	n, _ = portion(records[1:], Whole, 2*RecordOverhead+20)
	require.Equal(t, 2, n)
	n, _ = portion(records[1:], Whole, 2*RecordOverhead+19)
	require.Equal(t, 1, n)
	n, bytes = portion(records, Overhead, 3*RecordOverhead)
	require.Equal(t, 3, n)
	require.EqualValues(t, 3*RecordOverhead, bytes)
}

// A part of a lease keeps it, for the records of both stand in one body.
func TestAPartKeepsItsLease(t *testing.T) {
	b := NewBudget(100, nil)
	l := b.Lease()
	require.NoError(t, l.Grow(60))
	p := l.part()
	require.NoError(t, p.Grow(40))
	l.Release()
	require.True(t, IsFull(b.Lease().Grow(1)), "the part holds both")
	p.Release()
	require.NoError(t, b.Lease().Grow(100))
	require.False(t, IsFull(errHalf), "what is half in the log is no 429")
}
