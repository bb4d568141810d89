package workspace_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/workspace"
)

// cellsOf are the parts of a workbook, as XML.
func cellsOf(t *testing.T, book []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(book), int64(len(book)))
	require.NoError(t, err)
	var all strings.Builder
	for _, f := range z.File {
		part, err := f.Open()
		require.NoError(t, err)
		_, err = io.Copy(&all, part)
		require.NoError(t, err)
	}
	return all.String()
}

// A testing sheet has a row an item and a column an attribute, says that the words are the
// auditors', and nothing in it is a formula or Assay's verdict.
func TestTestingSheets(t *testing.T) {
	w := newWorld(t).engaged()
	s := w.drawn()
	require.NoError(t, w.eve().Test(t.Context(), soc2, s.ID, s.Items[1].ID, &workspace.TestChange{
		Result: workspace.Exception, Attributes: map[string]workspace.Result{"A": workspace.NoException, "B": workspace.Exception}, Note: hostile,
	}))
	var out bytes.Buffer
	require.NoError(t, w.read().WriteCSV(output.Writer{Out: &out}))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 16)
	cell := func(row int, column string) string {
		for i, name := range rows[0] {
			if name == column {
				return rows[row][i]
			}
		}
		require.Fail(t, "no column "+column)
		return ""
	}
	for column, want := range map[string]string{
		"item": s.Items[1].ID, "attribute_A": "no_exception", "attribute_B": "exception", "result": "exception", "note": "'" + hostile, "tested_by": "eve",
		"population_sha256": s.PopulationSHA256.String(), "engagement": soc2, "tenant": "acme", "version": "1",
	} {
		require.Equal(t, want, cell(2, column), column)
	}
	require.Equal(t, []string{"open", "open", ""}, []string{cell(1, "result"), cell(1, "attribute_A"), cell(1, "tested_by")})
	require.NotContains(t, strings.Join(rows[0], " "), "outcome")

	var book bytes.Buffer
	require.NoError(t, w.read().WriteXLSX(&book))
	cells := cellsOf(t, book.Bytes())
	says := func(text string) bool { return strings.Contains(cells, text) } // a failure shouldn't print it all
	require.True(t, says("is the auditors"))
	require.True(t, says(`name="S-1 CH-01"`))
	require.False(t, regexp.MustCompile(`<f[ >]`).MatchString(cells))
	var again bytes.Buffer
	require.NoError(t, w.read().WriteXLSX(&again))
	require.Equal(t, book.Bytes(), again.Bytes(), "the same workspace is the same bytes")
}
