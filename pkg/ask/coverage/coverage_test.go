package coverage_test

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/coverage"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

func dayOf(t *testing.T, c *coverage.Coverage, source, day string) coverage.Day {
	t.Helper()
	for _, d := range c.Items {
		if d.Source == source && d.Day == day {
			return d
		}
	}
	require.Fail(t, source+" has no day "+day)
	return coverage.Day{}
}

// Each source has each day, with what came, what is missing, how late it was, and what
// could not be used.
func TestCoverageByDay(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-06-30T23:00:00Z", "2026-07-03", 2*time.Hour)
	other := asktest.Login("b", "2026-07-02")
	other.Data = map[string]any{"mfa": false}
	w.Event(asktest.Login("b", "2026-07-02"), other,
		compliance.Event{Source: "/shadow", ID: "s", Type: "access.login", Time: asktest.At("2026-07-02"), Data: map[string]any{}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: "t", Type: "access.login", Time: asktest.At("2026-07-02"), Data: map[string]any{}})
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO events (tenant, type, source, id, time, received)
		SELECT 'default', 'access.login', '/idp', toString(number), '2026-07-01 12:00:00', toDateTime64('2026-07-01 12:00:00', 6, 'UTC') + number FROM numbers(1, 100)`))
	require.NoError(t, w.Conn.Exec(t.Context(), "INSERT INTO rejected (tenant, at, source, id) VALUES ('default', '2026-07-02', '/idp', 'r'), ('other', '2026-07-02', '/idp', 'r')"))
	require.NoError(t, w.Conn.Exec(t.Context(), "INSERT INTO quarantined (tenant, control, source, id, time) VALUES ('default', 'CH-01', '/idp', 'q', '2026-07-02'), ('default', 'AC-01', '/idp', 'q', '2026-07-02')"))
	p, err := ask.Between("2026-07-01", "2026-07-04T12:00:00Z")
	require.NoError(t, err)
	c, err := coverage.Make(t.Context(), w.Conn, w.Bundle, coverage.Params{Tenant: w.Tenant, Period: p})
	require.NoError(t, err)
	require.Len(t, c.Items, 3*4+1)
	require.Equal(t, coverage.Day{
		Source: "/idp", Day: "2026-07-01", Declared: true, Records: 100, Heartbeats: 12,
		Median: ask.Duration(51 * time.Second), P99: ask.Duration(100 * time.Second), Longest: ask.Duration(100 * time.Second),
	}, dayOf(t, c, "/idp", "2026-07-01"))
	require.Equal(t, coverage.Day{
		Source: "/idp", Day: "2026-07-02", Declared: true, Records: 2, Heartbeats: 12, Silences: 1, Refused: 1, Quarantined: 1, Conflicts: 1,
		Median: ask.Duration(time.Second), P99: ask.Duration(time.Second), Longest: ask.Duration(time.Second),
	}, dayOf(t, c, "/idp", "2026-07-02"))
	require.Equal(t, coverage.Day{Source: "/idp", Day: "2026-07-04", Declared: true, Silences: 1}, dayOf(t, c, "/idp", "2026-07-04"))
	require.Equal(t, coverage.Day{Source: "/pager", Day: "2026-07-04", Declared: true, Silences: 1}, dayOf(t, c, "/pager", "2026-07-04"))
	require.False(t, dayOf(t, c, "/shadow", "2026-07-02").Declared)
	require.Equal(t, "assay coverage --from 2026-07-01T00:00:00Z --to 2026-07-04T12:00:00Z --tenant default", c.Command)

	var text, rows bytes.Buffer
	require.NoError(t, c.WriteTable(output.Writer{Out: &text}))
	require.Regexp(t, `/idp +2026-07-01 +100 +12 +0 +0 +51s +1m40s +1m40s +0 +0 +0`, text.String())
	require.NoError(t, c.WriteCSV(output.Writer{Out: &rows}))
	lines, err := csv.NewReader(&rows).ReadAll()
	require.NoError(t, err)
	require.Len(t, lines, 1+len(c.Items))
}
