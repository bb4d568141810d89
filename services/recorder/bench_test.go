package recorder

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// BenchmarkEvents records events of about 460 bytes with the default batches, from
// the start of the recorder to the last row. Kafka is kfake and ClickHouse the
// embedded one, on the cores of the benchmark: no figure for a fleet.
func BenchmarkEvents(b *testing.B) {
	w := newWorld(b)
	d := Default()
	w.config.BatchRows, w.config.BatchAge, w.config.IdleAge = d.BatchRows, d.BatchAge, d.IdleAge
	filler := bytes.Repeat([]byte("x"), 150)
	const chunk = 10_000
	var records []*kgo.Record
	for n := range b.N {
		r := event(n, int32(n%2))
		r.Value = fmt.Appendf(nil, `{"change_id":"CHG-%d","approver":"alice","note":"%s %d"}`, n%50, filler, n)
		if records = append(records, r); len(records) == chunk {
			w.produce("events.deployment", records...)
			records = records[:0]
		}
	}
	w.produce("events.deployment", records...)
	b.ResetTimer()
	r := w.start(seams{})
	w.awaitCovered("events.deployment", uint64(b.N))
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	r.stop()
	require.Equal(b, uint64(b.N), one[uint64](w, "SELECT count() FROM events"))
}
