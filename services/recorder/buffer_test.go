package recorder

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func plain(offsets ...int64) (list []*kgo.Record) {
	for _, o := range offsets {
		list = append(list, &kgo.Record{Offset: o, Value: make([]byte, 100)})
	}
	return list
}

func offsetsOf(records []*kgo.Record) []int64 {
	list := []int64{}
	for _, r := range records {
		list = append(list, r.Offset)
	}
	return list
}

func small() buffer {
	return buffer{limits: limits{maxRows: 3, maxBytes: 1 << 20, maxAge: time.Second, maxIdle: time.Minute}}
}

func TestBatchEnds(t *testing.T) {
	b := small()
	batch, wait := b.cut(noon)
	require.Nil(t, batch)
	require.Equal(t, forever, wait)

	b.add(plain(0, 1, 2, 3), noon)
	batch, _ = b.cut(noon)
	require.Equal(t, []int64{0, 1, 2}, offsetsOf(batch), "by rows")
	batch, wait = b.cut(noon.Add(time.Millisecond))
	require.Nil(t, batch)
	require.Equal(t, 999*time.Millisecond, wait)
	batch, _ = b.cut(noon.Add(time.Second))
	require.Equal(t, []int64{3}, offsetsOf(batch), "by age")

	tick := clock(start, 0)
	tick.Offset = 4
	b.add([]*kgo.Record{tick}, noon)
	_, wait = b.cut(noon)
	require.Equal(t, time.Minute, wait, "clocks alone wait longer")
	b.add(plain(5), noon.Add(time.Second))
	batch, _ = b.cut(noon.Add(2 * time.Second))
	require.Equal(t, []int64{4, 5}, offsetsOf(batch))

	b.maxBytes = 2 * (100 + overhead)
	b.add(plain(6, 7, 8), noon)
	batch, _ = b.cut(noon)
	require.Equal(t, []int64{6, 7}, offsetsOf(batch), "by bytes")
	b.maxBytes = 1
	batch, _ = b.cut(noon)
	require.Equal(t, []int64{8}, offsetsOf(batch), "one record, however large")
	require.Zero(t, b.bytes)
}

func TestRepeatedBatchKeepsItsEnd(t *testing.T) {
	for _, c := range []struct {
		name    string
		offsets []int64
		batch   []int64
	}{
		{"all there", []int64{2, 3, 4, 5, 6, 7, 8}, []int64{2, 3, 4, 5, 6}},
		{"the log lost the end", []int64{2, 3, 9}, []int64{2, 3}},
		{"the log lost all of it", []int64{9}, []int64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := small()
			b.from(2, 7)
			batch, wait := b.cut(noon)
			require.Nil(t, batch)
			require.Equal(t, forever, wait)
			b.add(plain(0, 1), noon)
			b.add(plain(c.offsets[:len(c.offsets)-1]...), noon)
			require.Equal(t, b.next >= 7, b.full())
			b.add(plain(c.offsets[len(c.offsets)-1]), noon)
			batch, _ = b.cut(noon)
			require.NotNil(t, batch)
			require.Equal(t, c.batch, offsetsOf(batch))
			require.Zero(t, b.until)
		})
	}
}

// Whatever is fetched, once or twice, comes out once and in order.
func TestBufferLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := buffer{limits: limits{
			maxRows: rapid.IntRange(1, 5).Draw(t, "rows"), maxBytes: rapid.IntRange(1, 4000).Draw(t, "bytes"),
			maxAge: time.Second, maxIdle: time.Second,
		}}
		from, until := rapid.Int64Range(0, 10).Draw(t, "from"), rapid.Int64Range(0, 20).Draw(t, "until")
		if until <= from {
			until = 0
		}
		var want, got []int64
		now, late := noon, rapid.Bool().Draw(t, "resumed late")
		if !late {
			b.from(from, until)
		}
		for offset := range int64(40) {
			if offset > 20 || rapid.Bool().Draw(t, "exists") {
				b.add(plain(offset), now)
				b.add(plain(max(0, offset-2), offset), now)
				if offset >= from {
					want = append(want, offset)
				}
			}
		}
		if late {
			b.from(from, until)
		}
		for {
			batch, wait := b.cut(now)
			got = append(got, offsetsOf(batch)...)
			if batch == nil && wait == forever {
				break
			}
			now = now.Add(time.Second)
		}
		if late {
			require.Subset(t, got, want)
		}
		for i := 1; i < len(got); i++ {
			require.Less(t, got[i-1], got[i])
		}
		require.Zero(t, b.bytes)
	})
}

func TestABusyPartitionIsCutLessOften(t *testing.T) {
	b := buffer{limits: limits{maxRows: 100, maxBytes: 1 << 20, maxAge: time.Second, maxIdle: time.Minute, maxBusy: 5 * time.Second}}
	now := time.Now()
	b.add([]*kgo.Record{{Offset: 0}}, now)
	_, wait := b.cut(now)
	require.Equal(t, time.Second, wait, "after a rest the first batch is prompt")
	batch, _ := b.cut(now.Add(time.Second))
	require.Len(t, batch, 1)

	b.add([]*kgo.Record{{Offset: 1}}, now.Add(1100*time.Millisecond))
	_, wait = b.cut(now.Add(1100 * time.Millisecond))
	require.Equal(t, 4900*time.Millisecond, wait, "the next one waits")
	batch, _ = b.cut(now.Add(6 * time.Second))
	require.Len(t, batch, 1)

	b.add([]*kgo.Record{{Offset: 2}}, now.Add(20*time.Second))
	_, wait = b.cut(now.Add(20 * time.Second))
	require.Equal(t, time.Second, wait, "it has rested")
}
