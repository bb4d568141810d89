package boundary_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

func declared(t *testing.T, refs string) (*boundary.Declaration, error) {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(fstest.MapFS{"boundary.yaml": {Data: []byte("effective_from: 2026-01-01T00:00:00Z\n" + refs)}}, types)
	require.NoError(t, err)
	return boundary.Declared(b.Declarations)
}

func at(text string) compliance.Instant {
	t, err := compliance.ParseInstant(text)
	if err != nil {
		panic(err)
	}
	return t
}

const rows = `
refs:
  data_flows:
    - {key: [assist, provider, acme], models: [large], regions: [eu], classes: [public, pii], valid_from: 2026-07-10T00:00:00Z, valid_until: 2026-08-01T00:00:00Z}
    - {key: [assist, provider, acme], classes: [public], valid_from: 2026-08-01T00:00:00Z}
    - {key: [agent, tool, refund], classes: [pii, unclassified]}
    - {key: [agent, tool, never], classes: [pii]}
    - {key: [agent, store, later], classes: [pii], valid_from: 2027-01-01T00:00:00Z}
`

func TestStandingOfAFlow(t *testing.T) {
	d, err := declared(t, rows)
	require.NoError(t, err)
	call := boundary.Flow{Kind: boundary.Provider, Caller: "assist", Name: "acme", Model: "large", Region: "eu", Class: "pii"}
	change := func(f func(*boundary.Flow)) boundary.Flow { g := call; f(&g); return g }
	for name, c := range map[string]struct {
		flow boundary.Flow
		at   string
		want boundary.Standing
	}{
		"as declared":                    {call, "2026-07-20T00:00:00Z", boundary.Inside},
		"before the row":                 {call, "2026-07-09T23:59:59Z", boundary.NotThen},
		"at the row's first instant":     {call, "2026-07-10T00:00:00Z", boundary.Inside},
		"by the row that follows":        {call, "2026-08-01T00:00:00Z", boundary.ClassNotDeclared},
		"another model":                  {change(func(f *boundary.Flow) { f.Model = "small" }), "2026-07-20T00:00:00Z", boundary.ModelNotDeclared},
		"no model, where one is asked":   {change(func(f *boundary.Flow) { f.Model = "" }), "2026-07-20T00:00:00Z", boundary.ModelNotDeclared},
		"another region":                 {change(func(f *boundary.Flow) { f.Region = "us" }), "2026-07-20T00:00:00Z", boundary.RegionNotDeclared},
		"any region, where none is said": {change(func(f *boundary.Flow) { f.Region, f.Class = "us", "public" }), "2026-08-20T00:00:00Z", boundary.Inside},
		"a class nobody knows":           {change(func(f *boundary.Flow) { f.Class = "unclassified" }), "2026-07-20T00:00:00Z", boundary.ClassNotDeclared},
		"another caller":                 {change(func(f *boundary.Flow) { f.Caller = "batch" }), "2026-07-20T00:00:00Z", boundary.NotDeclared},
		"a tool named as a provider is":  {change(func(f *boundary.Flow) { f.Kind = boundary.Tool }), "2026-07-20T00:00:00Z", boundary.NotDeclared},
		"a tool with what nobody classed": {
			boundary.Flow{Kind: boundary.Tool, Caller: "agent", Name: "refund", Class: "unclassified"}, "2026-07-20T00:00:00Z", boundary.Inside,
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen := []boundary.Seen{{Flow: c.flow, First: at(c.at), Last: at(c.at)}}
			compared := boundary.Compare(seen, d, at("2026-07-01T00:00:00Z"), at("2026-10-01T00:00:00Z"))
			require.Equal(t, c.want, compared.Edges[0].Standing)
			require.Equal(t, c.want != boundary.Inside, compared.Edges[0].Outside())
		})
	}
}

func TestEdgesOverDays(t *testing.T) {
	d, err := declared(t, rows)
	require.NoError(t, err)
	call := boundary.Flow{Kind: boundary.Provider, Caller: "assist", Name: "acme", Model: "large", Region: "eu", Class: "pii"}
	tool := boundary.Flow{Kind: boundary.Tool, Caller: "agent", Name: "refund", Class: "pii"}
	day := func(f boundary.Flow, first, last string) boundary.Seen {
		return boundary.Seen{Flow: f, First: at(first), Last: at(last)}
	}
	compared := boundary.Compare([]boundary.Seen{
		{Flow: tool, First: at("2026-06-01T00:00:00Z"), Last: at("2026-06-30T00:00:00Z"), Before: true},
		day(tool, "2026-07-03T01:00:00Z", "2026-07-03T02:00:00Z"),
		day(call, "2026-07-30T01:00:00Z", "2026-07-30T02:00:00Z"),
		day(call, "2026-07-31T01:00:00Z", "2026-08-01T00:00:00Z"),
		day(call, "2026-08-02T01:00:00Z", "2026-08-02T02:00:00Z"),
	}, d, at("2026-07-01T00:00:00Z"), at("2026-10-01T00:00:00Z"))
	require.Equal(t, []boundary.Edge{
		{
			Flow: call, First: at("2026-07-30T01:00:00Z"), Last: at("2026-08-02T02:00:00Z"), Days: 3, New: true,
			Standing: boundary.ClassNotDeclared, OutsideFrom: at("2026-08-01T00:00:00Z"), OutsideDays: 2,
		},
		{Flow: tool, First: at("2026-07-03T01:00:00Z"), Last: at("2026-07-03T02:00:00Z"), Days: 1, Standing: boundary.Inside},
	}, compared.Edges)
	require.Len(t, compared.Outside(), 1)
	require.Len(t, compared.Unused, 1, "a row of another year isn't missed, nor one that was used while it held")
	require.Equal(t, "never", compared.Unused[0].Name)
}

// Without a declaration nothing is inside, and nothing is said to be outside.
func TestNothingDeclaredIsUnknown(t *testing.T) {
	d, err := declared(t, "")
	require.NoError(t, err)
	require.Nil(t, d)
	seen := []boundary.Seen{{Flow: boundary.Flow{Kind: boundary.Store, Caller: "a", Name: "b", Class: "pii"}, First: 1, Last: 2}}
	compared := boundary.Compare(seen, d, 0, 10)
	require.False(t, compared.Declared)
	require.Equal(t, boundary.NothingDeclared, compared.Edges[0].Standing)
	require.Empty(t, compared.Outside())
}

func TestFaultyDeclarations(t *testing.T) {
	for refs, want := range map[string]string{
		`[{key: [a, provider], classes: [pii]}]`:                    "isn't [caller, kind, name]",
		`{a: {classes: [pii]}}`:                                     "isn't [caller, kind, name]",
		`[{key: [a, database, b], classes: [pii]}]`:                 `has the kind "database"; it is provider, tool or store`,
		`[{key: [a, tool, b]}]`:                                     "needs classes:",
		`[{key: [a, tool, b], classes: pii}]`:                       "classes is a list of texts",
		`[{key: [a, provider, b], classes: [pii], regions: eu}]`:    "regions is a list of texts",
		`[{key: [a, provider, b, c], classes: [pii], models: [m]}]`: "isn't [caller, kind, name]",
	} {
		_, err := declared(t, "refs: {data_flows: "+refs+"}")
		require.ErrorContains(t, err, want, refs)
		require.ErrorContains(t, err, "boundary.yaml, refs.data_flows", refs)
	}
}
