package otlp_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/otlp"
)

const received = compliance.Instant(1_780_000_000_000_000)

func library(t *testing.T) (*source.Library, *source.Vendor) {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	lib, err := source.Default(types)
	require.NoError(t, err)
	v, ok := lib.Vendor("otlp")
	require.True(t, ok)
	return lib, v
}

// records decodes and lays out a request.
func records(t *testing.T, raw []byte, logs bool, as otlp.Encoding) []otlp.Record {
	t.Helper()
	redactor := otlp.NewRedactor(nil, nil, false)
	if logs {
		req, err := otlp.Logs(raw, as)
		require.NoError(t, err)
		return redactor.Logs(req)
	}
	req, err := otlp.Traces(raw, as)
	require.NoError(t, err)
	return redactor.Spans(req)
}

func mapped(t *testing.T, v *source.Vendor, r otlp.Record) source.Mapped {
	t.Helper()
	require.NoError(t, r.Err)
	body, err := source.Decode([]byte(`{"records":[` + string(r.JSON) + `]}`))
	require.NoError(t, err)
	return v.Map(source.Delivery{Body: body, Received: received})
}

func TestTheCasesOfTheMappings(t *testing.T) {
	lib, _ := library(t)
	tested, err := lib.Test(os.DirFS("../../../../schemas/sources"), "otlp")
	require.NoError(t, err)
	require.NotEmpty(t, tested.Cases)
	for _, c := range tested.Cases {
		require.Empty(t, c.Diff, "%s:%d: %s", c.File, c.Line, c.Name)
	}
	require.Empty(t, tested.Unshown)
}

// fixtures lists the payloads of real exporters, as OTLP/JSON.
func fixtures(t *testing.T) []string {
	t.Helper()
	folder := os.Getenv("ASSAY_FIXTURES")
	if folder == "" {
		folder = "../../../../../shared/fixtures"
	}
	files, err := filepath.Glob(filepath.Join(folder, "otlp", "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skipf("NOTHING OF REAL EXPORTERS IS TESTED: no payloads in %s/otlp; set ASSAY_FIXTURES", folder)
	}
	return files
}

// row is what the table of fixtures says of one.
type row struct {
	file                   string
	records, events        int
	types, actors, targets []string
	timed                  bool
}

func TestRealExportersAreUnderstood(t *testing.T) {
	_, v := library(t)
	types, err := dictionary.Default()
	require.NoError(t, err)
	files := fixtures(t)
	for _, file := range files {
		logs := strings.Contains(file, ".logs.")
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		binary, err := os.ReadFile(strings.TrimSuffix(file, ".json") + ".pb")
		require.NoError(t, err)
		list := records(t, text, logs, otlp.JSON)
		require.Equal(t, list, records(t, binary, logs, otlp.Protobuf), "%s: JSON and protobuf differ", file)
		r := row{file: filepath.Base(file), records: len(list), timed: true}
		for _, rec := range list {
			m := mapped(t, v, rec)
			require.Empty(t, m.Faults, file)
			require.NotEmpty(t, m.Events, "%s: nothing was understood", file)
			for _, e := range m.Events {
				r.add(t, types, e)
				t.Logf("%s %s %s", e.ID, e.Time, e.Data)
			}
		}
		t.Logf("%-90s records %d, events %d, %v, actor %v, target %v, time %v", r.file, r.records, r.events, r.types, r.actors, r.targets, r.timed)
	}
	require.GreaterOrEqual(t, len(files), 19)
}

func (r *row) add(t *testing.T, types *dictionary.Dictionary, e source.Event) {
	t.Helper()
	typ, err := types.Find(e.Type)
	require.NoError(t, err)
	var data map[string]any
	require.NoError(t, json.Unmarshal(e.Data, &data))
	r.events++
	r.timed = r.timed && e.Time != received
	r.types = append(r.types, e.Type)
	var doc struct {
		Actor  string `json:"x-actor"`
		Target string `json:"x-target"`
	}
	require.NoError(t, json.Unmarshal(typ.Schema, &doc))
	if s, ok := data[doc.Actor].(string); ok {
		r.actors = append(r.actors, s)
	}
	if s, ok := data[doc.Target].(string); ok {
		r.targets = append(r.targets, s)
	}
	slices.Sort(r.types)
}
