package rows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
)

func TestInstantsSurviveAColumn(t *testing.T) {
	for _, i := range []compliance.Instant{compliance.Ever, compliance.Never, 0, 1, -1, compliance.InstantOf(last) - 1, compliance.InstantOf(first) + 1} {
		require.Equal(t, i, Instant(Time(i)))
	}
	rapid.Check(t, func(t *rapid.T) {
		i := compliance.Instant(rapid.Int64().Draw(t, "instant"))
		at := Time(i)
		require.Equal(t, at.UnixMicro(), at.UnixNano()/1000, "the driver counts nanoseconds")
		if datable(i) {
			require.Equal(t, i, Instant(at))
		}
	})
}

func eventRecord(offset int64) *kgo.Record {
	r := record.EncodeEvent(&compliance.Event{Tenant: "t", Source: "/s", ID: "i", Type: "backup.completed", Time: 1}, "k", []byte("{}"))
	r.Offset, r.Timestamp = offset, time.UnixMicro(offset)
	return r
}

func values[T any](t *testing.T, b *Block, name string) []T {
	t.Helper()
	for _, c := range b.Columns {
		if c.Name == name {
			list, ok := c.Values.([]T)
			require.True(t, ok, "%s is %T", name, c.Values)
			return list
		}
	}
	require.Fail(t, "no column "+name)
	return nil
}

func testKeys(t *testing.T) *ledger.Keys {
	t.Helper()
	keys, err := ledger.NewKeys([]byte("0123456789abcdef"))
	require.NoError(t, err)
	return keys
}

// Records that are no rows are still links of the chain, and gaps are visible.
func TestChainGoesThroughEveryRecord(t *testing.T) {
	clock := record.EncodeClock("", 0, 77)
	clock.Offset = 12
	bad := &kgo.Record{Offset: 13}
	r := Range{Topic: "events.assurance", Start: 10, End: 21, Before: Chain{Last: 6, Leaves: 5}, Records: []*kgo.Record{
		eventRecord(10), clock, bad, eventRecord(14), eventRecord(20),
	}}
	made := r.Make(Events(compliance.Assurance, testKeys(t)))
	require.Equal(t, Chain{Last: 20, Leaves: 10}, made.After)
	require.Equal(t, []int64{6, 13, 14}, values[int64](t, made.Data, "prev_offset"))
	require.Equal(t, []uint64{5, 8, 9}, values[uint64](t, made.Data, "leaf_index"))
	require.Equal(t, 1, made.Skipped)
	require.ErrorContains(t, made.Fault, "offset 13")
	for name, want := range map[string]uint64{"records": 5, "rows": 3, "skipped": 1, "leaves": 10} {
		require.Equal(t, []uint64{want}, values[uint64](t, made.Coverage, name))
	}
	require.Equal(t, []int64{21}, values[int64](t, made.Coverage, "end_offset"))
	require.Equal(t, []time.Time{Time(77)}, values[time.Time](t, made.Coverage, "clock"))
}

func TestRangeWithoutRows(t *testing.T) {
	r := Range{Start: 3, End: 9, Before: Chain{Last: 2, Leaves: 3}}
	made := r.Make(Verdicts())
	require.Nil(t, made.Data)
	require.Equal(t, r.Before, made.After)
	require.Equal(t, 1, made.Coverage.Rows)
}

// Which kind a record is decides its leaf for ever.
func TestKindOfLeaf(t *testing.T) {
	keys := testKeys(t)
	clock := func() *kgo.Record { return record.EncodeClock("", 0, 5) }
	more, keyed, filled, both := clock(), clock(), clock(), eventRecord(1)
	more.Headers = append(more.Headers, kgo.RecordHeader{Key: "x"})
	keyed.Key, filled.Value = []byte("k"), []byte("v")
	both.Headers = append(both.Headers, clock().Headers...)
	for name, c := range map[string]struct {
		record *kgo.Record
		kind   ledger.Kind
	}{
		"event": {eventRecord(1), ledger.KindEvent}, "clock": {clock(), ledger.KindClock},
		"clock with a header": {more, ledger.KindOther}, "clock with a key": {keyed, ledger.KindOther},
		"clock with a value": {filled, ledger.KindOther}, "event with a clock": {both, ledger.KindOther},
		"empty": {&kgo.Record{}, ledger.KindOther},
	} {
		leaf, err := Leaf(keys, c.record, ledger.Place{})
		require.NoError(t, err)
		require.Equal(t, c.kind, leaf.Kind, name)
	}
}

func TestRevisionsWithoutAPlaceAreRefused(t *testing.T) {
	table := Verdicts()
	for _, value := range []string{
		"", "{}", `{"tenant":"t","control":"c","item":{"id":"i"},"outcome":"pass","revision":0}`,
		`{"tenant":"t","control":"c","item":{"id":""},"outcome":"pass","revision":1}`,
	} {
		err := table.add(&kgo.Record{Value: []byte(value)}, ledger.Place{}, 0)
		require.Error(t, err, value)
		require.NotErrorIs(t, err, errPassed)
	}
}
