package report_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
)

// The report lists the waivers that were in force, with how many items each covers.
func TestWaiversInForce(t *testing.T) {
	w := asktest.New(t)
	events := w.Event(
		asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"),
		asktest.Deployment("d2", "C-2", "2026-07-11T12:00:00Z"),
		asktest.Deployment("d3", "C-3", "2026-07-20T12:00:00Z"),
		asktest.Waiver("wv-1", "2026-06-02", nil),
		asktest.Waiver("own", "2026-06-03", map[string]any{"approver": "ann"}),
		asktest.Waiver("over", "2026-01-01", map[string]any{"until": "2026-07-01T00:00:00Z"}),
		asktest.Waiver("next", "2026-08-01", map[string]any{"until": "2026-09-01T00:00:00Z"}),
		asktest.Waiver("other", "2026-06-03", map[string]any{"control": "AC-01"}),
		compliance.Event{Source: "/grc", ID: "back", Type: "waiver.revoked", Time: asktest.At("2026-07-15"), Data: map[string]any{"waiver_id": "wv-1", "control": "CH-01"}},
	)
	w.Judge("CH-01", asktest.At("2026-07-21"), events)
	r := reported(w, "2026-07")
	c := find(t, r, "CH-01")
	require.Equal(t, []report.Accepted{
		{Grant: explain.Grant{ID: "wv-1", Requester: "ann", Approver: "bob", Reason: "The old system reviews it.", Approved: asktest.At("2026-06-02"), Until: asktest.At("2026-08-01"), Revoked: asktest.At("2026-07-15")}, Items: 2},
		{Grant: explain.Grant{ID: "own", Requester: "ann", Approver: "ann", Reason: "The old system reviews it.", Approved: asktest.At("2026-06-03"), Until: asktest.At("2026-08-01")}, Why: "approved by who asked for it"},
	}, c.Waivers)
	require.Equal(t, int64(3), c.Counts.Gross)
	require.Equal(t, int64(1), c.Counts.Deviation)
	require.Len(t, find(t, r, "AC-01").Waivers, 1)
	var text bytes.Buffer
	require.NoError(t, r.WriteTable(output.Writer{Out: &text}))
	require.Contains(t, text.String(), "\nWaivers in force\n")
	text.Reset()
	require.NoError(t, r.WriteHTML(&text))
	require.Contains(t, text.String(), `<td class="t"><time datetime="2026-07-15T00:00:00Z">2026-07-15 00:00:00</time></td>`, "when it was taken back")
}
