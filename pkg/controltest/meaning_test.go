package controltest_test

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// TestEveryMutantMeansAnother: what TestEveryMutantIsKilled kills has another meaning
// than what it was made of.
func TestEveryMutantMeansAnother(t *testing.T) {
	d, err := dictionary.Default()
	require.NoError(t, err)
	moved := 0
	for _, from := range []struct {
		files fs.FS
		glob  string
	}{{controls.FS, "soc2/*/*.yaml"}, {os.DirFS("testdata/language"), "LG-*.yaml"}} {
		boundary, err := fs.ReadFile(from.files, control.BoundaryFile)
		require.NoError(t, err)
		names, err := fs.Glob(from.files, from.glob)
		require.NoError(t, err)
		meaning := func(text string) string {
			b, err := control.LoadWith(fstest.MapFS{"C.yaml": {Data: []byte(text)}}, boundary, d)
			if err != nil {
				return "refused"
			}
			return b.Controls[0].Meaning
		}
		for _, name := range names {
			if !control.IsControlFile(name) {
				continue
			}
			rules, err := fs.ReadFile(from.files, name)
			require.NoError(t, err)
			for _, m := range mutantsOf(name, string(rules)) {
				moved++
				require.NotEqual(t, meaning(string(rules)), meaning(m.text), m.where)
			}
		}
	}
	require.Greater(t, moved, 300)
}
