package controltest_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// TestTheHardControls runs the controls in docs/examples/hard: each passes its tests,
// and they reach every outcome and reason that it can give.
func TestTheHardControls(t *testing.T) {
	const folder = "../../docs/examples/hard"
	d, err := dictionary.Default()
	require.NoError(t, err)
	text, err := os.ReadFile(folder + "/" + control.BoundaryFile)
	require.NoError(t, err)
	boundary, err := document.Parse(control.BoundaryFile, text)
	require.NoError(t, err)
	report, err := controltest.Run(t.Context(), controltest.Options{
		Files: os.DirFS(folder), Prefix: "docs/examples/hard", Boundary: boundary, Dictionary: d, Seed: 1,
	})
	require.NoError(t, err)
	for _, c := range report.Cases {
		for _, failure := range c.Failures {
			t.Error(failure)
		}
	}
	for _, c := range report.Coverage {
		require.Empty(t, c.Missing, "%s: no test expects these", c.File)
	}
	t.Logf("%d controls, %d cases", len(report.Coverage), len(report.Cases))
}
