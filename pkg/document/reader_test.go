package document_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/document"
)

const everyKind = "map: &m {id: a, owner: b}\nlist: &l [x, y]\ntext: 1.50\nagain: *m\nlists: *l\nsaid: &s z\nsays: *s\nparts: [*s, y]\n"

func TestReader(t *testing.T) {
	doc := parse(t, everyKind)
	r := doc.Reader()
	f := r.Mapping(doc.Root, "it", "map", "list", "text", "again", "lists", "said", "says", "parts")
	for _, n := range []*yaml.Node{f["map"], f["again"]} {
		var pairs []string
		r.Each(n, "a pair", func(key, value *yaml.Node) { pairs = append(pairs, key.Value+"="+value.Value) })
		require.Equal(t, []string{"id=a", "owner=b"}, pairs)
	}
	require.Len(t, r.List(f["list"], "list"), 2)
	require.Len(t, r.List(f["lists"], "lists"), 2)
	require.Equal(t, "1.50", r.Text(f["text"], "text"))
	require.Equal(t, []string{"1.50"}, r.Texts(f["text"], "text"))
	require.Equal(t, []string{"x", "y"}, r.Texts(f["list"], "list"))
	require.Equal(t, "z", r.Text(f["says"], "says"))
	require.Equal(t, []string{"z", "y"}, r.Texts(f["parts"], "parts"))
	require.Equal(t, "z", r.List(f["parts"], "parts")[0].Value)
	require.NoError(t, r.Problems.OrNil())
}

// TestAbsent: what a file doesn't say is empty, and no problem.
func TestAbsent(t *testing.T) {
	r := parse(t, everyKind).Reader()
	require.Empty(t, r.Mapping(nil, "it", "id"))
	r.Each(nil, "it", func(_, _ *yaml.Node) { t.Error("there is no pair") })
	require.Empty(t, r.List(nil, "it"))
	require.Empty(t, r.Text(nil, "it"))
	require.Empty(t, r.Texts(nil, "it"))
	require.NoError(t, r.Problems.OrNil())
}

// TestProblems: one file, all its faults, in the order of their places.
func TestProblems(t *testing.T) {
	doc := parse(t, "map: [a]\nlist: {a: b}\ntext:\n  - c\ntexts: [d, [e]]\nown: x\nmore: {}\nmap: z\nmany: {a: b}\n")
	r := doc.Reader()
	f := r.Mapping(doc.Root, "a file", "map", "list", "text", "texts", "owner", "many")
	require.Len(t, f, 5)
	require.Empty(t, r.Mapping(f["map"], "map"))
	require.Empty(t, r.List(f["list"], "list"))
	require.Empty(t, r.Text(f["text"], "text"))
	require.Equal(t, []string{"d", ""}, r.Texts(f["texts"], "texts"))
	require.Empty(t, r.Texts(f["many"], "many"))
	r.At(6, 1, "%d more", 2)
	r.At(6, 1, "%d more", 2) // as of a text that an alias has twice
	err := r.Problems.OrNil()
	require.Equal(t, strings.Join([]string{
		`f.yaml:1:6: map must be a mapping`,
		`f.yaml:2:7: list must be a list`,
		`f.yaml:4:3: text must be text`,
		`f.yaml:5:12: texts must be text`,
		`f.yaml:6:1: a file has no key "own" (did you mean "owner"?); it has map, list, text, texts, owner, many`,
		`f.yaml:6:1: 2 more`,
		`f.yaml:7:1: a file has no key "more"; it has map, list, text, texts, owner, many`,
		`f.yaml:8:1: a file has the key "map" twice`,
		`f.yaml:9:7: many must be text or a list of texts`,
	}, "\n"), err.Error())
	require.Len(t, document.ProblemsOf(fmt.Errorf("reading it: %w", err)), 9)
	require.Empty(t, document.ProblemsOf(errors.New("another")))
	require.Empty(t, document.ProblemsOf(nil))
}

func TestDidYouMean(t *testing.T) {
	known := []string{"owner", "item", "id"}
	require.Equal(t, ` (did you mean "owner"?)`, document.DidYouMean("ownr", known))
	require.Equal(t, ` (did you mean "owner"?)`, document.DidYouMean("onwer", known), "two edits")
	require.Empty(t, document.DidYouMean("population", known), "more than two edits")
}

// TestPlace: an X stands in a text; where it is in the value must lead back to
// where it is in the file, in every style that YAML has.
func TestPlace(t *testing.T) {
	for name, text := range map[string]string{
		"plain":         "a: item.X == 1\n",
		"flow":          "a: {b: [1, item.X]}\n",
		"double quoted": "a: \"\\\"q\\\" \\t item.X\"\n",
		"single quoted": "a: 'it''s item.X'\n",
		"literal":       "a: |\n    one &&\n      item.X\n",
		"folded":        "a: >-\n  one\n  two\n\n  item.X\n",
		"plain, folded": "a: one\n    two\n    item.X\n",
		"beyond ASCII":  "a: größer item.X\n",
		"windows":       "a: >-\r\n  one\r\n  item.X\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			doc := parse(t, text)
			n := last(doc.Root)
			valueLine, valueColumn := find(n.Value)
			line, column := doc.Reader().Place(n, valueLine, valueColumn-1)
			wantLine, wantColumn := find(text)
			require.Equal(t, []int{wantLine, wantColumn}, []int{line, column})
		})
	}
	escaped := parse(t, "a: \"\\u00e9 item.X\"\n")
	line, column := escaped.Reader().Place(last(escaped.Root), 1, 7)
	require.Equal(t, []int{1, 4}, []int{line, column}, "where the text begins")
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: 7, Column: 9, Value: "x"}
	line, column = parse(t, "a: b\n").Reader().Place(n, 1, 0)
	require.Equal(t, []int{7, 9}, []int{line, column}, "a node of another file keeps its own place")
}

// last is the last scalar of a node.
func last(n *yaml.Node) *yaml.Node {
	for len(n.Content) > 0 {
		n = n.Content[len(n.Content)-1]
	}
	return n
}

// find is the line and column of the X, from 1.
func find(text string) (line, column int) {
	before, _, _ := strings.Cut(text, "X")
	return 1 + strings.Count(before, "\n"), 1 + len([]rune(before[strings.LastIndex(before, "\n")+1:]))
}
