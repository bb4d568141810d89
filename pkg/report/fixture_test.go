package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/report"
)

func (w *world) report(period string, changes ...func(*report.Params)) *report.Report {
	w.Helper()
	p, err := report.ParsePeriod(period)
	require.NoError(w, err)
	params := report.Params{Tenant: w.tenant, Period: p, MadeAt: at("2026-11-01"), Program: "test", Arguments: []string{"--controls", "my controls"}}
	for _, change := range changes {
		change(&params)
	}
	r, err := report.Make(w.Context(), w.conn, w.bundle, params)
	require.NoError(w, err)
	return r
}

func find(t testing.TB, r *report.Report, id string) report.Control {
	t.Helper()
	for _, c := range r.Controls {
		if c.ID == id {
			return c
		}
	}
	require.Fail(t, "the report has no control "+id)
	return report.Control{}
}

// explained is a verdict made again.
func explained(w *world, control, item string) *report.Explained {
	w.Helper()
	types, err := dictionary.Default()
	require.NoError(w, err)
	e, err := report.Explain(w.Context(), w.conn, w.bundle, types, report.Subject{Tenant: w.tenant, Control: control, Item: item})
	require.NoError(w, err)
	return e
}
