package sources_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
)

func TestSources(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-07-01", "2026-07-02", 12*time.Hour)
	w.Event(compliance.Event{Source: "/idp", ID: "e", Type: "access.login", Time: asktest.At("2026-07-02"), Data: map[string]any{}})
	days, err := sources.Days(t.Context(), w.Asker(), asktest.Q3(t))
	require.NoError(t, err)
	require.Len(t, days.Rows, 2)
	require.Equal(t, []int64{0, 2, 1, 1}, []int64{days.Rows[0].Events, days.Rows[0].Beats, days.Rows[1].Events, days.Rows[1].Beats})
	heard, err := sources.LastHeard(t.Context(), w.Asker())
	require.NoError(t, err)
	require.Equal(t, []sources.Heard{{Source: "/idp", Events: 4, At: asktest.At("2026-07-02"), Received: asktest.At("2026-07-02T00:00:01Z")}}, heard.Rows)
	lives, made, err := sources.Lives(t.Context(), w.Asker(), w.Bundle.Sources, asktest.Q3(t))
	require.NoError(t, err)
	require.Equal(t, "signs_of_life", made.Query)
	require.Len(t, lives["/idp"].Gaps, 3, "two between the beats, one until the end")
	require.NoError(t, w.Conn.Exec(t.Context(), "INSERT INTO quarantined (tenant, control, source, id, time) VALUES ('default', 'CH-01', '/vcs', 'q', '2026-07-02')"))
	require.NoError(t, w.Conn.Exec(t.Context(), "INSERT INTO rejected (tenant, at, source, id) VALUES ('default', '2026-07-02', '/vcs', 'r')"))
	trouble, err := sources.TroubleBySource(t.Context(), w.Asker(), asktest.Q3(t))
	require.NoError(t, err)
	require.Equal(t, []sources.Trouble{{Source: "/vcs", Refused: 1, Quarantined: 1}}, trouble.Rows)
	late, err := listing.Quarantined(t.Context(), w.Asker(), asktest.Q3(t), 10)
	require.NoError(t, err)
	require.Equal(t, "q", late.Rows[0].Event.ID)
}
