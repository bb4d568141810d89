package source_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/schemas"
)

func library(tb testing.TB) (*source.Library, fs.FS) {
	tb.Helper()
	types, err := dictionary.Default()
	require.NoError(tb, err)
	l, err := source.Default(types)
	require.NoError(tb, err)
	sub, err := fs.Sub(schemas.FS, "sources")
	require.NoError(tb, err)
	return l, sub
}

// Every case of every vendor holds, and every mapping has one.
func TestCases(t *testing.T) {
	l, files := library(t)
	for _, name := range l.Names() {
		t.Run(name, func(t *testing.T) {
			tested, err := l.Test(files, name)
			require.NoError(t, err)
			require.NotEmpty(t, tested.Cases)
			for _, c := range tested.Cases {
				require.Empty(t, c.Diff, "%s:%d: %s", c.File, c.Line, c.Name)
			}
			require.Empty(t, tested.Unshown, "no case shows these mappings")
		})
	}
}
