package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/report"
)

// What happened in a period is within [from, to), each event once, and as it was known.
func TestHappened(t *testing.T) {
	w := asktest.New(t)
	eventful(w)
	h := reported(w, "2026-Q3").Happened
	require.Equal(t, []report.Activation{{
		At: asktest.At("2026-08-15T12:00:00Z"), Activation: 2, Bundle: "b2", Proposal: "p1", ProposedBy: "ann", ApprovedBy: "bob", Why: "=approvals come sooner", Controls: []string{"CH-01"},
	}}, h.Activations)
	require.Equal(t, []report.Release{
		{Type: "deploy.completed", Subject: "api", Environment: "production", Times: 2, Authors: 2, First: asktest.At("2026-07-05T10:00:00Z"), Last: asktest.At("2026-09-30T23:59:59.999999Z")},
		{Type: "prompt.released", Subject: "=support", Environment: "production", Times: 1, Authors: 1, First: asktest.At("2026-07-01"), Last: asktest.At("2026-07-01")},
	}, h.Releases)
	require.Len(t, h.ModelRoutes, 1)
	require.Equal(t, "mistral-eu", h.ModelRoutes[0].Provider)
	require.Equal(t, "assay.events.access", h.ModelRoutes[0].Topic)
	require.Equal(t, []report.Incident{
		{ID: "inc-1", Severity: "sev1", Service: "api", Title: "-down", At: asktest.At("2026-07-31T10:00:00Z"), Acknowledged: asktest.At("2026-07-31T10:07:30Z"), Resolved: asktest.At("2026-10-02T10:00:00Z")},
		{ID: "inc-2", Severity: "sev3", Service: "web", At: asktest.At("2026-09-30T10:00:00Z")},
	}, h.Incidents)

	then := reported(w, "2026-Q3", func(p *report.Params) { p.AsOf = asktest.At("2026-08-15T11:59:59Z") }).Happened
	require.Empty(t, then.Activations, "it wasn't in force then")
	require.Len(t, then.ModelRoutes, 1)
	require.Equal(t, []report.Incident{
		{ID: "inc-1", Severity: "sev1", Service: "api", Title: "-down", At: asktest.At("2026-07-31T10:00:00Z"), Acknowledged: asktest.At("2026-07-31T10:07:30Z")},
	}, then.Incidents)
	require.Empty(t, reported(w, "2026-06").Happened.Incidents)
	require.NotNil(t, reported(w, "2026-06").Happened.Incidents, "a reader of JSON gets a list")
}
