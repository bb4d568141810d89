package report_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

func TestSources(t *testing.T) {
	w := newWorld(t)
	w.beats("/idp", "2026-07-01", "2026-07-02", 12*time.Hour)
	w.event(compliance.Event{Source: "/idp", ID: "e", Type: "access.login", Time: at("2026-07-02"), Data: map[string]any{}})
	days, err := asker(w).SourceDays(t.Context(), q3(t))
	require.NoError(t, err)
	require.Len(t, days.Rows, 2)
	require.Equal(t, []int64{0, 2, 1, 1}, []int64{days.Rows[0].Events, days.Rows[0].Beats, days.Rows[1].Events, days.Rows[1].Beats})
	heard, err := asker(w).LastHeard(t.Context())
	require.NoError(t, err)
	require.Equal(t, []report.Heard{{Source: "/idp", Events: 4, At: at("2026-07-02"), Received: at("2026-07-02T00:00:01Z")}}, heard.Rows)
	lives, made, err := asker(w).Lives(t.Context(), w.bundle.Sources, q3(t))
	require.NoError(t, err)
	require.Equal(t, "signs_of_life", made.Query)
	require.Len(t, lives["/idp"].Gaps, 3, "two between the beats, one until the end")
	require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO quarantined (tenant, control, source, id, time) VALUES ('default', 'CH-01', '/vcs', 'q', '2026-07-02')"))
	require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO rejected (tenant, at, source, id) VALUES ('default', '2026-07-02', '/vcs', 'r')"))
	trouble, err := asker(w).TroubleBySource(t.Context(), q3(t))
	require.NoError(t, err)
	require.Equal(t, []report.Trouble{{Source: "/vcs", Refused: 1, Quarantined: 1}}, trouble.Rows)
	late, err := asker(w).Quarantined(t.Context(), q3(t), 10)
	require.NoError(t, err)
	require.Equal(t, "q", late.Rows[0].Event.ID)
}
