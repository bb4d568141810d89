package listing_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/output"
)

// TestRecorded: events come back alike from ClickHouse and from the lines that a query
// writes, in order, with redeliveries, without those of others and of other types.
func TestRecorded(t *testing.T) {
	w := asktest.New(t)
	opened := map[string]any{"incident_id": "i", "severity": "sev1", "service": "api"}
	kept := w.Event(
		compliance.Event{Source: "/pager", ID: "b", Type: "incident.opened", Time: asktest.At("2026-07-02"), Data: opened},
		compliance.Event{Source: "/pager", ID: "a", Type: "incident.opened", Time: asktest.At("2026-07-01"), Data: opened},
		compliance.Event{Source: "/pager", ID: "a", Type: "incident.opened", Time: asktest.At("2026-07-01"), Data: opened},
	)
	w.Event(
		compliance.Event{Source: "/idp", ID: "l", Type: "access.login", Time: asktest.At("2026-07-01"), Data: map[string]any{}},
		compliance.Event{Source: "/pager", ID: "bad", Type: "incident.opened", Time: asktest.At("2026-07-01"), Data: map[string]any{"severity": 1}},
		compliance.Event{Source: "/pager", ID: "later", Type: "incident.opened", Time: asktest.At("2026-08-01"), Data: opened},
		compliance.Event{Tenant: "other", Source: "/pager", ID: "o", Type: "incident.opened", Time: asktest.At("2026-07-01"), Data: opened},
	)
	types, err := dictionary.Default()
	require.NoError(t, err)
	want := []compliance.Event{kept[1], kept[2], kept[0]}

	r := &listing.Recorded{Types: types, Tenant: w.Tenant}
	var got []compliance.Event
	visit := func(ev *compliance.Event) error {
		got = append(got, *ev)
		return nil
	}
	require.NoError(t, r.FromClickHouse(t.Context(), w.Conn, []string{"incident.*"}, asktest.At("2026-08-01"), visit))
	requireEvents(t, want, got)
	require.Equal(t, 1, r.Unreadable)

	rows, err := listing.Events(t.Context(), w.Asker(), listing.Filter{To: asktest.At("2026-08-01"), Limit: 100})
	require.NoError(t, err)
	var lines bytes.Buffer
	require.NoError(t, output.Write(output.Writer{Out: &lines, Format: output.JSONL}, rows.Rows, nil))
	got, r.Unreadable = nil, 0
	require.NoError(t, r.FromLines(bytes.NewReader(lines.Bytes()), "events.jsonl", []string{"incident.*"}, visit))
	requireEvents(t, want, got)
	require.Equal(t, 1, r.Unreadable)
	end, err := listing.EndOfLines(&lines, "events.jsonl")
	require.NoError(t, err)
	require.Equal(t, asktest.At("2026-07-02")+1, end)

	stop := errors.New("stop")
	err = r.FromClickHouse(t.Context(), w.Conn, []string{"incident.*"}, asktest.At("2026-08-01"), func(*compliance.Event) error { return stop })
	require.ErrorIs(t, err, stop)
}

func requireEvents(t *testing.T, want, got []compliance.Event) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i].ID, got[i].ID)
		require.Equal(t, want[i].Time, got[i].Time)
		require.Equal(t, want[i].Ref.SHA256, got[i].Ref.SHA256)
		require.Equal(t, "sev1", got[i].Data["severity"])
	}
}
