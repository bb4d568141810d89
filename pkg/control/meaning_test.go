package control_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/parser"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// meanings are the semantic hashes of the library within its boundary. One that moves
// says that a verdict may: items would belong to another version of their control.
var meanings = map[string]string{
	"AC-01":  "799e3aff4f45dddda48c8a4ddb39c1a1",
	"AC-02":  "41f3a438cd90880a899ac820d4213dcf",
	"AC-03":  "628b57e6e29a1d962abcf5b939290d91",
	"AC-04":  "811f47e4e294d0af370e6426134a6112",
	"CH-01":  "6eb1bf1e3c3c63e578964acabdfc6971",
	"CH-05a": "2fbf59c9858087838376e97c15a3820e",
	"CH-05b": "ed292d97c644c67fb6a4500f6d3c772d",
	"IN-01":  "b552a865c6d3eb635adfe4005c7aea39",
	"MC-01":  "f5eb8a74a5bba6feb660b3e3152fe747",
	"MC-05":  "7746a733b101e1f960c201fcf105114d",
	"MC-06":  "df7e8090e4fd1cca4f10105a0e66e949",
	"MC-11":  "958a7cdf6b8082b4b4256032f5d13f4a",
}

func TestMeaningsStay(t *testing.T) {
	b := library(t)
	for id, meaning := range meanings {
		require.Equal(t, meaning, b.Control(id).Meaning, id)
	}
}

// text is a control file with the boundary that it is judged in.
type text struct {
	name            string
	rules, boundary string
	beside          fstest.MapFS // files of the controls whose verdicts it reads
}

// everyControl are the library's files and those that show the language.
func everyControl(t *testing.T) (all []text) {
	t.Helper()
	for _, from := range []struct {
		files fs.FS
		glob  string
	}{{controls.FS, "soc2/*/*.yaml"}, {os.DirFS("../controltest/testdata/language"), "LG-*.yaml"}} {
		boundary, err := fs.ReadFile(from.files, control.BoundaryFile)
		require.NoError(t, err)
		names, err := fs.Glob(from.files, from.glob)
		require.NoError(t, err)
		for _, name := range names {
			if control.IsControlFile(name) {
				rules, err := fs.ReadFile(from.files, name)
				require.NoError(t, err)
				all = append(all, text{name, string(rules), string(boundary), beside(t, from.files, names, rules)})
			}
		}
	}
	return all
}

var idLine = regexp.MustCompile(`(?m)^id: .*$`)

// beside are the files of the controls whose verdicts a control reads.
func beside(t *testing.T, files fs.FS, names []string, rules []byte) fstest.MapFS {
	t.Helper()
	var docs []*document.Document
	for _, name := range names {
		if control.IsControlFile(name) {
			text, err := fs.ReadFile(files, name)
			require.NoError(t, err)
			if string(idLine.Find(text)) == string(idLine.Find(rules)) {
				continue // itself, and its other versions
			}
			doc, err := document.Parse(name, text)
			require.NoError(t, err)
			docs = append(docs, doc)
		}
	}
	doc, err := document.Parse("C.yaml", rules)
	require.NoError(t, err)
	found := fstest.MapFS{}
	for _, other := range control.Beside(doc, docs) {
		text, err := fs.ReadFile(files, other.File)
		require.NoError(t, err)
		found[other.File] = &fstest.MapFile{Data: text}
	}
	return found
}

func (x text) load(d *dictionary.Dictionary) (*control.Control, error) {
	files := maps.Clone(x.beside)
	files["C.yaml"] = &fstest.MapFile{Data: []byte(x.rules)}
	b, err := control.LoadWith(files, []byte(x.boundary), d)
	if err != nil {
		return nil, err
	}
	of := slices.IndexFunc(b.Controls, func(c *control.Control) bool { return c.File == "C.yaml" })
	return b.Controls[of], nil
}

// TestWordsMoveNoMeaning writes controls in other ways that say the same: other words,
// other blanks and brackets, another order of keys, another layout, other units.
func TestWordsMoveNoMeaning(t *testing.T) {
	d, err := dictionary.Default()
	require.NoError(t, err)
	all := everyControl(t)
	rapid.Check(t, func(rt *rapid.T) {
		x := rapid.SampledFrom(all).Draw(rt, "control")
		before, err := x.load(d)
		require.NoError(rt, err)
		var doc yaml.Node
		require.NoError(rt, yaml.Unmarshal([]byte(x.rules), &doc))
		reword(rt, doc.Content[0], "", "")
		again, err := yaml.Marshal(&doc)
		require.NoError(rt, err)
		x.rules = string(again)
		after, err := x.load(d)
		require.NoError(rt, err, "%s", again)
		require.Equal(rt, before.Clauses(), after.Clauses(), "%s", again)
		require.Equal(rt, before.Meaning, after.Meaning)
	})
}

var conditions = []string{"where", "having", "assert", "applies", "when", "live", "over"}

// reword changes how a file is written, never what it says.
func reword(rt *rapid.T, n *yaml.Node, key, within string) {
	isCondition := slices.Contains(conditions, key) || within == "reasons" || key == "item" && within == "population"
	switch {
	case within == "" && slices.Contains([]string{"title", "description", "owner", "control_text"}, key):
		n.Value = rapid.StringMatching("[a-z ]{1,20}").Draw(rt, "words")
	case n.Kind == yaml.ScalarNode && isCondition && rapid.Bool().Draw(rt, "brackets"):
		n.Value = "( " + blanks(n.Value) + "\n )"
	case key == "event" && n.Kind == yaml.ScalarNode && rapid.Bool().Draw(rt, "list"):
		*n = yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: n.Value}}}
	case key == "between":
		n.Value = regexp.MustCompile(`\b1h\b`).ReplaceAllString(strings.ReplaceAll(n.Value, ", ", " ,   "), "60m")
	case key == "remedy_until":
		n.Value = strings.ReplaceAll(n.Value, "30d", "720h")
	}
	if n.Kind != yaml.MappingNode {
		for _, child := range n.Content {
			reword(rt, child, "", key)
		}
		return
	}
	n.Style = rapid.SampledFrom([]yaml.Style{0, yaml.FlowStyle}).Draw(rt, "style")
	n.HeadComment = "# " + rapid.StringMatching("[a-z]{0,5}").Draw(rt, "comment")
	for i := 0; i+1 < len(n.Content); i += 2 {
		reword(rt, n.Content[i+1], n.Content[i].Value, key)
	}
	if key != "expect" && key != "reasons" {
		shufflePairs(rt, n)
	}
	if within == "" && key == "" {
		addPair(n, "owner", "somebody")
		addPair(n, "lateness", "{final_after: 60m}")
	}
}

// blanks puts more of them where there are some, outside of texts.
func blanks(condition string) string {
	var b strings.Builder
	inText := false
	for _, r := range condition {
		inText = inText != (r == '"')
		if b.WriteRune(r); r == ' ' && !inText {
			b.WriteString(" \n ")
		}
	}
	return b.String()
}

func shufflePairs(rt *rapid.T, n *yaml.Node) {
	order := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
		for i := 0; i < len(n.Content) && yield(i); i += 2 {
		}
	})).Draw(rt, "order")
	var content []*yaml.Node
	for _, i := range order {
		content = append(content, n.Content[i], n.Content[i+1])
	}
	n.Content = content
}

func addPair(n *yaml.Node, key, value string) {
	for i := 0; i < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return
		}
	}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(value), &doc); err == nil {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: key}, doc.Content[0])
	}
}

// TestOneMeaningIsOneRule mutates controls at random: two with one meaning must have
// been compiled to the same rule. The compiled rule is compared field by field, so a
// construct that the meaning forgets fails here.
func TestOneMeaningIsOneRule(t *testing.T) {
	d, err := dictionary.Default()
	require.NoError(t, err)
	all := everyControl(t)
	same, moved := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		x := rapid.SampledFrom(all).Draw(rt, "control")
		before, err := x.load(d)
		require.NoError(rt, err)
		var doc yaml.Node
		require.NoError(rt, yaml.Unmarshal([]byte(x.rules), &doc))
		for range rapid.IntRange(1, 2).Draw(rt, "mutations") {
			mutate(rt, &doc)
		}
		again, err := yaml.Marshal(&doc)
		require.NoError(rt, err)
		x.rules = string(again)
		after, err := x.load(d)
		if err != nil {
			return
		}
		if before.Meaning != after.Meaning {
			moved++
			return
		}
		same++
		require.Equal(rt, compiled(before), compiled(after), "%s", again)
	})
	t.Logf("%d mutants moved the meaning, %d didn't", moved, same)
}

// compiled is everything that a compiled control tells those who judge by it.
func compiled(c *control.Control) string {
	var b strings.Builder
	dump(&b, reflect.ValueOf(c).Elem(), "")
	return b.String()
}

// wordsOnly are the fields that no verdict hangs on.
var wordsOnly = []string{"Title", "Severity", "Criteria", "PartOf", "Hash", "Meaning", "File", "From", "Until", "Version", "Versions"}

func dump(b *strings.Builder, v reflect.Value, path string) {
	switch x := v.Interface().(type) {
	case *control.Program:
		if x != nil {
			fmt.Fprintf(b, "%s %s\n", path, printed(x.Source))
		}
		return
	case *control.Condition:
		if x != nil {
			fmt.Fprintf(b, "%s %s %v\n", path, printed(x.Source), x.Reads)
		}
		return
	case *time.Location:
		fmt.Fprintf(b, "%s %v\n", path, x)
		return
	case *control.Calendar:
		fmt.Fprintf(b, "%s %v\n", path, x)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			dump(b, v.Elem(), path)
		}
	case reflect.Slice:
		if types, ok := reflect.TypeAssert[[]string](v); ok && strings.HasSuffix(path, "Types") {
			v = reflect.ValueOf(slices.Compact(slices.Sorted(slices.Values(types))))
		}
		var all []string
		for i := range v.Len() {
			var one strings.Builder
			dump(&one, v.Index(i), path+"[]")
			all = append(all, one.String())
		}
		if strings.HasSuffix(path, "Folds") || strings.HasSuffix(path, "Also") { // their order says nothing
			slices.Sort(all)
		}
		b.WriteString(strings.Join(all, "-\n"))
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !slices.Contains(wordsOnly, f.Name) {
				dump(b, v.Field(i), path+"."+f.Name)
			}
		}
	default:
		fmt.Fprintf(b, "%s %#v\n", path, v.Interface())
	}
}

// printed is CEL as CEL prints it.
func printed(source string) string {
	env, err := cel.NewEnv(cel.EnableMacroCallTracking())
	if err != nil {
		return err.Error()
	}
	parsed, issues := env.Parse(source)
	if issues.Err() != nil {
		return source
	}
	text, err := parser.Unparse(parsed.NativeRep().Expr(), parsed.NativeRep().SourceInfo())
	if err != nil {
		return err.Error()
	}
	return text
}

// TestBoundaryMovesMeanings: what a control reads of the boundary file is a part of
// what it means, and the rest isn't.
func TestBoundaryMovesMeanings(t *testing.T) {
	d, err := dictionary.Default()
	require.NoError(t, err)
	boundary, err := controls.FS.ReadFile(control.BoundaryFile)
	require.NoError(t, err)
	before := library(t)
	for _, change := range []struct {
		name, from, to string
		moves          []string
	}{
		{"another suite", "suites: [safety]", "suites: [safety, speed]", []string{"CH-05a"}},
		{"a source that counts", `/pager: {types: ["incident.*"], max_gap: 3h}`, `/pager: {types: ["incident.*"], max_gap: 3h, sequence: true}`, []string{"IN-01"}},
		{"another gap", "/pager: {types: [\"incident.*\"], max_gap: 3h}", "/pager: {types: [\"incident.*\"], max_gap: 4h}", []string{"IN-01"}},
		{"effective from", "effective_from: ", "effective_from: 2026-07-02T00:00:00Z #", nil},
		{"a comment", "tenants:", "# words\ntenants:", nil},
	} {
		t.Run(change.name, func(t *testing.T) {
			text := strings.Replace(string(boundary), change.from, change.to, 1)
			require.NotEqual(t, string(boundary), text, "%s", boundary)
			after, err := control.LoadWith(controls.FS, []byte(text), d)
			require.NoError(t, err)
			var moved []string
			for _, c := range before.Controls {
				if after.Control(c.ID).Meaning != c.Meaning {
					moved = append(moved, c.ID)
				}
			}
			require.Equal(t, change.moves, moved)
		})
	}
}
