package report_test

import (
	"bytes"
	"encoding/csv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

func dayOf(t *testing.T, c *report.Coverage, source, day string) report.CoverageDay {
	t.Helper()
	for _, d := range c.Items {
		if d.Source == source && d.Day == day {
			return d
		}
	}
	require.Fail(t, source+" has no day "+day)
	return report.CoverageDay{}
}

// Each source has each day, with what came, what is missing, how late it was, and what
// could not be used.
func TestCoverageByDay(t *testing.T) {
	w := newWorld(t)
	w.beats("/idp", "2026-06-30T23:00:00Z", "2026-07-03", 2*time.Hour)
	other := login("b", "2026-07-02")
	other.Data = map[string]any{"mfa": false}
	w.event(login("b", "2026-07-02"), other,
		compliance.Event{Source: "/shadow", ID: "s", Type: "access.login", Time: at("2026-07-02"), Data: map[string]any{}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: "t", Type: "access.login", Time: at("2026-07-02"), Data: map[string]any{}})
	require.NoError(t, w.conn.Exec(t.Context(), `INSERT INTO events (tenant, type, source, id, time, received)
		SELECT 'default', 'access.login', '/idp', toString(number), '2026-07-01 12:00:00', toDateTime64('2026-07-01 12:00:00', 6, 'UTC') + number FROM numbers(1, 100)`))
	require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO rejected (tenant, at, source, id) VALUES ('default', '2026-07-02', '/idp', 'r'), ('other', '2026-07-02', '/idp', 'r')"))
	require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO quarantined (tenant, control, source, id, time) VALUES ('default', 'CH-01', '/idp', 'q', '2026-07-02'), ('default', 'AC-01', '/idp', 'q', '2026-07-02')"))
	p, err := report.Between("2026-07-01", "2026-07-04T12:00:00Z")
	require.NoError(t, err)
	c, err := report.MakeCoverage(t.Context(), w.conn, w.bundle, report.CoverageParams{Tenant: w.tenant, Period: p})
	require.NoError(t, err)
	require.Len(t, c.Items, 3*4+1)
	require.Equal(t, report.CoverageDay{
		Source: "/idp", Day: "2026-07-01", Declared: true, Records: 100, Heartbeats: 12,
		Median: report.Duration(51 * time.Second), P99: report.Duration(100 * time.Second), Longest: report.Duration(100 * time.Second),
	}, dayOf(t, c, "/idp", "2026-07-01"))
	require.Equal(t, report.CoverageDay{
		Source: "/idp", Day: "2026-07-02", Declared: true, Records: 2, Heartbeats: 12, Silences: 1, Refused: 1, Quarantined: 1, Conflicts: 1,
		Median: report.Duration(time.Second), P99: report.Duration(time.Second), Longest: report.Duration(time.Second),
	}, dayOf(t, c, "/idp", "2026-07-02"))
	require.Equal(t, report.CoverageDay{Source: "/idp", Day: "2026-07-04", Declared: true, Silences: 1}, dayOf(t, c, "/idp", "2026-07-04"))
	require.Equal(t, report.CoverageDay{Source: "/pager", Day: "2026-07-04", Declared: true, Silences: 1}, dayOf(t, c, "/pager", "2026-07-04"))
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
