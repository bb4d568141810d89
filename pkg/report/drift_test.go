package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

func (w *world) drift(changes ...func(*report.DriftParams)) *report.Drift {
	w.Helper()
	baseline, err := report.ParsePeriod("2026-07")
	require.NoError(w, err)
	window, err := report.ParsePeriod("2026-08")
	require.NoError(w, err)
	p := report.DriftParams{Tenant: w.tenant, Baseline: baseline, Window: window, FDR: drift.DefaultFDR, Now: at("2026-11-01")}
	for _, change := range changes {
		change(&p)
	}
	d, err := report.MakeDrift(w.Context(), w.conn, w.bundle, p)
	require.NoError(w, err)
	return d
}

// deploys puts four deployments a day on record in July and August, one of which deviates
// from the 11th of August on. What is said of those is known at the end of August.
func (w *world) deploys() {
	w.Helper()
	var items []said
	for i := range 62 * 4 {
		when := at("2026-07-01").Add(time.Duration(i) * 6 * time.Hour)
		it := said{control: "CH-01", item: fmt.Sprintf("dep-%03d", i), at: when.String(), outcome: compliance.Pass}
		items = append(items, it)
		if when >= at("2026-08-11") && i%4 == 1 {
			late := it
			late.outcome, late.reason, late.revision, late.known, late.before = compliance.Deviation, "no_approval", 2, at("2026-08-31"), &it
			items = append(items, late)
		}
	}
	w.say(items...)
	w.event(
		compliance.Event{Source: "/prompts", ID: "r1", Type: "model.route.changed", Time: at("2026-08-11T02:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "acme", "model": "m", "environment": "production"}},
		compliance.Event{Source: "/prompts", ID: "r1", Type: "model.route.changed", Time: at("2026-08-11T02:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "acme", "model": "m", "environment": "production"}},
		compliance.Event{Source: "/prompts", ID: "r2", Type: "model.route.changed", Time: at("2026-08-11T03:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "acme", "model": "m", "environment": "staging"}},
		compliance.Event{Source: "/prompts", ID: "r3", Type: "model.route.changed", Time: at("2026-08-12T03:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "later", "model": "m", "environment": "production"}},
	)
}

func TestDrift(t *testing.T) {
	w := newWorld(t)
	w.deploys()
	d := w.drift()
	require.Len(t, d.Findings, 1)
	f := d.Findings[0]
	require.Equal(t, drift.ByBehaviour, f.Cause)
	require.Equal(t, "CH-01", f.Control)
	require.Equal(t, drift.Count{Bad: 0, Of: 124}, f.Baseline)
	require.Equal(t, drift.Count{Bad: 21, Of: 124}, f.Window)
	require.Equal(t, at("2026-08-11"), f.Onset.Day)
	require.Equal(t, at("2026-08-11T06:00:00Z"), f.Onset.First)
	require.Equal(t, "model.route.changed assistant acme m", f.Changes[0].What)
	require.Equal(t, drift.Model, f.Changes[0].Kind)
	require.Len(t, d.Tested, 2)

	var first, second, text bytes.Buffer
	require.NoError(t, d.WriteJSON(&first))
	require.NoError(t, w.drift().WriteJSON(&second))
	require.Equal(t, first.String(), second.String(), "the same again is the same bytes")
	require.True(t, json.Valid(first.Bytes()))
	require.NoError(t, d.WriteTable(output.Writer{Out: &text}))
	require.Contains(t, text.String(), "CH-01: deviations went from 0 of 124 (0.00 %) to 21 of 124 (16.94 %); cause: behaviour\n")
	require.Contains(t, text.String(), "    2026-08-11T02:00:00Z  model.route.changed assistant acme m (model; 100 %)\n")

	// What wasn't known then hadn't drifted then; another tenant has nothing.
	d = w.drift(func(p *report.DriftParams) { p.AsOf = at("2026-08-31") - 1 })
	require.Empty(t, d.Findings)
	require.Equal(t, drift.Count{Bad: 0, Of: 124}, d.Tested[0].Baseline)
	require.Empty(t, w.drift(func(p *report.DriftParams) { p.Tenant = "another" }).Tested)
}

// The counts are those of the report for the same period: two ways, the same numbers.
func TestDriftCountsAsTheReportDoes(t *testing.T) {
	w := newWorld(t)
	w.deploys()
	period, err := report.ParsePeriod("2026-08")
	require.NoError(t, err)
	r, err := report.Make(t.Context(), w.conn, w.bundle, report.Params{Tenant: w.tenant, Period: period, MadeAt: at("2026-11-01")})
	require.NoError(t, err)
	c := r.Controls[slices.IndexFunc(r.Controls, func(c report.Control) bool { return c.ID == "CH-01" })]
	got := w.drift().Tested[0].Window
	require.Equal(t, c.Counts.Gross, int64(got.Bad))
	require.Equal(t, c.Counts.Tested, int64(got.Of))
}

func TestSilencesAreChanges(t *testing.T) {
	w := newWorld(t)
	w.beats("/idp", "2026-07-01", "2026-08-10", time.Hour)
	w.beats("/pager", "2026-07-01", "2026-08-05", time.Hour)
	w.beats("/pager", "2026-08-06", "2026-08-31T23:00:00Z", time.Hour)
	var items []said
	for i := range 62 {
		when := at("2026-07-01").Add(time.Duration(i) * 24 * time.Hour)
		it := said{control: "AC-01", item: strconv.Itoa(i), at: when.String(), outcome: compliance.Pass}
		if when > at("2026-08-10") {
			it.outcome, it.reason = compliance.Inconclusive, compliance.ReasonSourceSilent
		}
		items = append(items, it)
	}
	w.say(items...)
	d := w.drift()
	require.Len(t, d.Findings, 1)
	f := d.Findings[0]
	require.Equal(t, drift.BySilence, f.Cause)
	require.Equal(t, "/idp was silent to 2026-09-01T00:00:00Z", f.Changes[0].What, "it isn't heard again")
	require.Equal(t, "/pager was silent to 2026-08-06T00:00:00Z", f.Changes[1].What)
	require.Equal(t, at("2026-08-10"), f.Changes[0].At)
	w.event(compliance.Event{Source: "/idp", ID: "end", Type: control.SourceRetired, Time: at("2026-08-10T00:00:01Z"), Data: map[string]any{"reason": "moved"}})
	require.Equal(t, "/pager was silent to 2026-08-06T00:00:00Z", w.drift().Findings[0].Changes[0].What, "one that retired is not silent")
}

// A member of the calendar that came into scope brings its deviations along.
func TestNewMembersAreTheBoundarys(t *testing.T) {
	w := newWorld(t)
	var items []said
	for i := range 40 {
		items = append(items,
			said{control: "AC-04", item: fmt.Sprintf("s%d@2026-07", i), at: "2026-07-01", outcome: compliance.Pass},
			said{control: "AC-04", item: fmt.Sprintf("s%d@2026-08", i), at: "2026-08-01", outcome: compliance.Pass},
			said{control: "AC-04", item: fmt.Sprintf("new%d@2026-08", i), at: "2026-08-01", outcome: compliance.Deviation, reason: "no_review"})
	}
	w.say(items...)
	f := w.drift().Findings[0]
	require.Equal(t, drift.ByBoundary, f.Cause)
	require.Len(t, f.Causes[0].What, 40)
	require.Equal(t, "boundary.systems[helpdesk] begins", f.Changes[0].What)
}
