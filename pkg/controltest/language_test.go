package controltest_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/document"
)

// TestTheLanguage runs the controls in testdata/language, one for each construct
// that the library doesn't use: pass, deviation, and what comes late.
func TestTheLanguage(t *testing.T) { passWhole(t, "testdata/language") }

// TestTheHardControls runs the controls in docs/examples/hard: each passes its tests,
// and they reach every outcome and reason that it can give.
func TestTheHardControls(t *testing.T) { passWhole(t, "../../docs/examples/hard") }

// TestTheCookbookInManyOrders runs the recipes as assay test does.
func TestTheCookbookInManyOrders(t *testing.T) { passWhole(t, cookbook) }

// passWhole runs the tests of a folder of controls that has its own boundary, and
// demands that they expect all that its controls can say.
func passWhole(t *testing.T, folder string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, control.BoundaryFile))
	require.NoError(t, err)
	boundary, err := document.Parse(control.BoundaryFile, text)
	require.NoError(t, err)
	report, err := controltest.Run(t.Context(), controltest.Options{
		Files: os.DirFS(folder), Prefix: folder, Boundary: boundary, Dictionary: dictionaryOf(t), Seed: 1,
	})
	require.NoError(t, err)
	requireWhole(t, report)
}

func requireWhole(t *testing.T, report *controltest.Report) {
	t.Helper()
	for _, c := range report.Cases {
		for _, failure := range c.Failures {
			t.Error(failure)
		}
	}
	require.NotEmpty(t, report.Coverage)
	for _, c := range report.Coverage {
		require.Empty(t, c.Missing, "%s: no test expects these", c.File)
	}
	t.Logf("%d controls, %d cases", len(report.Coverage), len(report.Cases))
}
