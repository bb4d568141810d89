package output_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/output"
)

type row struct {
	Name string `json:"name"`
	Note string `json:"note"`
}

var columns = []output.Column[row]{
	{"NAME", func(r row) string { return r.Name }},
	{"NOTE", func(r row) string { return r.Note }},
}

func write(t *testing.T, w output.Writer, rows []row) string {
	t.Helper()
	var b bytes.Buffer
	w.Out = &b
	require.NoError(t, output.Write(w, rows, columns))
	return b.String()
}

func TestFormats(t *testing.T) {
	rows := []row{{"a", "x < y"}, {"größer", ""}, {"c", "z"}}
	require.Equal(t, "NAME    NOTE\na       x < y\ngrößer\nc       z\n", write(t, output.Writer{Format: output.Table}, rows))
	require.Equal(t, "\x1b[1mNAME  NOTE\x1b[0m\n", write(t, output.Writer{Format: output.Table, Colour: true}, nil))
	lines := strings.Split(write(t, output.Writer{Format: output.JSONL}, rows), "\n")
	require.Equal(t, []string{`{"name":"a","note":"x < y"}`, `{"name":"größer","note":""}`, `{"name":"c","note":"z"}`, ""}, lines)
	require.JSONEq(t, `[{"name":"a","note":"x < y"},{"name":"größer","note":""},{"name":"c","note":"z"}]`, write(t, output.Writer{Format: output.JSON}, rows))
	require.Equal(t, "[]\n", write(t, output.Writer{Format: output.JSON}, nil))
	require.Empty(t, write(t, output.Writer{Format: output.JSONL}, nil))
	require.Equal(t, "NAME,NOTE\na,x < y\ngrößer,\nc,z\n", write(t, output.Writer{Format: output.CSV}, rows))
}

func TestTableDrivesNoTerminal(t *testing.T) {
	got := write(t, output.Writer{Format: output.Table}, []row{{"\x1b[2J\a", "a\nb\t\"c\""}, {"\u202ertl", "\xff"}})
	require.Equal(t, "NAME       NOTE\n\\x1b[2J\\a  a\\nb\\t\"c\"\n\\u202ertl  \\xff\n", got)
}

func TestCSVHoldsNoFormula(t *testing.T) {
	got := write(t, output.Writer{Format: output.CSV}, []row{{"=1+1", "+x"}, {"-5", "-x"}, {"@a", "\t=1"}, {"+1.5e3", "a=1"}})
	require.Equal(t, "NAME,NOTE\n'=1+1,'+x\n-5,'-x\n'@a,'\t=1\n+1.5e3,a=1\n", got)
}

func TestCSVCellsProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in := row{rapid.String().Draw(rt, "name"), rapid.String().Draw(rt, "note")}
		lines, err := csv.NewReader(strings.NewReader(write(t, output.Writer{Format: output.CSV}, []row{in}))).ReadAll()
		require.NoError(rt, err)
		for i, original := range []string{in.Name, in.Note} {
			cell := lines[1][i]
			original = strings.ReplaceAll(original, "\r\n", "\n") // encoding/csv reads it so
			require.Contains(rt, []string{original, "'" + original}, cell)
			require.False(rt, strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "@"), cell)
		}
	})
}

func TestFormatIsAFlag(t *testing.T) {
	f := output.Table
	require.NoError(t, f.Set("csv"))
	require.Equal(t, "csv", f.String())
	require.ErrorContains(t, f.Set("xml"), `"xml" is no format; choose table, json, jsonl or csv`)
	require.Equal(t, output.CSV, f)
	require.Error(t, output.Write(output.Writer{Format: "xml", Out: os.Stderr}, []row{}, columns))
}

func TestColourNeedsATerminal(t *testing.T) {
	require.False(t, output.Colour(&bytes.Buffer{}, nil))
	file, err := os.Create(t.TempDir() + "/out")
	require.NoError(t, err)
	defer file.Close()
	require.False(t, output.Colour(file, nil))
}
