package source_test

import (
	"crypto/sha256"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
)

const picking = `
title: A vendor
documentation: https://example.test
signature: none
each: body.records
kind: '"any"'
mappings:
  - kinds: [any]
    type: incident.resolved
    id: sha256.substring(0, 4) + "/" + text(place)
    data:
      incident_id: '"i"'
      responder: 'pick(record, ["a.b.0.c", "a.b", "a", "d"])'
  - kinds: [any]
    when: type(record) == map && type(record.?packed.orValue(0)) == string
    type: incident.resolved
    id: '"packed/" + text(place)'
    data:
      incident_id: 'pick(json(record.packed), ["x.0"]) + "!"'
`

// made is the vendor of one file.
func made(t *testing.T, text string) *source.Vendor {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	l, err := source.Load(fstest.MapFS{"v/source.yaml": {Data: []byte(text)}}, types)
	require.NoError(t, err)
	v, ok := l.Vendor("v")
	require.True(t, ok)
	return v
}

// Whatever the shape, pick takes the first place that has a name, and fails never.
func TestPick(t *testing.T) {
	v := made(t, picking)

	long := strings.Repeat("x", 257)
	records := []struct{ record, want string }{
		{`{"a": {"b": [{"c": "deep"}]}, "d": "last"}`, "deep"},
		{`{"a": {"b": [{"c": ""}]}, "d": 17}`, "17"},
		{`{"a": {"b": [{"c": null}]}, "d": true}`, "true"},
		{`{"a": {"b": []}, "d": "last"}`, "last"},
		{`{"a": {"b": 1.5}}`, "1.5"},
		{`{"a": ["b"], "d": "last"}`, "last"},
		{`{"a": "text"}`, "text"},
		{`{"a": "` + long + `", "d": "last"}`, "last"},
		{`{"a": "` + long[1:] + `"}`, long[1:] + ""},
		{`{"d": {"x": 1}}`, ""},
		{`"text"`, ""},
		{`null`, ""},
		{`[]`, ""},
	}
	raw := make([]string, 0, len(records))
	for _, r := range records {
		raw = append(raw, r.record)
	}
	payload := []byte(`{"records": [` + strings.Join(raw, ",") + `]}`)
	body, err := source.Decode(payload)
	require.NoError(t, err)
	got := v.Map(source.Delivery{Body: body, SHA256: sha256.Sum256(payload)})
	require.Empty(t, got.Faults)
	require.Len(t, got.Events, len(records))

	seen := map[string]bool{}
	for _, e := range got.Events {
		seen[e.ID] = true
	}
	require.Len(t, seen, len(got.Events), "each record has a place")

	for i, r := range records {
		want := `{"incident_id":"i","responder":"` + r.want + `"}`
		if r.want == "" {
			want = `{"incident_id":"i"}`
		}
		require.Equal(t, want, string(got.Events[i].Data), r.record)
	}
}

const naming = `
title: A vendor
documentation: https://example.test
signature: none
let:
  list: body.records
  name: body.name
delivery: name
each: list
kind: name
mappings:
  - kinds: [any]
    type: incident.resolved
    id: text(place)
    data: {incident_id: text(record)}
`

// Names that a file defines stand for expressions in what takes a delivery apart and
// names it, too.
func TestNamesStandEverywhere(t *testing.T) {
	v := made(t, naming)
	body, err := source.Decode([]byte(`{"name": "any", "records": [1, 2]}`))
	require.NoError(t, err)
	m := v.Map(source.Delivery{Body: body})
	require.Empty(t, m.Faults)
	require.Len(t, m.Events, 2)
	require.Equal(t, "any", v.DeliveryID(source.Delivery{Body: body}))
}

// A payload inside of a payload is what it says; what is no JSON says nothing.
func TestJSON(t *testing.T) {
	v := made(t, picking)
	for packed, want := range map[string]string{`{\"x\": [7]}`: "7!", `{\"x\": null}`: "!", `{`: "!", ``: "!"} {
		body, err := source.Decode([]byte(`{"records": [{"packed": "` + packed + `"}]}`))
		require.NoError(t, err)
		got := v.Map(source.Delivery{Body: body})
		require.Empty(t, got.Faults)
		require.Len(t, got.Events, 2)
		require.Equal(t, `{"incident_id":"`+want+`"}`, string(got.Events[1].Data), packed)
	}
}

const timing = `
title: A vendor
documentation: https://example.test
signature: none
each: body.records
kind: '"any"'
mappings:
  - kinds: [any]
    type: incident.resolved
    id: text(place)
    data:
      incident_id: '"t/" + moment(record, ["a.at", "at", "then"])'
      responder: fit(pick(record, ["who"]), 8)
`

// moment passes over what is no time, and over never; fit keeps what fits.
func TestMomentAndFit(t *testing.T) {
	v := made(t, timing)
	for record, want := range map[string]string{
		`{"at": "2026-07-01T12:00:00+02:00"}`:                           `{"incident_id":"t/2026-07-01T10:00:00Z"}`,
		`{"at": 1782900000, "who": "12345678"}`:                         `{"incident_id":"t/2026-07-01T10:00:00Z","responder":"12345678"}`,
		`{"at": "soon", "then": "2026-07-01 10:00:00 UTC"}`:             `{"incident_id":"t/2026-07-01T10:00:00Z"}`,
		`{"at": "0001-01-01T00:00:00Z", "then": 0, "who": "123456789"}`: `{"incident_id":"t/","responder":"15e2b0d3"}`,
		`{"a": [], "at": {}, "then": true}`:                             `{"incident_id":"t/"}`,
		`{"at": 1e300}`:                                                 `{"incident_id":"t/"}`,
		`[]`:                                                            `{"incident_id":"t/"}`,
	} {
		body, err := source.Decode([]byte(`{"records": [` + record + `]}`))
		require.NoError(t, err)
		m := v.Map(source.Delivery{Body: body})
		require.Empty(t, m.Faults, record)
		require.Equal(t, want, string(m.Events[0].Data), record)
	}
}
