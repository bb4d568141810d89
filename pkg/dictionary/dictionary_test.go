package dictionary_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
)

func load(tb testing.TB) *dictionary.Dictionary {
	tb.Helper()
	d, err := dictionary.Default()
	require.NoError(tb, err)
	return d
}

func typeOf(tb testing.TB, name string) *dictionary.Type {
	tb.Helper()
	typ, ok := load(tb).Type(name)
	require.True(tb, ok, name)
	return typ
}

// examples are those in the schema files.
func examples(tb testing.TB, typ *dictionary.Type) []json.RawMessage {
	tb.Helper()
	var file struct {
		Examples []json.RawMessage `json:"examples"`
	}
	require.NoError(tb, json.Unmarshal(typ.Schema, &file))
	return file.Examples
}

func TestEveryTypeShowsAnExampleThatItTakes(t *testing.T) {
	d := load(t)
	require.GreaterOrEqual(t, len(d.Names()), 41)
	for _, name := range d.Names() {
		typ, _ := d.Type(name)
		shown := examples(t, typ)
		require.NotEmpty(t, shown, name)
		for _, raw := range shown {
			data, err := typ.Decode(raw)
			require.NoError(t, err, name)
			require.NotEmpty(t, typ.Key(data, "/x"), name)
			for field := range data {
				require.Contains(t, typ.Fields, field, "%s: examples show declared fields only", name)
			}
		}
	}
}

func TestEveryRequiredFieldIsRequired(t *testing.T) {
	d := load(t)
	for _, name := range d.Names() {
		typ, _ := d.Type(name)
		for field, f := range typ.Fields {
			var data map[string]any
			require.NoError(t, json.Unmarshal(examples(t, typ)[0], &data))
			delete(data, field)
			raw, err := json.Marshal(data)
			require.NoError(t, err)
			_, err = typ.Decode(raw)
			if f.Required {
				require.ErrorContains(t, err, "/"+field+": the field is missing", name)
			} else {
				require.NoError(t, err, "%s without %s", name, field)
			}
		}
	}
}

func TestTypesDescribeThemselves(t *testing.T) {
	typ := typeOf(t, "eval.run.completed")
	require.Equal(t, compliance.Deployment, typ.Family)
	require.Equal(t, "version_hash", typ.KeyField)
	require.Equal(t, dictionary.Int, typ.Fields["score_permille"].Kind)
	require.Equal(t, "permille", typ.Fields["score_permille"].Unit)
	require.True(t, typ.Fields["suite"].Required)
	require.False(t, typ.Fields["cases"].Required)

	granted := typeOf(t, "access.granted")
	require.Equal(t, dictionary.List, granted.Fields["scopes"].Kind)
	require.Equal(t, dictionary.String, granted.Fields["scopes"].Elem.Kind)
	require.Equal(t, []string{"employee", "contractor"}, typeOf(t, "person.terminated").Fields["kind"].Enum)
	require.Equal(t, "mfa", typeOf(t, "access.login").FieldNames()[0])
}

func TestKey(t *testing.T) {
	require.Equal(t, "c-1", typeOf(t, "change.pushed").Key(map[string]any{"change_id": "c-1"}, "/vcs"))
	require.Equal(t, "/vcs", typeOf(t, "source.heartbeat").Key(nil, "/vcs"))
}

func TestFindSuggestsTheNearestNames(t *testing.T) {
	for name, hint := range map[string]string{
		"deploy.complete":        "did you mean deploy.completed?",
		"Incident.Acknowledge":   "did you mean incident.acknowledged?",
		"model_call.completed":   "model.call.completed",
		"zzz":                    "GET /v1/types",
		"":                       "GET /v1/types",
		strings.Repeat("a", 1e6): "GET /v1/types",
	} {
		_, err := load(t).Find(name)
		require.ErrorContains(t, err, hint)
		require.Equal(t, compliance.NotFound, compliance.CodeOf(err))
		require.Less(t, len(err.Error()), 400)
	}
}

func TestCodesAreThoseOfRejectedRecords(t *testing.T) {
	require.Equal(t, record.RejectedMalformed, dictionary.CodeMalformed)
	require.Equal(t, record.RejectedUnknownType, dictionary.CodeUnknownType)
	require.Equal(t, record.RejectedInvalidData, dictionary.CodeInvalidData)
	require.Equal(t, record.RejectedTooLarge, dictionary.CodeTooLarge)
}

const good = `{"$id": "https://assay.example/schemas/events/a.json", "title": "T", "description": "D", "x-family": "access",
 "x-key": "k", "type": "object", "required": ["k"], "properties": {"k": {"type": "string", "description": "K"}%s}}`

func TestLoadRefusesASchemaThatBreaksAPromise(t *testing.T) {
	plain := fmt.Sprintf(good, "")
	for name, c := range map[string]struct{ schema, want string }{
		"no JSON":          {`{`, "reading JSON"},
		"another id":       {strings.Replace(plain, "/a.json", "/b.json", 1), "$id is"},
		"no such family":   {strings.Replace(plain, `"access"`, `"acces"`, 1), `x-family is "acces"`},
		"no such key":      {strings.Replace(plain, `"x-key": "k"`, `"x-key": "q"`, 1), `x-key is "q"`},
		"optional key":     {strings.Replace(plain, `["k"]`, `[]`, 1), `x-key is "k"`},
		"reserved name":    {fmt.Sprintf(good, `, "time": {"type": "string", "description": "x"}`), "field time has the name of an attribute"},
		"no description":   {fmt.Sprintf(good, `, "n": {"type": "string"}`), "field n has no description"},
		"no unit":          {fmt.Sprintf(good, `, "n": {"type": "integer", "description": "x"}`), "field n is a number; x-unit"},
		"closed":           {strings.Replace(plain, `"type": "object"`, `"type": "object", "additionalProperties": false`, 1), "additionalProperties"},
		"bad schema":       {fmt.Sprintf(good, `, "n": {"type": "strin", "description": "x"}`), "compiling the schema"},
		"reference abroad": {fmt.Sprintf(good, `, "n": {"$ref": "file:///etc/passwd", "description": "x"}`), "compiling the schema"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := dictionary.Load(fstest.MapFS{"a.json": {Data: []byte(c.schema)}})
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "a.json")
		})
	}
	_, err := dictionary.Load(fstest.MapFS{"a.json": {Data: []byte(plain)}})
	require.NoError(t, err)
	_, err = dictionary.Load(fstest.MapFS{})
	require.ErrorContains(t, err, "no event types")
}
