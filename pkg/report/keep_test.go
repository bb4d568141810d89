package report_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/report"
)

// keep writes a report to the folder ASSAY_TEST_KEEP, for people to look at.
func keep(t *testing.T, r *report.Report) {
	t.Helper()
	folder := os.Getenv("ASSAY_TEST_KEEP")
	if folder == "" {
		return
	}
	page, err := os.Create(filepath.Join(folder, "report.html"))
	require.NoError(t, err)
	require.NoError(t, r.WriteHTML(page))
	require.NoError(t, page.Close())
	book, err := os.Create(filepath.Join(folder, "report.xlsx"))
	require.NoError(t, err)
	require.NoError(t, r.WriteXLSX(book))
	require.NoError(t, book.Close())
}
