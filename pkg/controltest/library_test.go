package controltest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// TestTheLibrary runs what `assay test` runs: every control of the library passes
// its tests, and they reach every outcome and reason that it can give.
func TestTheLibrary(t *testing.T) {
	d, err := dictionary.Default()
	require.NoError(t, err)
	text, err := controls.FS.ReadFile(control.BoundaryFile)
	require.NoError(t, err)
	boundary, err := document.Parse(control.BoundaryFile, text)
	require.NoError(t, err)
	report, err := controltest.Run(t.Context(), controltest.Options{Files: controls.FS, Prefix: "controls", Boundary: boundary, Dictionary: d, Seed: 1})
	require.NoError(t, err)
	for _, c := range report.Cases {
		for _, failure := range c.Failures {
			t.Error(failure)
		}
	}
	require.Len(t, report.Coverage, 12)
	for _, c := range report.Coverage {
		require.Empty(t, c.Missing, "%s: no test expects these", c.File)
	}
	t.Logf("%d cases", len(report.Cases))
}
