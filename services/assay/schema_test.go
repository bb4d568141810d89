package main

import (
	"encoding/json"
	"io/fs"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
)

// TestSchemasWithTypes: with the dictionary filled in, the schemas take the library,
// and know event types and what their data say.
func TestSchemasWithTypes(t *testing.T) {
	test, err := controls.FS.ReadFile("soc2/incident/IN-01_test.yaml")
	require.NoError(t, err)
	rules, err := controls.FS.ReadFile("soc2/change/CH-01.yaml")
	require.NoError(t, err)
	boundary, err := controls.FS.ReadFile(control.BoundaryFile)
	require.NoError(t, err)
	schema := map[string]*jsonschema.Schema{}
	for _, kind := range []string{"control", "boundary", "test"} {
		schema[kind] = printed(t, kind)
	}
	require.NoError(t, fs.WalkDir(controls.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || entry.Name() == control.ComplementaryFile {
			return err
		}
		kind := "test"
		switch {
		case entry.Name() == control.BoundaryFile:
			kind = "boundary"
		case control.IsControlFile(name):
			kind = "control"
		}
		text, err := controls.FS.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, schema[kind].Validate(values(t, string(text))), name)
		return nil
	}))
	for _, fault := range []struct{ kind, text, old, planted string }{
		{"control", string(rules), "change.approval_revoked", "change.approval_revokd"},
		{"control", string(rules), "deploy.completed", "deployed"},
		{"boundary", string(boundary), `"prompt.*"`, `"prompt.release"`},
		{"test", string(test), "type: incident.opened", "type: incident.opend"},
		{"test", string(test), "responder_kind: human", "responder_kind: robot"},
		{"test", string(test), "severity: sev1", "severity: sev9"},
	} {
		require.Contains(t, fault.text, fault.old)
		require.Error(t, schema[fault.kind].Validate(values(t, strings.Replace(fault.text, fault.old, fault.planted, 1))), fault.planted)
	}
}

func printed(t *testing.T, kind string) *jsonschema.Schema {
	t.Helper()
	var out, faults strings.Builder
	require.Zero(t, run(t.Context(), []string{"schema", kind}, stdio{out: &out, err: &faults}), faults.String())
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(out.String()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	url := doc.(map[string]any)["$id"].(string)
	require.NoError(t, c.AddResource(url, doc))
	s, err := c.Compile(url)
	require.NoError(t, err)
	return s
}

// values are those of a YAML file as JSON has them.
func values(t *testing.T, text string) any {
	t.Helper()
	var v any
	require.NoError(t, yaml.Unmarshal([]byte(text), &v))
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	out, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	require.NoError(t, err)
	return out
}
