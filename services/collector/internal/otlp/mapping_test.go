package otlp_test

import (
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector/internal/otlp"
	"assay.example/assay/services/collector/internal/otlp/otlptest"
)

const received = compliance.Instant(1_780_000_000_000_000)

func vendor(t *testing.T) *source.Vendor {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	vendors, err := source.Default(types)
	require.NoError(t, err)
	v, ok := vendors.Vendor("otlp")
	require.True(t, ok)
	return v
}

// records decodes and lays out a request.
func records(t *testing.T, raw []byte, logs bool, as otlp.Encoding) []otlp.Record {
	t.Helper()
	redactor := otlp.NewRedactor(nil, nil, false)
	if logs {
		req, err := otlp.Logs(raw, as)
		require.NoError(t, err)
		return slices.Collect(redactor.Logs(req, plenty))
	}
	req, err := otlp.Traces(raw, as)
	require.NoError(t, err)
	return slices.Collect(redactor.Spans(req, plenty))
}

func mapped(t *testing.T, v *source.Vendor, r otlp.Record) source.Mapped {
	t.Helper()
	require.NoError(t, r.Err)
	body, err := source.Decode([]byte(`{"records":[` + string(r.JSON) + `]}`))
	require.NoError(t, err)
	return v.Map(source.Delivery{Body: body, Received: received})
}

// row is what the table of fixtures says of one.
type row struct {
	file                   string
	records, events        int
	types, actors, targets []string
	timed                  bool
}

func TestExportersAreUnderstood(t *testing.T) {
	v := vendor(t)
	types, err := dictionary.Default()
	require.NoError(t, err)
	for _, export := range otlptest.All(t, "../../../../../shared/fixtures") {
		list := records(t, export.JSON, export.Logs, otlp.JSON)
		require.Equal(t, list, records(t, export.Protobuf, export.Logs, otlp.Protobuf), "%s: JSON and protobuf differ", export.Name)
		r := row{file: export.Name, records: len(list), timed: true}
		for _, rec := range list {
			m := mapped(t, v, rec)
			require.Empty(t, m.Faults, export.Name)
			require.NotEmpty(t, m.Events, "%s: nothing was understood", export.Name)
			for _, e := range m.Events {
				r.add(t, types, e)
				t.Logf("%s %s %s", e.ID, e.Time, e.Data)
			}
		}
		t.Logf("%-90s records %d, events %d, %v, actor %v, target %v, time %v", r.file, r.records, r.events, r.types, r.actors, r.targets, r.timed)
	}
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
