package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/story"
)

// TestStored runs testdata/stored and testdata/drifting: tools that ask a ClickHouse in
// which a quarter is on record, one without drift and one whose agents misbehave after a
// model route changed. $CONTROLS is the library within its boundary.
func TestStored(t *testing.T) {
	t.Run("stored", func(t *testing.T) { runStored(t, "testdata/stored", story.Options{Size: story.Small}) })
	t.Run("drifting", func(t *testing.T) {
		runStored(t, "testdata/drifting", story.Options{Size: story.Middle, Drift: story.Behaviour})
	})
}

func runStored(t *testing.T, scripts string, o story.Options) {
	t.Helper()
	conn, c := clickhousetest.Open(t)
	s := story.New(o)
	store(t, conn, s, bundleOf(t, s))
	testscript.Run(t, params(scripts, func(env *testscript.Env) error {
		env.Setenv("ASSAY_CLICKHOUSE_ADDRESS", c.Address)
		env.Setenv("ASSAY_CLICKHOUSE_DATABASE", c.Database)
		env.Setenv("ASSAY_CLICKHOUSE_USERNAME", c.Username)
		env.Setenv("ASSAY_CLICKHOUSE_PASSWORD", c.Password.Reveal())
		folder := filepath.Join(env.WorkDir, "controls")
		env.Setenv("CONTROLS", folder)
		env.Setenv("REDRAW", mustAbs(t, "../../pkg/sampling/testdata/redraw.py"))
		if err := errors.Join(setUp(env), os.CopyFS(folder, controls.FS)); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, control.BoundaryFile), s.Boundary(), 0o600)
	}))
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	require.NoError(t, err)
	return abs
}

func bundleOf(t *testing.T, s *story.Story) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	bundle, err := control.LoadWith(controls.FS, s.Boundary(), types)
	require.NoError(t, err)
	return bundle
}

// store puts a story's events on record, and what the reference rules say of its items,
// as known when the last event had come.
func store(t *testing.T, conn clickhouse.Conn, s *story.Story, bundle *control.Bundle) {
	t.Helper()
	events := storeEvents(t, conn, s)
	last := events[len(events)-1].Time
	for _, ev := range events {
		last = max(last, ev.Time)
	}
	batch, err := conn.PrepareBatch(t.Context(), `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason,
		rule_hash, bundle, due, known_at, final_at, remediated_at, evidence, topic, partition, offset)`)
	require.NoError(t, err)
	defer batch.Close()
	for _, c := range bundle.Controls {
		for i, v := range oracle.Verdicts(bundle, c, "default", events, last+1) {
			evidence, err := json.Marshal(append([]compliance.Evidence{}, v.Evidence...))
			require.NoError(t, err)
			require.NoError(t, batch.Append("default", c.ID, v.Item.ID, v.Item.Time.Time(), uint32(1), string(v.Outcome), v.Reason,
				c.At(v.Item.Time).Hash, bundle.Hash, v.Due.Time(), last.Time(), last.Time(), v.RemediatedAt.Time(), string(evidence), "assay.verdicts", int32(0), int64(i)))
		}
	}
	require.NoError(t, batch.Send())
}

func storeEvents(t *testing.T, conn clickhouse.Conn, s *story.Story) []*compliance.Event {
	t.Helper()
	batch, err := conn.PrepareBatch(t.Context(), `INSERT INTO events (tenant, family, type, source, id, time, received, sequence, key, data, size,
		sha256, topic, partition, offset, prev_offset, leaf_index, leaf)`)
	require.NoError(t, err)
	defer batch.Close()
	var events []*compliance.Event
	for em := range s.Events() {
		if em.Barrier != nil || em.Duplicate {
			continue
		}
		ev := em.Event
		n := int64(len(events))
		data, err := json.Marshal(ev.Data)
		require.NoError(t, err)
		ev.Ref = compliance.Ref{Topic: "assay.events", Offset: n, SHA256: sha256.Sum256(data)}
		require.NoError(t, batch.Append(ev.Tenant, "any", ev.Type, ev.Source, ev.ID, ev.Time.Time(), em.Arrives.Time(), ev.Sequence, strconv.Itoa(int(n)),
			string(data), uint32(len(data)), ev.Ref.SHA256[:], ev.Ref.Topic, ev.Ref.Partition, n, n-1, uint64(n), make([]byte, 32)))
		events = append(events, &ev)
	}
	require.NoError(t, batch.Send())
	return events
}
