package controltest_test

import (
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/document"
)

// TestEveryMutantMeansAnother: what TestEveryMutantIsKilled kills has another meaning
// than what it was made of.
func TestEveryMutantMeansAnother(t *testing.T) {
	d := dictionaryOf(t)
	moved := 0
	for _, from := range []struct {
		files fs.FS
		glob  string
	}{{controls.FS, "soc2/*/*.yaml"}, {os.DirFS("testdata/language"), "LG-*.yaml"}} {
		parse := func(name string) *document.Document {
			text, err := fs.ReadFile(from.files, name)
			require.NoError(t, err)
			doc, err := document.Parse(name, text)
			require.NoError(t, err)
			return doc
		}
		names, err := fs.Glob(from.files, from.glob)
		require.NoError(t, err)
		boundary := parse(control.BoundaryFile)
		var all []*document.Document
		for _, name := range names {
			if control.IsControlFile(name) {
				all = append(all, parse(name))
			}
		}
		meaning := func(rules *document.Document) string {
			b, err := control.Compile(boundary, append(control.Beside(rules, all), rules), d)
			if err != nil {
				return "refused"
			}
			return controltest.Subject(b, rules).Meaning
		}
		for _, name := range names {
			if !control.IsControlFile(name) {
				continue
			}
			rules := parse(name)
			for where, m := range controltest.MutantsOf(rules) {
				moved++
				require.NotEqual(t, meaning(rules), meaning(m), where)
			}
		}
	}
	require.Greater(t, moved, 300)
}
