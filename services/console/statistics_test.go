package console_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/ask/coverage"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/sampling"
)

// The API answers what the commands print: both ask the same questions.
func TestSamplesAndDriftAreThoseOfTheCommands(t *testing.T) {
	w := reading(t)
	r := w.start()
	now := compliance.InstantOf(time.Unix(0, w.clock.Load()))
	q3, err := ask.ParsePeriod("2026-Q3")
	require.NoError(t, err)
	plan, err := sampling.Named("chiaro")
	require.NoError(t, err)
	for query, asOf := range map[string]string{"": "", "?as_of=2026-10-08": "2026-10-08", "?as_of=2026-07-01": "2026-07-01"} {
		at, err := ask.ParseAsOf(asOf)
		require.NoError(t, err)
		s, err := sample.Make(t.Context(), w.conn, w.bundle, sample.Params{
			Tenant: "default", Control: "CH-01", Engagement: "soc2 2026/1", Period: q3, Plan: plan, AsOf: at, Now: now,
		})
		require.NoError(t, err)
		same(t, r.get("/api/v1/periods/2026-Q3/samples/CH-01/soc2%202026%2F1"+query, r.as("auditor")), s.WriteJSON)
	}
	r.get("/api/v1/periods/2026-Q3/samples/CH-01/e?as_of=2027-01-01", r.as("auditor")).problem(t, http.StatusBadRequest)
	r.get("/api/v1/periods/2026-Q3/samples/CH-01/e?plan=none", r.as("auditor")).problem(t, http.StatusNotFound)
	r.get("/api/v1/periods/2026-Q2/samples/CH-01/e", r.as("auditor")).problem(t, http.StatusForbidden)

	july, err := ask.ParsePeriod("2026-07")
	require.NoError(t, err)
	august, err := ask.ParsePeriod("2026-08")
	require.NoError(t, err)
	d, err := drifts.Make(t.Context(), w.conn, w.bundle, drifts.Params{Tenant: "default", Baseline: july, Window: august, FDR: drift.DefaultFDR, Now: now})
	require.NoError(t, err)
	same(t, r.get("/api/v1/periods/2026-08/drift/2026-07", r.as("auditor")), d.WriteJSON)
	r.get("/api/v1/periods/2026-08/drift/2026-06", r.as("auditor")).problem(t, http.StatusForbidden)
	r.get("/api/v1/periods/2026-08/drift/2026-Q3", r.as("auditor")).problem(t, http.StatusBadRequest)
}

// Certificates and coverage over the API are those that the commands print.
func TestCertificatesAndCoverageAreThoseOfTheCommands(t *testing.T) {
	w := reading(t)
	r := w.start()
	now := compliance.InstantOf(time.Unix(0, w.clock.Load()))
	q3, err := ask.ParsePeriod("2026-Q3")
	require.NoError(t, err)
	for query, asOf := range map[string]string{"": "", "?as_of=2026-10-08": "2026-10-08", "?as_of=2026-07-01": "2026-07-01"} {
		at, err := ask.ParseAsOf(asOf)
		require.NoError(t, err)
		c, err := certificate.Make(t.Context(), w.conn, w.bundle, certificate.Params{
			Tenant: "default", Controls: []string{"CH-01"}, Period: q3, AsOf: at, Now: now,
		})
		require.NoError(t, err)
		same(t, r.get("/api/v1/periods/2026-Q3/completeness/CH-01"+query, r.as("auditor")), c.WriteJSON)
	}
	r.get("/api/v1/periods/2026-Q3/completeness/XX-99", r.as("auditor")).problem(t, http.StatusNotFound)
	r.get("/api/v1/periods/2026-Q3/completeness/CH-01?as_of=2027-01-01", r.as("auditor")).problem(t, http.StatusBadRequest)
	r.get("/api/v1/periods/2026-Q2/completeness/CH-01", r.as("auditor")).problem(t, http.StatusForbidden)

	c, err := coverage.Make(t.Context(), w.conn, w.bundle, coverage.Params{Tenant: "default", Period: q3})
	require.NoError(t, err)
	same(t, r.get("/api/v1/coverage?period=2026-Q3", r.as("auditor")), c.WriteJSON)
	r.get("/api/v1/coverage", r.as("engineer")).problem(t, http.StatusBadRequest)
}

func same(t *testing.T, got answer, write func(io.Writer) error) {
	t.Helper()
	require.Equal(t, http.StatusOK, got.status, got.body)
	var want bytes.Buffer
	require.NoError(t, write(&want))
	require.JSONEq(t, want.String(), got.body)
}
