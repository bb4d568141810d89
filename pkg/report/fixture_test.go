package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/report"
)

func reported(w *asktest.World, period string, changes ...func(*report.Params)) *report.Report {
	w.Helper()
	p, err := ask.ParsePeriod(period)
	require.NoError(w, err)
	params := report.Params{Tenant: w.Tenant, Period: p, MadeAt: asktest.At("2026-11-01"), Program: "test", Arguments: []string{"--controls", "my controls"}}
	for _, change := range changes {
		change(&params)
	}
	r, err := report.Make(w.Context(), w.Conn, w.Bundle, params)
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
func explained(w *asktest.World, control, item string) *explain.Explained {
	w.Helper()
	types, err := dictionary.Default()
	require.NoError(w, err)
	e, err := explain.Make(w.Context(), w.Conn, w.Bundle, types, explain.Subject{Tenant: w.Tenant, Control: control, Item: item})
	require.NoError(w, err)
	return e
}
