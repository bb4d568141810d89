package control_test

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// FuzzLoad: whatever stands in a control file, it is loaded or refused with
// places in that file, and what is loaded can route and explain.
func FuzzLoad(f *testing.F) {
	err := fs.WalkDir(controls.FS, ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, ".yaml") {
			text, err := controls.FS.ReadFile(name)
			f.Add(text)
			return err
		}
		return err
	})
	require.NoError(f, err)
	for _, r := range refusals {
		f.Add([]byte(strings.Replace(strings.Replace(r.base, r.old, r.planted, 1), "‸", "", 1)))
	}
	f.Add([]byte("? [a]: b\n: c\n"))
	d, err := dictionary.Default()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := control.LoadWith(fstest.MapFS{"C.yaml": {Data: text}}, []byte(declared), d)
		if err != nil {
			var problems document.Problems
			require.ErrorAs(t, err, &problems)
			for _, p := range problems {
				require.Equal(t, "C.yaml", p.File)
				require.Positive(t, p.Line, p.Text)
				require.Positive(t, p.Column, p.Text)
				require.NotEmpty(t, p.Text)
			}
			return
		}
		for _, c := range b.Controls {
			require.NotEmpty(t, c.Explain(c.CorrectUntil).Key)
			require.NotEmpty(t, c.Hash)
		}
		for _, name := range d.Names() {
			b.Route(&compliance.Event{Source: "/s", ID: "e", Type: name, Data: map[string]any{"change_id": "c"}})
		}
	})
}

// FuzzBoundary is the same for the boundary file.
func FuzzBoundary(f *testing.F) {
	for _, text := range []string{declared, asOf, boundary} {
		f.Add([]byte(text))
	}
	d, err := dictionary.Default()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, text []byte) {
		_, err := control.LoadWith(fstest.MapFS{}, text, d)
		if err != nil {
			require.ErrorAs(t, err, new(document.Problems))
		}
	})
}
