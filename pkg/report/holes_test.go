package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// counting is the world's bundle with a boundary in which /vcs and /cd number what they send.
func counting(t *testing.T) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.LoadWith(asktest.Library(), []byte(`
effective_from: 2026-06-01T00:00:00Z
boundary: {systems: [console]}
sources:
  /vcs: {types: [change.*], max_gap: 1000h, sequence: true}
  /cd: {types: [deploy.*], max_gap: 1000h, sequence: true}
`), types)
	require.NoError(t, err)
	return b
}

// TestHoles: where numbers are missing, the population isn't proven, an item is
// inconclusive, and both are told and made again.
func TestHoles(t *testing.T) {
	w := asktest.New(t)
	w.Bundle = counting(t)
	beat := func(source, id, when string, number uint64) compliance.Event {
		return compliance.Event{Source: source, ID: id, Type: control.Heartbeat, Time: asktest.At(when), Sequence: number, Data: map[string]any{}}
	}
	numbered := func(ev compliance.Event, number uint64) compliance.Event {
		ev.Sequence = number
		return ev
	}
	events := w.Event(
		beat("/vcs", "v1", "2026-06-30", 7), beat("/vcs", "v2", "2026-07-10T11:30:00Z", 10),
		beat("/vcs", "v3", "2026-07-10T12:30:00Z", 12), beat("/vcs", "v4", "2026-08-02", 12),
		numbered(asktest.Approval("a", "C-9", "bob", "2026-07-10T11:00:00Z"), 8), // 9 is missing
		numbered(asktest.Approval("b", "C-2", "bob", "2026-07-10T12:00:00Z"), 11),
		beat("/cd", "c1", "2026-06-30", 1), beat("/cd", "c2", "2026-07-20", 4), beat("/cd", "c3", "2026-07-25", 2), beat("/cd", "c4", "2026-08-02", 5),
		numbered(asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"), 2), numbered(asktest.Deployment("d2", "C-2", "2026-07-10T12:00:00Z"), 3),
	)
	lives, _, err := sources.Lives(t.Context(), w.Asker(), w.Bundle.Sources, ask.Period{From: asktest.At("2026-07-01"), To: asktest.At("2026-08-01")})
	require.NoError(t, err)
	require.Equal(t, []sources.Hole{{Gap: sources.Gap{From: asktest.At("2026-06-30"), To: asktest.At("2026-07-10T11:30:00Z")}, Missing: 1}}, lives["/vcs"].Holes)
	require.Equal(t, []sources.Hole{{Gap: sources.Gap{From: asktest.At("2026-07-20"), To: asktest.At("2026-08-01")}}}, lives["/cd"].Holes)
	coverage := find(t, reported(w, "2026-07"), "CH-01").Coverage
	require.False(t, coverage.Covered)
	require.Equal(t, []string{"numbers of events of /cd are missing once, first between 2026-07-20T00:00:00Z and 2026-08-01T00:00:00Z"}, coverage.Why)

	w.Judge("CH-01", asktest.At("2026-09-30"), events)
	e := explained(w, "CH-01", "d1")
	require.Equal(t, compliance.Inconclusive, e.Verdict.Outcome)
	require.Equal(t, compliance.ReasonSourceSilent, e.Verdict.Reason)
	require.True(t, e.Again.Equal, e.Again.Differences)
	require.Equal(t, "unknown", e.Again.Parts[0].Expectations[0].State)
	require.Equal(t, compliance.Pass, explained(w, "CH-01", "d2").Verdict.Outcome)
}
