package controltest_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/schemas"
)

// readers are the mappings that the compiler and the reader of tests take apart, by
// the words with which they refuse a key, and where the schemas describe them.
var readers = map[string]struct{ kind, def string }{
	"a control":           {"control", ""},
	"population":          {"control", "population"},
	"an expectation":      {"control", "expectation"},
	"unless":              {"control", "undoing"},
	"cancelled_by":        {"control", "cancellation"},
	"a compensation":      {"control", "compensation"},
	"an alternative":      {"control", "alternative"},
	"a table":             {"control", "table"},
	"expand":              {"control", "expand"},
	"lateness":            {"control", "lateness"},
	"the boundary file":   {"boundary", ""},
	"a source":            {"boundary", "source"},
	"an entry":            {"boundary", "entry"},
	"a calendar":          {"boundary", "calendar"},
	"a test file":         {"test", ""},
	"a default":           {"test", "defaults"},
	"a case":              {"test", "case"},
	"an event":            {"test", "event"},
	"a watermark":         {"test", "step"},
	"an expected verdict": {"test", "verdict"},
}

// Three files that say x: wherever a key may stand.
const (
	strangeControl = `
x: 1
population: {x: 1}
expect:
  a: {x: 1, event: incident.opened, on: {event.incident_id: item.incident_id}, between: "[0s, 1h]", unless: {x: 1}}
cancelled_by: {x: 1}
compensated_by: {EX-02: {x: 1}}
instead: [{x: 1}]
tables: {t: {x: 1}}
expand: {x: 1}
lateness: {x: 1}
`
	strangeBoundary = `
x: 1
boundary: {systems: [{x: 1}]}
sources: {/a: {x: 1}}
calendars: {c: {x: 1}}
`
	strangeTest = `
x: 1
start: 2026-07-01T00:00:00Z
defaults: {incident.opened: {x: 1}}
cases:
  - x: 1
    name: n
    events: [{x: 1}]
    expect: [{x: 1, at: 1h, items: {a: {x: 1}}}]
`
	plainControl = "id: EX-01\ntitle: t\ncriteria: [CC7.3]\npopulation: {event: incident.opened}\nassert: \"true\"\n"
)

// TestSchemasHaveEveryKey: the compiler and the schemas know the same keys.
func TestSchemasHaveEveryKey(t *testing.T) {
	known := keysOfReaders(t)
	for _, what := range mappingsInSources(t) {
		require.Contains(t, known, what, "no strange file reaches this mapping; add it to the files above")
		require.Contains(t, readers, what, "say here where a schema describes this mapping")
	}
	for what, r := range readers {
		require.Equal(t, known[what], keysOfSchema(t, r.kind, r.def), "the keys of %s: read, and in the schema", what)
	}
}

// keysOfReaders is what the readers say that they know when they meet x.
func keysOfReaders(t *testing.T) map[string][]string {
	t.Helper()
	d := dictionaryOf(t)
	known := map[string][]string{}
	note := func(err error) {
		require.Error(t, err)
		for _, m := range regexp.MustCompile(`(?m): ([a-z_ ]+) has no key "x"[^;]*; it has ([a-z_, ]+)$`).FindAllStringSubmatch(err.Error(), -1) {
			keys := strings.Split(m[2], ", ")
			slices.Sort(keys)
			known[m[1]] = keys
		}
	}
	_, err := control.LoadWith(fstest.MapFS{"C.yaml": {Data: []byte(strangeControl)}}, []byte("boundary: {}"), d)
	note(err)
	_, err = control.LoadWith(fstest.MapFS{}, []byte(strangeBoundary), d)
	note(err)
	boundary, err := document.Parse(control.BoundaryFile, []byte("boundary: {}"))
	require.NoError(t, err)
	note(controltest.Check(controltest.Options{Boundary: boundary, Dictionary: d, Files: fstest.MapFS{
		"EX-01.yaml": {Data: []byte(plainControl)}, "EX-01_test.yaml": {Data: []byte(strangeTest)},
	}}))
	return known
}

// mappingsInSources are the mappings that the sources name, so that a new one is
// not forgotten above.
func mappingsInSources(t *testing.T) (names []string) {
	t.Helper()
	for _, pattern := range []string{"../control/*.go", "*.go"} {
		files, err := filepath.Glob(pattern)
		require.NoError(t, err)
		for _, name := range files {
			text, err := os.ReadFile(name)
			require.NoError(t, err)
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, m := range regexp.MustCompile(`\.Mapping\([^,]+, "?([a-zA-Z_ ]+)"?,`).FindAllStringSubmatch(string(text), -1) {
				names = append(names, strings.Replace(m[1], "cancelledBy", "cancelled_by", 1))
			}
		}
	}
	require.Greater(t, len(names), 15)
	return names
}

// TestSchemasTakeWhatTheCompilerTakes: every file of the library, of the language's
// own tests and of the documentation is as the schemas say.
func TestSchemasTakeWhatTheCompilerTakes(t *testing.T) {
	files := fstest.MapFS{}
	for top, from := range map[string]fs.FS{
		"controls": controls.FS, "language": os.DirFS("testdata/language"), "cookbook": os.DirFS(cookbook),
	} {
		require.NoError(t, fs.WalkDir(from, ".", func(name string, _ fs.DirEntry, err error) error {
			if err == nil && path.Ext(name) == ".yaml" {
				text, err := fs.ReadFile(from, name)
				require.NoError(t, err)
				files[top+"/"+name] = &fstest.MapFile{Data: text}
			}
			return err
		}))
	}
	page, err := os.ReadFile("../../docs/formats/controls.md")
	require.NoError(t, err)
	for i, m := range regexp.MustCompile("(?s)```(yaml|yaml test|yaml boundary)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		name := map[string]string{"yaml": "C.yaml", "yaml test": "C_test.yaml", "yaml boundary": control.BoundaryFile}[m[1]]
		files["docs/"+string(rune('a'+i))+"/"+name] = &fstest.MapFile{Data: []byte(m[2])}
	}
	kinds := map[string]int{}
	for name, file := range files {
		kind := "test"
		switch {
		case path.Base(name) == control.ComplementaryFile:
			continue // no part of a bundle; pkg/report reads it, strictly
		case path.Base(name) == control.BoundaryFile:
			kind = "boundary"
		case control.IsControlFile(name):
			kind = "control"
		}
		kinds[kind]++
		require.NoError(t, compiled(t, kind).Validate(plainYAML(t, file.Data)), name)
	}
	require.Greater(t, kinds["control"], 50)
	require.Greater(t, kinds["test"], 40)
	require.Greater(t, kinds["boundary"], 2)
}

// TestSchemasRefuse plants one fault at a time into files that are sound.
func TestSchemasRefuse(t *testing.T) {
	read := func(files fs.FS, name string) string {
		text, err := fs.ReadFile(files, name)
		require.NoError(t, err)
		return string(text)
	}
	sound := map[string]string{
		"control":  read(controls.FS, "soc2/change/CH-01.yaml"),
		"expanded": read(controls.FS, "soc2/access/AC-03.yaml"),
		"boundary": read(controls.FS, control.BoundaryFile) + "calendars: {c: {weekend: [friday]}}\n",
		"test":     read(controls.FS, "soc2/change/CH-01_test.yaml"),
	}
	for _, planted := range []struct{ kind, old, text string }{
		{"control", "title:", "titel: x\ntitle:"},
		{"control", "severity: high", "severity: grave"},
		{"control", "[CC8.1]", "[CC8.2]"},
		{"control", "id: CH-01", "id: change-1"},
		{"control", "  where: event.env", "  when: event.env"},
		{"control", `between: "[-30d, 0s]"`, `between: "-30d to 0s"`},
		{"control", "pick: last", "pick: latest"},
		{"control", "    on: {event.change_id: item.change_id}", "    on: {change_id: item.change_id}"},
		{"control", "      event: change.approval_revoked", "      events: change.approval_revoked"},
		{"control", "population:\n", "population:\n  every: month\n"},
		{"control", "assert:", "asserts:"},
		{"expanded", "remedy_until: 30d", "remedy_until: 30 days"},
		{"expanded", "from:", "of:"},
		{"expanded", "count: item", "count: items"},
		{"boundary", "effective_from: 2026-07-01T00:00:00Z", "effective_from: 2026-07-01"},
		{"boundary", "max_gap: 3h", "gap: 3h"},
		{"boundary", "until: 2026", "to: 2026"},
		{"boundary", "weekend", "weekends"},
		{"test", "outcome: pass", "outcome: passed"},
		{"test", "at: -3h", "at: 3 hours"},
		{"test", "evidence:", "evidences:"},
		{"test", "name:", "title:"},
		{"test", "duplicate: true", "twice: true"},
		{"test", "source: /vcs, data", "sources: /vcs, data"},
	} {
		kind := strings.Replace(planted.kind, "expanded", "control", 1)
		text := sound[planted.kind]
		require.NoError(t, compiled(t, kind).Validate(plainYAML(t, []byte(text))), planted.kind)
		require.Contains(t, text, planted.old)
		text = strings.Replace(text, planted.old, planted.text, 1)
		require.Error(t, compiled(t, kind).Validate(plainYAML(t, []byte(text))), "%s: %s", planted.kind, planted.text)
	}
}

// TestSchemasExplainEveryKey: each key has a description and an example that its own
// schema takes.
func TestSchemasExplainEveryKey(t *testing.T) {
	for _, kind := range []string{"control", "boundary", "test"} {
		root := schemaFile(t, kind)
		for def, keys := range definitions(root) {
			for key, value := range keys {
				said := value.(map[string]any)
				examples, _ := said["examples"].([]any)
				description, _ := said["description"].(string)
				if ref, ok := said["$ref"].(string); ok {
					target := root["$defs"].(map[string]any)[path.Base(ref)].(map[string]any)
					if description == "" {
						description, _ = target["description"].(string)
					}
					if examples == nil {
						examples, _ = target["examples"].([]any)
					}
				}
				require.NotEmpty(t, description, "%s: %s.%s has no description", kind, def, key)
				require.NotEmpty(t, examples, "%s: %s.%s has no example", kind, def, key)
				at := "#/properties/" + key
				if def != "" {
					at = "#/$defs/" + def + "/properties/" + key
				}
				for _, example := range examples {
					require.NoError(t, compiledAt(t, kind, at).Validate(example), "%s: the example of %s.%s", kind, def, key)
				}
			}
		}
	}
}

func dictionaryOf(t *testing.T) *dictionary.Dictionary {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	return d
}

func schemaFile(t *testing.T, kind string) map[string]any {
	t.Helper()
	text, err := schemas.FS.ReadFile("controls/" + kind + ".schema.json")
	require.NoError(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	require.NoError(t, err)
	return v.(map[string]any)
}

// definitions are the keys of each mapping that a schema describes; "" is the file.
func definitions(root map[string]any) map[string]map[string]any {
	all := map[string]map[string]any{"": root["properties"].(map[string]any)}
	for name, def := range root["$defs"].(map[string]any) {
		if keys, ok := def.(map[string]any)["properties"].(map[string]any); ok {
			all[name] = keys
		}
	}
	return all
}

func keysOfSchema(t *testing.T, kind, def string) []string {
	t.Helper()
	root := schemaFile(t, kind)
	if def != "" {
		require.Equal(t, false, root["$defs"].(map[string]any)[def].(map[string]any)["additionalProperties"], "%s takes any key", def)
	}
	return slices.Sorted(maps.Keys(definitions(root)[def]))
}

func compiled(t *testing.T, kind string) *jsonschema.Schema { return compiledAt(t, kind, "#") }

func compiledAt(t *testing.T, kind, pointer string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	const url = "https://assay.example/schemas/controls/x.json"
	root := schemaFile(t, kind)
	root["$id"] = url
	require.NoError(t, c.AddResource(url, root))
	s, err := c.Compile(url + pointer)
	require.NoError(t, err)
	return s
}

// plainYAML is a file as an editor's language server takes it: YAML 1.2, in which
// dates are texts.
func plainYAML(t *testing.T, text []byte) any {
	t.Helper()
	var root yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &root))
	raw, err := json.Marshal(plainNode(t, root.Content[0]))
	require.NoError(t, err)
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	return v
}

func plainNode(t *testing.T, n *yaml.Node) any {
	t.Helper()
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = plainNode(t, n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, child := range n.Content {
			list = append(list, plainNode(t, child))
		}
		return list
	case yaml.AliasNode:
		return plainNode(t, n.Alias)
	case yaml.ScalarNode, yaml.DocumentNode:
	}
	if n.Tag == "!!timestamp" {
		return n.Value
	}
	var v any
	require.NoError(t, n.Decode(&v))
	return v
}
