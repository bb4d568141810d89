package recorder

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/recount"
)

func TestNextAt(t *testing.T) {
	at, err := parseTimeOfDay("03:30")
	require.NoError(t, err)
	for now, want := range map[string]string{
		"2026-07-01T03:29:59Z":      "2026-07-01T03:30:00Z",
		"2026-07-01T03:30:00Z":      "2026-07-02T03:30:00Z",
		"2026-12-31T23:00:00Z":      "2027-01-01T03:30:00Z",
		"2026-07-01T01:00:00+02:00": "2026-07-01T03:30:00Z", // the 30th of June, UTC
	} {
		n, err := time.Parse(time.RFC3339, now)
		require.NoError(t, err)
		require.Equal(t, want, nextAt(n, at).Format(time.RFC3339), now)
	}
	for _, text := range []string{"3", "24:00", "03:60", "3 am"} {
		_, err := parseTimeOfDay(text)
		require.Error(t, err, text)
	}
}

// After any crash the counts are right; a count that somebody changed behind our back is
// put right at night, and said.
func TestTheNightlyRecount(t *testing.T) {
	const items = 60
	w := newWorld(t)
	w.fill(0, items)
	r := w.start(seams{})
	w.awaitCovered("verdicts", uint64(len(history(items))))
	registry := prometheus.NewRegistry()
	m, err := newMetrics(registry)
	require.NoError(t, err)
	worker := &worker{cfg: w.config, deps: Deps{Log: zerolog.Nop()}, metrics: m}
	counts := &recount.Counts{Conn: w.conn, Verdicts: w.config.Kafka.Topic("verdicts")}

	worker.recountAll(t.Context(), counts)
	require.Zero(t, valueOf(t, registry, "assay_recorder_count_repairs_total"))
	require.NotZero(t, valueOf(t, registry, "assay_recorder_recounted_timestamp_seconds"))

	require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO verdict_days SELECT tenant, control, day, outcome, reason, remediated, 1 FROM verdict_days LIMIT 1"))
	worker.recountAll(t.Context(), counts)
	require.InDelta(t, 1, valueOf(t, registry, "assay_recorder_count_repairs_total"), 0)
	r.stop()
	w.requireExact(0, history(items))
}

// valueOf reads a counter or gauge.
func valueOf(t *testing.T, from prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := from.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	require.Fail(t, "there is no metric "+name)
	return 0
}
