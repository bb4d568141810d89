package report_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

func TestCountsAndResults(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-06-30", "2026-10-02", time.Hour)
	w.Say(
		asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "b", At: "2026-07-02T10:00:00Z", Outcome: compliance.Deviation, Reason: "no_mfa"},
		asktest.Said{Control: "AC-01", Item: "c", At: "2026-07-03T11:00:00Z", Outcome: compliance.Waived, Reason: "no_mfa"},
		asktest.Said{Control: "AC-01", Item: "d", At: "2026-07-04T12:00:00Z", Outcome: compliance.Deviation, Reason: "no_mfa", Remediated: "2026-07-05"},
		asktest.Said{Control: "AC-01", Item: "e", At: "2026-07-31T23:59:59.999999Z", Outcome: compliance.Pending, Reason: "awaiting_evidence"},
		asktest.Said{Control: "AC-01", Item: "f", At: "2026-08-01", Outcome: compliance.Deviation, Reason: "no_mfa"}, // the period is half-open
		asktest.Said{Control: "AC-01", Item: "g", At: "2026-06-30T23:59:59.999999Z", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-01", Item: "h", At: "2026-07-06", Outcome: compliance.Withdrawn},
		asktest.Said{Control: "AC-01", Item: "i", At: "2026-07-06", Outcome: compliance.NotApplicable, Reason: "does_not_apply"},
	)
	c := find(t, reported(w, "2026-07"), "AC-01")
	require.Equal(t, report.Counts{
		Items: 6, Pass: 1, Deviation: 2, Waived: 1, NotApplicable: 1, Pending: 1, Withdrawn: 1, Remediated: 1, Tested: 4,
		Gross: 3, Rate: new(0.75), WorstCase: new(0.8), NetRate: new(0.5),
	}, c.Counts)
	require.Equal(t, compliance.OperatedWithDeviations, c.Result)
	require.Equal(t, []string{"of 3 items that deviated, a waiver covers 1"}, c.Why)
	require.Equal(t, asktest.At("2026-07-02T10:00:00Z"), c.FirstDeviation)
	require.Equal(t, asktest.At("2026-07-04T12:00:00Z"), c.LastDeviation)
	require.Equal(t, int64(2), c.Outside)
	require.True(t, c.Coverage.Covered, c.Coverage.Why)
	require.Equal(t, []report.Reason{
		{Outcome: compliance.Deviation, Reason: "no_mfa", Items: 2, Remediated: 1},
		{Outcome: compliance.Waived, Reason: "no_mfa", Items: 1},
		{Outcome: compliance.NotApplicable, Reason: "does_not_apply", Items: 1},
		{Outcome: compliance.Pending, Reason: "awaiting_evidence", Items: 1},
		{Outcome: compliance.Withdrawn, Items: 1},
	}, c.Reasons)
}

// A result is a function of what is on record.
func TestResults(t *testing.T) {
	all := asktest.New(t)
	item := func(outcome compliance.Outcome, when string) asktest.Said {
		return asktest.Said{Control: "AC-01", Item: "i" + when + string(outcome), At: when, Outcome: outcome}
	}
	for name, c := range map[string]struct {
		silent bool
		items  []asktest.Said
		want   compliance.Result
		why    string
	}{
		"passes":                     {items: []asktest.Said{item(compliance.Pass, "2026-07-01")}, want: compliance.OperatedWithoutDeviation},
		"passes, silent":             {silent: true, items: []asktest.Said{item(compliance.Pass, "2026-07-01")}, want: compliance.OperatedWithoutDeviation},
		"a pass and a pending":       {items: []asktest.Said{item(compliance.Pass, "2026-07-01"), item(compliance.Pending, "2026-07-31")}, want: compliance.OperatedWithoutDeviation},
		"a pass and an inconclusive": {items: []asktest.Said{item(compliance.Pass, "2026-07-01"), item(compliance.Inconclusive, "2026-07-31")}, want: compliance.NotEvaluable, why: "1 item is inconclusive"},
		"all":                        {items: []asktest.Said{item(compliance.Deviation, "2026-07-02"), item(compliance.Inconclusive, "2026-07-31")}, want: compliance.OperatedWithDeviations},
		"only pending":               {items: []asktest.Said{item(compliance.Pending, "2026-07-02")}, want: compliance.NotEvaluable, why: "nothing is decided yet: 1 item is pending"},
		"all waived":                 {items: []asktest.Said{item(compliance.Waived, "2026-07-02")}, want: compliance.OperatedWithoutDeviation, why: "of 1 item that deviated, a waiver covers 1"},
		"an unknown outcome":         {items: []asktest.Said{item("marvellous", "2026-07-02")}, want: compliance.NotEvaluable, why: "1 item is inconclusive"},
		"nothing":                    {want: compliance.DidNotOccur, why: "nothing occurred, and the population is covered"},
		"nothing, silent":            {silent: true, want: compliance.NotEvaluable, why: "nothing occurred that is on record, and the population isn't covered"},
		"only withdrawn":             {items: []asktest.Said{item(compliance.Withdrawn, "2026-07-02")}, want: compliance.DidNotOccur, why: "nothing occurred, and the population is covered"},
		"only not applicable":        {items: []asktest.Said{item(compliance.NotApplicable, "2026-07-02")}, want: compliance.DidNotOccur, why: "nothing occurred, and the population is covered"},
		"outside":                    {items: []asktest.Said{item(compliance.Pass, "2026-08-01")}, want: compliance.OperatedOutsidePeriod, why: "nothing occurred in the period; 1 item is on record outside it"},
		"outside, silent":            {silent: true, items: []asktest.Said{item(compliance.Pass, "2026-08-01")}, want: compliance.NotEvaluable, why: "nothing occurred that is on record, and the population isn't covered"},
		"pending outside":            {items: []asktest.Said{item(compliance.Pending, "2026-08-01")}, want: compliance.DidNotOccur, why: "nothing occurred, and the population is covered"},
	} {
		t.Run(name, func(t *testing.T) {
			w := all.As(t, name)
			if !c.silent {
				w.Beats("/idp", "2026-06-30T23:30:00Z", "2026-08-01T00:30:00Z", time.Hour)
			}
			if len(c.items) > 0 {
				w.Say(c.items...)
			}
			got := find(t, reported(w, "2026-07"), "AC-01")
			require.Equal(t, c.want, got.Result)
			if c.why != "" {
				require.Equal(t, c.why, got.Why[0])
			} else {
				require.Empty(t, got.Why)
			}
		})
	}
}

func TestCoverageByHeartbeats(t *testing.T) {
	all := asktest.New(t)
	for name, c := range map[string]struct {
		beats [][2]string
		why   []string
	}{
		"all through":              {beats: [][2]string{{"2026-06-30T22:00:00Z", "2026-08-01T01:00:00Z"}}},
		"to the end exactly":       {beats: [][2]string{{"2026-07-01", "2026-08-01"}}},
		"first after the start":    {beats: [][2]string{{"2026-07-01T03:00:00Z", "2026-08-01"}}},
		"never":                    {why: []string{"/idp never sent a heartbeat"}},
		"too late at the start":    {beats: [][2]string{{"2026-07-01T03:00:01Z", "2026-08-02"}}, why: []string{"/idp was silent for more than 3h0m0s once, the longest from 2026-07-01T00:00:00Z to 2026-07-01T03:00:01Z"}},
		"silent over the start":    {beats: [][2]string{{"2026-06-01", "2026-06-30T23:00:00Z"}, {"2026-07-01T02:30:00Z", "2026-08-02"}}, why: []string{"/idp was silent for more than 3h0m0s once, the longest from 2026-06-30T23:00:00Z to 2026-07-01T02:30:00Z"}},
		"a gap as long as may be":  {beats: [][2]string{{"2026-07-01", "2026-07-10T10:00:00Z"}, {"2026-07-10T13:00:00Z", "2026-08-02"}}},
		"gaps":                     {beats: [][2]string{{"2026-07-01", "2026-07-10T10:00:00Z"}, {"2026-07-10T14:00:00Z", "2026-07-15"}, {"2026-07-20", "2026-08-02"}}, why: []string{"/idp was silent for more than 3h0m0s 2 times, the longest from 2026-07-15T00:00:00Z to 2026-07-20T00:00:00Z"}},
		"not yet":                  {beats: [][2]string{{"2026-07-01", "2026-07-31T23:00:00Z"}}, why: []string{"/idp was last heard at 2026-07-31T23:00:00Z, and not at or after the period's end"}},
		"silent over the end":      {beats: [][2]string{{"2026-07-01", "2026-07-31T23:00:00Z"}, {"2026-08-01T02:30:00Z", "2026-08-02"}}, why: []string{"/idp was silent for more than 3h0m0s once, the longest from 2026-07-31T23:00:00Z to 2026-08-01T02:30:00Z"}},
		"only before":              {beats: [][2]string{{"2026-06-01", "2026-06-02"}}, why: []string{"/idp was last heard at 2026-06-02T00:00:00Z, and not at or after the period's end"}},
		"only after":               {beats: [][2]string{{"2026-09-01", "2026-09-02"}}, why: []string{"/idp was silent for more than 3h0m0s once, the longest from 2026-07-01T00:00:00Z to 2026-08-01T00:00:00Z"}},
		"gaps outside don't count": {beats: [][2]string{{"2026-06-01", "2026-06-02"}, {"2026-06-20", "2026-08-01"}, {"2026-09-01", "2026-09-02"}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := all.As(t, name)
			for _, b := range c.beats {
				w.Beats("/idp", b[0], b[1], 30*time.Minute)
			}
			w.Event(compliance.Event{Tenant: "other", Source: "/idp", ID: "x", Type: "source.heartbeat", Time: asktest.At("2026-08-01T00:00:00Z")})
			got := find(t, reported(w, "2026-07"), "AC-01").Coverage
			require.Equal(t, c.why, got.Why)
			require.Equal(t, c.why == nil, got.Covered)
		})
	}
}

func TestARetiredSourceNeedsNoMoreHeartbeats(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-07-01", "2026-07-10", time.Hour)
	w.Event(compliance.Event{Source: "/idp", ID: "end", Type: "source.retired", Time: asktest.At("2026-07-10T00:00:00Z"), Data: map[string]any{"reason": "moved"}})
	got := find(t, reported(w, "2026-07"), "AC-01").Coverage
	require.True(t, got.Covered, got.Why)
	require.Equal(t, asktest.At("2026-07-10"), got.Sources[0].RetiredAt)
	require.True(t, find(t, reported(w, "2026-08"), "AC-01").Coverage.Covered)
}

func TestWhatProvesNothing(t *testing.T) {
	w := asktest.New(t)
	r := reported(w, "2026-07")
	require.Equal(t, []string{"no declared source sends backup.completed"}, find(t, r, "BC-01").Coverage.Why)
	require.Equal(t, []string{"/cd declares no max_gap, so its silence proves nothing"}, find(t, r, "CH-01").Coverage.Why)
	require.Equal(t, compliance.NotEvaluable, find(t, r, "BC-01").Result)
	w.Beats("/idp", "2026-01-01", "2026-10-01", time.Hour)
	require.Equal(t, []string{"the bundle is in force from 2026-06-01T00:00:00Z only, so nothing before is tested"},
		find(t, reported(w, "2026-05"), "AC-01").Coverage.Why)
	w.Say(asktest.Said{Control: "AC-01", Item: "unreadable:x", At: "2026-07-02", Outcome: compliance.Inconclusive, Reason: compliance.ReasonPopulationError})
	require.Equal(t, []string{"of 1 item it couldn't be told whether they belong to the population"}, find(t, reported(w, "2026-07"), "AC-01").Coverage.Why)
}

func TestCoverageByCalendar(t *testing.T) {
	w := asktest.New(t)
	w.Say(
		asktest.Said{Control: "AC-04", Item: "console@2026-07", At: "2026-07-01", Outcome: compliance.Pass},
		asktest.Said{Control: "AC-04", Item: "console@2026-08", At: "2026-08-01", Outcome: compliance.Pass},
	)
	got := find(t, reported(w, "2026-07"), "AC-04").Coverage
	require.True(t, got.Covered, got.Why)
	require.Equal(t, report.PopulationCoverage{Covered: true, How: report.ByCalendar, Expected: 1}, got)
	c := find(t, reported(w, "2026-08"), "AC-04")
	require.Equal(t, []string{"the calendar makes 2 items, and 1 are on record"}, c.Coverage.Why)
	require.Equal(t, compliance.NotEvaluable, c.Result)
	require.Equal(t, []string{"1 item is due by the calendar and not on record"}, c.Why)
	// What hasn't begun isn't missing.
	c = find(t, reported(w, "2026-Q3", func(p *report.Params) { p.MadeAt = asktest.At("2026-07-20") }), "AC-04")
	require.Equal(t, compliance.OperatedWithoutDeviation, c.Result)
	require.False(t, c.Coverage.Covered)
}

// Sums by day and a count of the items are two ways to the same numbers, also after
// items moved, between days and out of the period.
func TestRollupEqualsBase(t *testing.T) {
	w := asktest.New(t)
	outcomes := compliance.Outcomes()
	var history []asktest.Said
	for i := range 400 {
		first := asktest.Said{
			Control: []string{"AC-01", "CH-01", "IN-01"}[i%3], Item: fmt.Sprintf("i%d", i), Outcome: outcomes[i%7], Reason: fmt.Sprintf("r%d", i%2),
			At: asktest.At("2026-06-25T00:30:00Z").Add(time.Duration(i) * 3 * time.Hour).String(),
		}
		list := []asktest.Said{first}
		for n := range i % 4 {
			next := list[n]
			next.Before, next.Revision = &list[n], n+2
			next.Outcome, next.Reason = outcomes[(i*n+5)%7], fmt.Sprintf("r%d", n)
			next.At = asktest.At(next.At).Add(time.Duration(i%5-2) * 13 * time.Hour).String()
			if next.Outcome == compliance.Deviation && i%2 == 0 {
				next.Remediated = next.At
			}
			list = append(list, next)
		}
		history = append(history, list...)
	}
	w.Say(history...)
	total := int64(0)
	for _, id := range []string{"AC-01", "CH-01", "IN-01"} {
		byDay := find(t, reported(w, "2026-07"), id)
		byItem := find(t, reported(w, "2026-07", func(p *report.Params) { p.Period.To += 1 }), id) // one microsecond more, where no item is
		require.Equal(t, byDay.Counts, byItem.Counts)
		require.Equal(t, byDay.Reasons, byItem.Reasons)
		require.Equal(t, byDay.Outside, byItem.Outside)
		total += byDay.Counts.Items + byDay.Counts.Withdrawn
		items, err := listing.Items(t.Context(), w.Conn, "default", id, asktest.At("2026-07-01"), asktest.At("2026-08-01"), 0)
		require.NoError(t, err)
		require.Len(t, items, int(byDay.Counts.Items+byDay.Counts.Withdrawn))
	}
	require.Greater(t, total, int64(200))
}

func TestTenantsDontMeet(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-06-30", "2026-08-02", time.Hour)
	mine := asktest.Said{Control: "AC-01", Item: "a", At: "2026-07-02", Outcome: compliance.Pass}
	theirs := asktest.Said{Tenant: "other", Control: "AC-01", Item: "a", At: "2026-07-02", Outcome: compliance.Deviation, Reason: "no_mfa"}
	again := theirs
	again.Outcome, again.Before, again.Revision = compliance.Pass, &theirs, 2
	w.Say(mine, theirs, again, asktest.Said{Tenant: "other", Control: "IN-01", Item: "b", At: "2026-07-02", Outcome: compliance.Deviation})
	r := reported(w, "2026-07")
	require.Empty(t, r.Deviating())
	require.Equal(t, int64(1), find(t, r, "AC-01").Counts.Items)
	require.Zero(t, find(t, r, "IN-01").Counts.Items)
	require.Equal(t, int64(1), r.Record.Revisions)
	items, err := listing.Items(t.Context(), w.Conn, "default", "AC-01", asktest.At("2026-07-01"), asktest.At("2026-08-01"), 0)
	require.NoError(t, err)
	require.Len(t, items, 1)
	other := reported(w, "2026-07", func(p *report.Params) { p.Tenant = "other" })
	require.Equal(t, []string{"IN-01"}, other.Deviating())
	require.False(t, find(t, other, "AC-01").Coverage.Covered, "heartbeats are a tenant's own")
}

func TestMakeRefuses(t *testing.T) {
	_, err := report.Make(t.Context(), nil, asktest.Bundle(t), report.Params{Tenant: "default"})
	require.ErrorContains(t, err, "a period that isn't empty")
	p, err := ask.ParsePeriod("2026")
	require.NoError(t, err)
	_, err = report.Make(t.Context(), nil, asktest.Bundle(t), report.Params{Period: p})
	require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
}
