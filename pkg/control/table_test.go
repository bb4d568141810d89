package control_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

const asOf = `effective_from: 2026-07-01T00:00:00Z
boundary:
  systems:
    - always
    - {id: later, from: 2026-07-10T00:00:00Z}
    - {id: gone, until: 2026-07-20T00:00:00Z}
    - {id: again, until: 2026-07-05T00:00:00Z}
    - {id: again, from: 2026-07-15T00:00:00Z}
refs:
  providers:
    p: {classes: [public], valid_until: 2026-07-10T00:00:00Z, price: 3, nested: {a: [1]}}
`

// TestDeclaredAsOf: each row is there from its first instant until just before its last.
func TestDeclaredAsOf(t *testing.T) {
	b := withBoundary(t, asOf, `id: TT-01
title: T
criteria: [CC8.1]
population: {event: deploy.completed}
assert: item.component in boundary.systems
applies: >-
  "p" in refs.providers && refs.providers["p"].price == 3 && "public" in refs.providers["p"].classes && refs.providers["p"].nested.a[0] == 1
`)
	c := b.Controls[0]
	truth := func(cond *control.Condition, component, at string) control.Truth {
		v, _ := cond.Decide(c.NewScope(control.View{"component": component}, instant(t, at)), nil)
		return v
	}
	for _, x := range []struct {
		component, at string
		in            bool
	}{
		{"always", "1970-01-01T00:00:00Z", true},
		{"always", "2100-01-01T00:00:00Z", true},
		{"never", "2026-07-01T00:00:00Z", false},
		{"later", "2026-07-09T23:59:59.999999Z", false},
		{"later", "2026-07-10T00:00:00Z", true},
		{"gone", "2026-07-19T23:59:59.999999Z", true},
		{"gone", "2026-07-20T00:00:00Z", false},
		{"again", "2026-07-04T00:00:00Z", true},
		{"again", "2026-07-10T00:00:00Z", false},
		{"again", "2026-07-15T00:00:00Z", true},
	} {
		want := map[bool]control.Truth{true: control.True, false: control.False}[x.in]
		require.Equal(t, want, truth(c.Assert, x.component, x.at), "%+v", x)
	}
	require.Equal(t, control.True, truth(c.Applies, "x", "2026-07-09T23:59:59.999999Z"))
	require.Equal(t, control.False, truth(c.Applies, "x", "2026-07-10T00:00:00Z"))

	s := &control.Schedule{ForEach: control.Members{Name: "systems"}}
	require.Equal(t, []string{"again", "always", "gone"}, b.MembersAt(s, instant(t, "2026-07-01T00:00:00Z")))
	require.Equal(t, []string{"always", "gone", "later"}, b.MembersAt(s, instant(t, "2026-07-12T00:00:00Z")))
	s = &control.Schedule{ForEach: control.Members{InRefs: true, Name: "providers"}}
	require.Equal(t, []string{"p"}, b.MembersAt(s, compliance.Ever))
	require.Empty(t, b.MembersAt(s, instant(t, "2026-08-01T00:00:00Z")))
}

// TestDerivedTables: `in`, `[key]` and `.of(prefix)` over keys of several parts,
// which a text that looks like one can't enter.
func TestDerivedTables(t *testing.T) {
	rows := map[string]control.View{}
	for _, k := range [][2]string{{"alice", "e1"}, {"alice", "e2"}, {"alicea", "e3"}, {"al", "e4"}, {`x","y`, "e5"}} {
		key, ok := control.EncodeKey(k[0], k[1])
		require.True(t, ok)
		rows[key] = control.View{"subject": k[0], "entitlement_id": k[1]}
	}
	b, err := load(t, map[string]string{"C.yaml": expanded})
	require.NoError(t, err)
	c := b.Controls[0]
	parts := func(person string) []string {
		s := c.NewScope(control.View{"person_id": person}, 0)
		s.Derived = []*control.Table{control.NewTable(rows)}
		views, err := c.Expand.Over.Rows(s)
		require.NoError(t, err)
		ids := []string{}
		for _, v := range views {
			ids = append(ids, fmt.Sprint(v["entitlement_id"]))
		}
		return ids
	}
	require.Equal(t, []string{"e1", "e2"}, parts("alice"))
	require.Equal(t, []string{"e4"}, parts("al"))
	require.Equal(t, []string{"e5"}, parts(`x","y`))
	require.Empty(t, parts("x"))
	require.Empty(t, parts(""))
}

// TestPartsOfADeclaredList: what the boundary lists can be the parts, as of the item, also
// where the control reads a table made of events.
func TestPartsOfADeclaredList(t *testing.T) {
	c := withBoundary(t, asOf, `id: TT-01
title: T
criteria: [CC8.1]
population: {event: deploy.completed, item: event.deploy_id}
tables: {pushed: {from: change.pushed, key: event.change_id}}
expand: {over: boundary.systems, as: part, key: part.id, count: part}
expect: {e: {event: change.approved, on: {event.change_id: item.change_id}, between: "[0s, 1d]"}}
assert: e.count >= 1 && item.change_id in refs.pushed
`).Controls[0]
	ids := func(at string) (list []string) {
		s := c.NewScope(control.View{"id": "d/1"}, instant(t, at))
		rows, err := c.Expand.Over.Rows(s)
		require.NoError(t, err)
		for _, row := range rows {
			id, ok := c.Expand.PartID("d/1", s.With(nil, row))
			require.True(t, ok)
			list = append(list, id)
		}
		return list
	}
	require.Equal(t, []string{"d/1/again", "d/1/always", "d/1/gone"}, ids("2026-07-01T00:00:00Z"))
	require.Equal(t, []string{"d/1/always", "d/1/gone", "d/1/later"}, ids("2026-07-12T00:00:00Z"))
	_, ok := c.Expand.PartID("d", c.NewScope(nil, 0).With(nil, control.View{"id": ""}))
	require.False(t, ok, "an empty key is none")
	id, ok := c.Expand.PartID("d", c.NewScope(nil, 0).With(nil, control.View{"id": "a/b%"}))
	require.True(t, ok)
	require.Equal(t, "d/a%2Fb%25", id)
}

// TestKeys: different values never share a key, and empty ones have none.
func TestKeys(t *testing.T) {
	for _, v := range []any{"", nil, []any{"a"}, map[string]any{}} {
		_, ok := control.EncodeKey("a", v)
		require.False(t, ok, "%v", v)
	}
	one, _ := control.EncodeKey(int64(1))
	text, _ := control.EncodeKey("1")
	require.NotEqual(t, one, text)
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(rapid.StringN(1, 4, 8), 1, 3)
		x, y := texts.Draw(rt, "x"), texts.Draw(rt, "y")
		encode := func(list []string) string {
			values := make([]any, len(list))
			for i, v := range list {
				values[i] = v
			}
			key, ok := control.EncodeKey(values...)
			require.True(rt, ok)
			return key
		}
		require.Equal(rt, fmt.Sprintf("%q", x) == fmt.Sprintf("%q", y), encode(x) == encode(y))
	})
}

// TestRowsOfAList: a key of several parts is read as a list, and may have rows one
// after the other.
func TestRowsOfAList(t *testing.T) {
	b := withBoundary(t, `refs:
  models:
    - {key: [p, m, eu], classes: [public], valid_until: 2026-07-10T00:00:00Z}
    - {key: [p, m, eu], classes: [public, pii], valid_from: 2026-07-10T00:00:00Z}
    - {key: q, classes: []}
`, `id: TT-01
title: T
criteria: [CC8.1]
population: {event: model.call.completed}
assert: 'refs.models.of([item.provider, item.model, item.region]).exists(m, item.data_class in m.classes)'
applies: item.provider in refs.models || [item.provider, item.model] in refs.models
`)
	c := b.Controls[0]
	truth := func(cond *control.Condition, provider, class, at string) bool {
		v, _ := cond.Decide(c.NewScope(control.View{"provider": provider, "model": "m", "region": "eu", "data_class": class}, instant(t, at)), nil)
		return v == control.True
	}
	require.True(t, truth(c.Assert, "p", "public", "2026-07-01T00:00:00Z"))
	require.False(t, truth(c.Assert, "p", "pii", "2026-07-09T23:59:59.999999Z"))
	require.True(t, truth(c.Assert, "p", "pii", "2026-07-10T00:00:00Z"))
	require.False(t, truth(c.Assert, "q", "public", "2026-07-01T00:00:00Z"))
	require.True(t, truth(c.Applies, "q", "public", "2026-07-01T00:00:00Z"))
	require.False(t, truth(c.Applies, "p", "public", "2026-07-01T00:00:00Z"), "a part of a key is no key")
}

// TestDigest: exact, whatever order the values came in, and each counts.
func TestDigest(t *testing.T) {
	of := func(values ...any) string {
		var texts []string
		for _, v := range values {
			text, err := control.DigestText(v)
			require.NoError(t, err)
			texts = append(texts, text)
		}
		slices.Sort(texts)
		return control.DigestOf(texts)
	}
	require.Equal(t, of("a", "b", int64(3)), of(int64(3), "b", "a"))
	require.NotEqual(t, of("a"), of("a", "a"))
	require.NotEqual(t, of("a", "b"), of("a\"]\n[\"b"))
	require.NotEqual(t, of("1"), of(int64(1)))
	require.Equal(t, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", of())
	for _, v := range []any{"", nil, []any{}} {
		_, err := control.DigestText(v)
		require.Error(t, err)
	}
}
