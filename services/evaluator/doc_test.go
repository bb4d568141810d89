package evaluator_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each test that the protocol's page names for a guarantee is there.
func TestDesignNamesTestsThatExist(t *testing.T) {
	page, err := os.ReadFile("../../docs/design/dataflow.md")
	require.NoError(t, err)
	named := regexp.MustCompile("`(router|judge|publisher|clock|evaluator)\\.(Test[A-Za-z0-9]+)`").FindAllSubmatch(page, -1)
	require.Greater(t, len(named), 30)
	for _, n := range named {
		folder := filepath.Join("internal", string(n[1]))
		if string(n[1]) == "evaluator" {
			folder = "."
		}
		require.Contains(t, source(t, folder), "func "+string(n[2])+"(", "%s.%s", n[1], n[2])
	}
}

// source is the text of all tests in a folder.
func source(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*_test.go"))
	require.NoError(t, err)
	var all []byte
	for _, f := range files {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		all = append(all, text...)
	}
	return string(all)
}
