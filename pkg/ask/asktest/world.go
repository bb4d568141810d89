// Package asktest puts events and verdicts into a ClickHouse of a test's own, for the tests
// of what is asked of it.
package asktest

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

// World is a ClickHouse of a test's own.
type World struct {
	testing.TB
	Conn   clickhouse.Conn
	Bundle *control.Bundle
	Tenant string
	Offset int64
}

// As is w in the eyes of another tenant, so that cases can share a database.
func (w *World) As(t testing.TB, tenant string) *World {
	return &World{TB: t, Conn: w.Conn, Bundle: w.Bundle, Tenant: tenant}
}

// New opens a database with the library's controls.
func New(t testing.TB) *World {
	t.Helper()
	conn, _ := clickhousetest.Open(t)
	return &World{TB: t, Conn: conn, Bundle: Bundle(t), Tenant: "default"}
}

// At reads a date or RFC 3339.
func At(text string) compliance.Instant {
	t, err := ask.ParseTime(text)
	if err != nil {
		panic(err)
	}
	return t
}

// Event inserts events as they stand in the log.
func (w *World) Event(events ...compliance.Event) []compliance.Event {
	w.Helper()
	batch, err := w.Conn.PrepareBatch(w.Context(), `INSERT INTO events (tenant, family, type, source, id, time, received, sequence, key, data, size,
		sha256, topic, partition, offset, prev_offset, leaf_index, leaf)`)
	require.NoError(w, err)
	defer batch.Close()
	for i := range events {
		ev := &events[i]
		w.Offset++
		data, err := json.Marshal(ev.Data)
		require.NoError(w, err)
		ev.Tenant = cmp.Or(ev.Tenant, w.Tenant)
		ev.Ref = compliance.Ref{Topic: "assay.events.access", Partition: 0, Offset: w.Offset, SHA256: sha256.Sum256(data)}
		require.NoError(w, batch.Append(ev.Tenant, "access", ev.Type, ev.Source, ev.ID, ev.Time.Time(), ev.Time.Add(time.Second).Time(), ev.Sequence, "k",
			string(data), uint32(len(data)), ev.Ref.SHA256[:], ev.Ref.Topic, ev.Ref.Partition, ev.Ref.Offset, w.Offset-1, uint64(w.Offset), make([]byte, 32)))
	}
	require.NoError(w, batch.Send())
	return events
}

// Beats makes a source heard from one time to another, both included, at a distance.
func (w *World) Beats(source, from, to string, every time.Duration) {
	w.Helper()
	var events []compliance.Event
	for t := At(from); t <= At(to); t = t.Add(every) {
		events = append(events, compliance.Event{
			Source: source, ID: fmt.Sprintf("beat-%d", t), Type: control.Heartbeat, Time: t,
			Data: map[string]any{"interval_seconds": int64(every.Seconds())},
		})
	}
	w.Event(events...)
}

// Asker asks for the world's tenant.
func (w *World) Asker() *ask.Asker { return ask.New(w.Conn, w.Tenant, At("2026-11-01")) }

// Q3 is the third quarter of 2026.
func Q3(t *testing.T) ask.Period {
	t.Helper()
	p, err := ask.ParsePeriod("2026-Q3")
	require.NoError(t, err)
	return p
}
