package drifts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

func drifted(w *asktest.World, changes ...func(*drifts.Params)) *drifts.Drift {
	w.Helper()
	baseline, err := ask.ParsePeriod("2026-07")
	require.NoError(w, err)
	window, err := ask.ParsePeriod("2026-08")
	require.NoError(w, err)
	p := drifts.Params{Tenant: w.Tenant, Baseline: baseline, Window: window, FDR: drift.DefaultFDR, Now: asktest.At("2026-11-01")}
	for _, change := range changes {
		change(&p)
	}
	d, err := drifts.Make(w.Context(), w.Conn, w.Bundle, p)
	require.NoError(w, err)
	return d
}

// deploys puts four deployments a day on record in July and August, one of which deviates
// from the 11th of August on. What is said of those is known at the end of August.
func deploys(w *asktest.World) {
	w.Helper()
	var items []asktest.Said
	for i := range 62 * 4 {
		when := asktest.At("2026-07-01").Add(time.Duration(i) * 6 * time.Hour)
		it := asktest.Said{Control: "CH-01", Item: fmt.Sprintf("dep-%03d", i), At: when.String(), Outcome: compliance.Pass}
		items = append(items, it)
		if when >= asktest.At("2026-08-11") && i%4 == 1 {
			late := it
			late.Outcome, late.Reason, late.Revision, late.Known, late.Before = compliance.Deviation, "no_approval", 2, asktest.At("2026-08-31"), &it
			items = append(items, late)
		}
	}
	w.Say(items...)
	w.Event(
		compliance.Event{Source: "/prompts", ID: "r1", Type: "model.route.changed", Time: asktest.At("2026-08-11T02:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "acme", "model": "m", "environment": "production"}},
		compliance.Event{Source: "/prompts", ID: "r1", Type: "model.route.changed", Time: asktest.At("2026-08-11T02:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "acme", "model": "m", "environment": "production"}},
		compliance.Event{Source: "/prompts", ID: "r2", Type: "model.route.changed", Time: asktest.At("2026-08-11T03:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "acme", "model": "m", "environment": "staging"}},
		compliance.Event{Source: "/prompts", ID: "r3", Type: "model.route.changed", Time: asktest.At("2026-08-12T03:00:00Z"), Data: map[string]any{"app": "assistant", "provider": "later", "model": "m", "environment": "production"}},
	)
}

func TestDrift(t *testing.T) {
	w := asktest.New(t)
	deploys(w)
	d := drifted(w)
	require.Len(t, d.Findings, 1)
	f := d.Findings[0]
	require.Equal(t, drift.ByBehaviour, f.Cause)
	require.Equal(t, "CH-01", f.Control)
	require.Equal(t, drift.Count{Bad: 0, Of: 124}, f.Baseline)
	require.Equal(t, drift.Count{Bad: 21, Of: 124}, f.Window)
	require.Equal(t, asktest.At("2026-08-11"), f.Onset.Day)
	require.Equal(t, asktest.At("2026-08-11T06:00:00Z"), f.Onset.First)
	require.Equal(t, "model.route.changed assistant acme m", f.Changes[0].What)
	require.Equal(t, drift.Model, f.Changes[0].Kind)
	require.Len(t, d.Tested, 2)

	var first, second, text bytes.Buffer
	require.NoError(t, d.WriteJSON(&first))
	require.NoError(t, drifted(w).WriteJSON(&second))
	require.Equal(t, first.String(), second.String(), "the same again is the same bytes")
	require.True(t, json.Valid(first.Bytes()))
	require.NoError(t, d.WriteTable(output.Writer{Out: &text}))
	require.Contains(t, text.String(), "CH-01: deviations went from 0 of 124 (0.00 %) to 21 of 124 (16.94 %); cause: behaviour\n")
	require.Contains(t, text.String(), "    2026-08-11T02:00:00Z  model.route.changed assistant acme m (model; 100 %)\n")

	// What wasn't known then hadn't drifted then; another tenant has nothing.
	d = drifted(w, func(p *drifts.Params) { p.AsOf = asktest.At("2026-08-31") - 1 })
	require.Empty(t, d.Findings)
	require.Equal(t, drift.Count{Bad: 0, Of: 124}, d.Tested[0].Baseline)
	require.Empty(t, drifted(w, func(p *drifts.Params) { p.Tenant = "another" }).Tested)
}

// The counts are those of the report for the same period: two ways, the same numbers.
func TestDriftCountsAsTheReportDoes(t *testing.T) {
	w := asktest.New(t)
	deploys(w)
	period, err := ask.ParsePeriod("2026-08")
	require.NoError(t, err)
	r, err := report.Make(t.Context(), w.Conn, w.Bundle, report.Params{Tenant: w.Tenant, Period: period, MadeAt: asktest.At("2026-11-01")})
	require.NoError(t, err)
	c := r.Controls[slices.IndexFunc(r.Controls, func(c report.Control) bool { return c.ID == "CH-01" })]
	got := drifted(w).Tested[0].Window
	require.Equal(t, c.Counts.Gross, int64(got.Bad))
	require.Equal(t, c.Counts.Tested, int64(got.Of))
}

func TestSilencesAreChanges(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-07-01", "2026-08-10", time.Hour)
	w.Beats("/pager", "2026-07-01", "2026-08-05", time.Hour)
	w.Beats("/pager", "2026-08-06", "2026-08-31T23:00:00Z", time.Hour)
	var items []asktest.Said
	for i := range 62 {
		when := asktest.At("2026-07-01").Add(time.Duration(i) * 24 * time.Hour)
		it := asktest.Said{Control: "AC-01", Item: strconv.Itoa(i), At: when.String(), Outcome: compliance.Pass}
		if when > asktest.At("2026-08-10") {
			it.Outcome, it.Reason = compliance.Inconclusive, compliance.ReasonSourceSilent
		}
		items = append(items, it)
	}
	w.Say(items...)
	d := drifted(w)
	require.Len(t, d.Findings, 1)
	f := d.Findings[0]
	require.Equal(t, drift.BySilence, f.Cause)
	require.Equal(t, "/idp was silent to 2026-09-01T00:00:00Z", f.Changes[0].What, "it isn't heard again")
	require.Equal(t, "/pager was silent to 2026-08-06T00:00:00Z", f.Changes[1].What)
	require.Equal(t, asktest.At("2026-08-10"), f.Changes[0].At)
	w.Event(compliance.Event{Source: "/idp", ID: "end", Type: control.SourceRetired, Time: asktest.At("2026-08-10T00:00:01Z"), Data: map[string]any{"reason": "moved"}})
	require.Equal(t, "/pager was silent to 2026-08-06T00:00:00Z", drifted(w).Findings[0].Changes[0].What, "one that retired is not silent")
}

// A member of the calendar that came into scope brings its deviations along.
func TestNewMembersAreTheBoundarys(t *testing.T) {
	w := asktest.New(t)
	var items []asktest.Said
	for i := range 40 {
		items = append(items,
			asktest.Said{Control: "AC-04", Item: fmt.Sprintf("s%d@2026-07", i), At: "2026-07-01", Outcome: compliance.Pass},
			asktest.Said{Control: "AC-04", Item: fmt.Sprintf("s%d@2026-08", i), At: "2026-08-01", Outcome: compliance.Pass},
			asktest.Said{Control: "AC-04", Item: fmt.Sprintf("new%d@2026-08", i), At: "2026-08-01", Outcome: compliance.Deviation, Reason: "no_review"})
	}
	w.Say(items...)
	f := drifted(w).Findings[0]
	require.Equal(t, drift.ByBoundary, f.Cause)
	require.Len(t, f.Causes[0].What, 40)
	require.Equal(t, "boundary.systems[helpdesk] begins", f.Changes[0].What)
}
