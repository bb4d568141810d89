package report_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/report"
)

// world is a ClickHouse of a test's own.
type world struct {
	testing.TB
	conn   clickhouse.Conn
	bundle *control.Bundle
	tenant string
	offset int64
}

// as is w in the eyes of another tenant, so that cases can share a database.
func (w *world) as(t testing.TB, tenant string) *world {
	return &world{TB: t, conn: w.conn, bundle: w.bundle, tenant: tenant}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, _ := clickhousetest.Open(t)
	return &world{TB: t, conn: conn, bundle: bundle(t), tenant: "default"}
}

func at(text string) compliance.Instant {
	t, err := report.ParseTime(text)
	if err != nil {
		panic(err)
	}
	return t
}

// event inserts events as they stand in the log.
func (w *world) event(events ...compliance.Event) []compliance.Event {
	w.Helper()
	batch, err := w.conn.PrepareBatch(w.Context(), `INSERT INTO events (tenant, family, type, source, id, time, received, sequence, key, data, size,
		sha256, topic, partition, offset, prev_offset, leaf_index, leaf)`)
	require.NoError(w, err)
	defer batch.Close()
	for i := range events {
		ev := &events[i]
		w.offset++
		data, err := json.Marshal(ev.Data)
		require.NoError(w, err)
		ev.Tenant = cmp.Or(ev.Tenant, w.tenant)
		ev.Ref = compliance.Ref{Topic: "assay.events.access", Partition: 0, Offset: w.offset, SHA256: sha256.Sum256(data)}
		require.NoError(w, batch.Append(ev.Tenant, "access", ev.Type, ev.Source, ev.ID, ev.Time.Time(), ev.Time.Add(time.Second).Time(), ev.Sequence, "k",
			string(data), uint32(len(data)), ev.Ref.SHA256[:], ev.Ref.Topic, ev.Ref.Partition, ev.Ref.Offset, w.offset-1, uint64(w.offset), make([]byte, 32)))
	}
	require.NoError(w, batch.Send())
	return events
}

// beats makes a source heard from one time to another, both included, at a distance.
func (w *world) beats(source, from, to string, every time.Duration) {
	w.Helper()
	var events []compliance.Event
	for t := at(from); t <= at(to); t = t.Add(every) {
		events = append(events, compliance.Event{
			Source: source, ID: fmt.Sprintf("beat-%d", t), Type: control.Heartbeat, Time: t,
			Data: map[string]any{"interval_seconds": int64(every.Seconds())},
		})
	}
	w.event(events...)
}

func asker(w *world) *report.Asker { return report.NewAsker(w.conn, w.tenant, at("2026-11-01")) }

func q3(t *testing.T) report.Period {
	t.Helper()
	p, err := report.ParsePeriod("2026-Q3")
	require.NoError(t, err)
	return p
}
