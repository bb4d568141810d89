package explain_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// A waived verdict is made again, and every waiver that has the item in its scope says
// whether it covers it, and why not.
func TestExplainWaivers(t *testing.T) {
	w := asktest.New(t)
	events := w.Event(
		asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"),
		asktest.Deployment("d2", "C-2", "2026-07-20T12:00:00Z"),
		asktest.Waiver("own", "2026-01-01", map[string]any{"approver": "ann"}),
		asktest.Waiver("short", "2026-06-01", map[string]any{"until": "2026-07-01T00:00:00Z"}),
		asktest.Waiver("wv-1", "2026-06-02", nil),
		asktest.Waiver("wv-2", "2026-06-03", nil),
		asktest.Waiver("elsewhere", "2026-06-03", map[string]any{"scope": map[string]any{"items": []any{"d9"}}}),
		asktest.Waiver("other", "2026-06-03", map[string]any{"control": "AC-01"}),
		asktest.Waiver("after", "2026-07-10T12:00:01Z", map[string]any{"scope": map[string]any{"items": []any{"d1"}}}),
		asktest.Waiver("made-up", "2026-06-04", map[string]any{"compensating": map[string]any{"control": "AC-04"}}),
		compliance.Event{Source: "/grc", ID: "back-1", Type: "waiver.revoked", Time: asktest.At("2026-07-15"), Data: map[string]any{"waiver_id": "wv-1", "control": "CH-01"}},
		compliance.Event{Source: "/grc", ID: "back-2", Type: "waiver.revoked", Time: asktest.At("2026-07-15"), Data: map[string]any{"waiver_id": "wv-2", "control": "CH-01"}},
	)
	w.Judge("CH-01", asktest.At("2026-07-21"), events)

	e := explained(w, "CH-01", "d1", 0)
	require.Equal(t, compliance.Waived, e.Verdict.Outcome)
	require.Equal(t, "no_approval", e.Verdict.Reason)
	require.True(t, e.Again.Equal, e.Again.Differences)
	require.Equal(t, []string{"item", "waiver"}, []string{e.Evidence[0].Expectation, e.Evidence[1].Expectation})
	require.True(t, e.Evidence[1].OnRecord && e.Evidence[1].Intact)
	states := map[string]string{}
	for _, x := range e.Again.Waivers {
		require.Equal(t, x.Why == "", x.Covers)
		states[x.ID] = x.Why
	}
	require.Equal(t, map[string]string{
		"own": "approved by who asked for it", "short": "ended before the item", "wv-1": "", "wv-2": "another one covers it already",
		"after": "approved after the item", "made-up": "it hangs on a compensating control that isn't known to have operated",
	}, states)
	var text bytes.Buffer
	require.NoError(t, e.WriteTable(output.Writer{Out: &text}))
	require.Contains(t, text.String(), "waived by wv-1, approved by bob at 2026-06-02T00:00:00Z until 2026-08-01T00:00:00Z: The old system reviews it.\n")
	require.Contains(t, text.String(), "covers it")

	stands := explained(w, "CH-01", "d2", 0)
	require.True(t, stands.Again.Equal, stands.Again.Differences)
	require.Equal(t, compliance.Deviation, stands.Verdict.Outcome)
	require.Equal(t, []string{"item", "waiver.self_approved", "waiver.compensating"}, []string{
		stands.Evidence[0].Expectation, stands.Evidence[1].Expectation, stands.Evidence[2].Expectation,
	})
	require.Equal(t, "taken back before the item", stands.Again.Waivers[2].Why)
	require.Equal(t, asktest.At("2026-07-15"), stands.Again.Waivers[2].Revoked)
}
