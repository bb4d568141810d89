package dictionary_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

var update = flag.Bool("update", false, "rewrite the table in schemas/events/README.md")

const (
	readme     = "../../schemas/events/README.md"
	tableBegin = "<!-- table: begin -->\n"
	tableEnd   = "<!-- table: end -->"
)

func TestReadmeListsTheTypesAsTheyAre(t *testing.T) {
	raw, err := os.ReadFile(readme)
	require.NoError(t, err)
	head, rest, ok := strings.Cut(string(raw), tableBegin)
	require.True(t, ok)
	_, tail, ok := strings.Cut(rest, tableEnd)
	require.True(t, ok)
	want := head + tableBegin + table(load(t)) + tableEnd + tail
	if *update {
		require.NoError(t, os.WriteFile(readme, []byte(want), 0o600))
		return
	}
	require.Equal(t, want, string(raw), "run go test ./pkg/dictionary -run TestReadme -update")
}

func table(d *dictionary.Dictionary) string {
	var b strings.Builder
	for _, family := range compliance.Families() {
		fmt.Fprintf(&b, "\n## %s\n\n| type | says | key | fields |\n| --- | --- | --- | --- |\n", family)
		for _, name := range d.Names() {
			typ, _ := d.Type(name)
			if typ.Family != family {
				continue
			}
			fields := make([]string, 0, len(typ.Fields))
			for _, f := range typ.FieldNames() {
				fields = append(fields, describe(f, typ.Fields[f]))
			}
			fmt.Fprintf(&b, "| [%s](%s.json) | %s | %s | %s |\n", name, name, typ.Title, typ.KeyField, strings.Join(fields, ", "))
		}
	}
	return b.String() + "\n"
}

func describe(name string, f *dictionary.Field) string {
	if f.Required {
		name += "!"
	}
	switch {
	case len(f.Enum) > 0:
		return name + ": " + strings.Join(f.Enum, "/")
	case f.Kind == dictionary.List:
		return name + ": [" + f.Elem.Kind.String() + "]"
	case f.Unit != "":
		return name + ": " + f.Kind.String() + ", " + f.Unit
	default:
		return name + ": " + f.Kind.String()
	}
}
