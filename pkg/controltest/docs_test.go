package controltest_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// TestTheDocumentedExamples: the page's controls load, its test passes, its faults
// are those that it lists, and it names every key that the language has.
func TestTheDocumentedExamples(t *testing.T) {
	text, err := os.ReadFile("../../docs/formats/controls.md")
	require.NoError(t, err)
	d, err := dictionary.Default()
	require.NoError(t, err)
	boundary, err := controls.FS.ReadFile(control.BoundaryFile)
	require.NoError(t, err)
	id := regexp.MustCompile(`(?m)^id: (EX-\d\d)$`)
	files, faulty := fstest.MapFS{}, fstest.MapFS{}
	listed := ""
	for _, m := range regexp.MustCompile("(?s)```(yaml|yaml faulty|yaml test|yaml boundary|text)\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		file := &fstest.MapFile{Data: []byte(m[2])}
		switch m[1] {
		case "yaml":
			files[id.FindStringSubmatch(m[2])[1]+".yaml"] = file
		case "yaml boundary":
			boundary = append(boundary, m[2]...)
		case "yaml faulty":
			faulty[id.FindStringSubmatch(m[2])[1]+".yaml"] = file
		case "yaml test":
			files["EX-01_test.yaml"] = file
		case "text":
			listed = strings.TrimSpace(m[2])
		}
	}
	require.Len(t, files, 18)
	_, err = control.LoadWith(files, boundary, d)
	require.NoError(t, err)
	_, err = control.LoadWith(faulty, boundary, d)
	require.EqualError(t, err, listed)

	doc, err := document.Parse(control.BoundaryFile, boundary)
	require.NoError(t, err)
	report, err := controltest.Run(t.Context(), controltest.Options{Files: files, Boundary: doc, Dictionary: d})
	require.NoError(t, err)
	require.Len(t, report.Cases, 1)
	require.Zero(t, report.Failed(), "%v", report.Cases)

	_, err = control.LoadWith(fstest.MapFS{"C.yaml": {Data: []byte("x: 1\nexpect: {a: {x: 1}}\npopulation: {x: 1}\n")}}, boundary, d)
	for _, m := range regexp.MustCompile(`it has ([a-z_, ]+)`).FindAllStringSubmatch(err.Error(), -1) {
		for key := range strings.SplitSeq(m[1], ", ") {
			require.Contains(t, string(text), "`"+key+"`", "the page says nothing of %s", key)
		}
	}
}
