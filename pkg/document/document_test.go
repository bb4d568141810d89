package document_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/document"
)

// refused are files that Parse refuses, with their first problem.
var refused = map[string]string{
	"":                               "f.yaml:1:1: the file is empty",
	"# nothing\n":                    "f.yaml:1:1: the file is empty",
	"id: a\n---\nid: b\n":            "f.yaml:2:1: a second document begins here; a file holds one",
	"a: b\n---\n\tc: d\n":            "f.yaml:3:1: this is no YAML: found character that cannot start any token",
	"a: b\n\tc: d\n":                 "f.yaml:2:1: this is no YAML: found a tab character that violates indentation",
	"a: {x: y\n":                     "f.yaml:1:1: this is no YAML: did not find expected ',' or '}'",
	"a: &a [*a]\n":                   "f.yaml:1:8: the alias *a stands inside of what it means",
	"a: &a {b: &b {c: *a, d: *b}}\n": "f.yaml:1:18: the alias *a stands inside of what it means",
	"a: \xff\n":                      "f.yaml:1:1: this is no YAML: invalid leading UTF-8 octet",
	"a: *b\n":                        "f.yaml:1:1: this is no YAML: unknown anchor 'b' referenced",
	laughs():                         "f.yaml:1:1: the file has more than 100000 parts once its aliases are expanded",
}

func TestParse(t *testing.T) {
	for text, want := range refused {
		_, err := document.Parse("f.yaml", []byte(text))
		require.Error(t, err, text)
		require.Equal(t, want, strings.Split(err.Error(), "\n")[0], text)
	}
	doc := parse(t, "a: &a [1]\nb: [*a, *a]\n")
	require.Equal(t, "f.yaml", doc.File)
	require.Equal(t, "f.yaml", doc.Reader().File())
}

// TestAliases: an alias is what it stands for, at the place of that, and each of them by
// itself.
func TestAliases(t *testing.T) {
	root := parse(t, "a: &a [1, &b x]\nb: [*a, *b]\n").Root
	a, b := root.Content[1], root.Content[3]
	require.Equal(t, "x", b.Content[0].Content[1].Value)
	require.Equal(t, "x", b.Content[1].Value)
	require.Equal(t, [2]int{a.Content[1].Line, a.Content[1].Column}, [2]int{b.Content[1].Line, b.Content[1].Column})
	b.Content[0].Content[0].Value = "2"
	require.Equal(t, "1", a.Content[0].Value)
}

// laughs is a file of nine lines that means ten to the ninth parts.
func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for n := 1; n < 9; n++ {
		list := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", n-1), 10), ", ")
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", n, n, list)
	}
	return b.String()
}

func parse(t testing.TB, text string) *document.Document {
	t.Helper()
	doc, err := document.Parse("f.yaml", []byte(text))
	require.NoError(t, err)
	return doc
}

// FuzzParse: whatever stands in a file, it is refused with a place, or every node
// can be read as anything without end or panic.
func FuzzParse(f *testing.F) {
	for text := range refused {
		f.Add([]byte(text))
	}
	f.Add([]byte(everyKind))
	f.Add([]byte("? [a]: b\n: c\n"))
	f.Add([]byte("a: &a [*b]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := document.Parse("f.yaml", text)
		if err != nil {
			require.NotEmpty(t, document.ProblemsOf(err))
			for _, p := range document.ProblemsOf(err) {
				require.True(t, p.File == "f.yaml" && p.Line > 0 && p.Column > 0 && p.Text != "", "%#v", p)
			}
			return
		}
		r, nodes := doc.Reader(), 0
		readAll(r, doc.Root, &nodes)
		for _, p := range r.Problems {
			require.True(t, p.Line > 0 && p.Column > 0, "%#v", p)
		}
	})
}

// readAll reads n and what is in it as everything.
func readAll(r *document.Reader, n *yaml.Node, nodes *int) {
	if *nodes++; *nodes > 1000 {
		return
	}
	r.Mapping(n, "it", "id")
	r.Text(n, "it")
	r.Texts(n, "it")
	r.Place(n, 1, 3)
	r.Each(n, "it", func(_, v *yaml.Node) { readAll(r, v, nodes) })
	for _, c := range r.List(n, "it") {
		readAll(r, c, nodes)
	}
}
