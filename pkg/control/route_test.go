package control_test

import (
	"fmt"
	"reflect"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

func withBoundary(t testing.TB, boundary string, texts ...string) *control.Bundle {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	fsys := fstest.MapFS{}
	for i, text := range texts {
		fsys[fmt.Sprintf("%d.yaml", i)] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := control.LoadWith(fsys, []byte(boundary), d)
	require.NoError(t, err)
	return b
}

func library(t testing.TB) *control.Bundle {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(controls.FS, d)
	require.NoError(t, err)
	return b
}

func TestRoutesOfTheLibrary(t *testing.T) {
	b := library(t)
	for _, c := range []struct {
		kind string
		data map[string]any
		want []string // control and key
	}{
		{"change.approved", map[string]any{"change_id": "c-1", "approver": "bob"}, []string{`CH-01 ["c-1"]`, `CH-05b ["c-1"]`}},
		{"deploy.completed", map[string]any{"change_id": "c-1", "deploy_id": "d-1", "environment": "production", "component": "api"}, []string{`CH-01 ["c-1"]`}},
		{"deploy.completed", map[string]any{"change_id": "c-1", "deploy_id": "d-1", "environment": "staging", "component": "api"}, nil},
		{"deploy.completed", map[string]any{"change_id": "", "deploy_id": "d-1", "environment": "production", "component": "api"}, []string{`CH-01 ["item","d-1"]`}},
		{"access.granted", map[string]any{"subject": "alice", "entitlement": "admin", "entitlement_id": "e-1", "grant_id": "g-1"}, []string{`AC-02 ["admin","alice"]`, `AC-03 ["alice"]`}},
		{"access.reviewed", map[string]any{"system": "console", "month": "2026-07"}, []string{`AC-04 ["console","2026-07"]`}},
		{"tool.call.completed", map[string]any{"trace_id": "t", "tool_call_id": "c"}, []string{`MC-05 ["t"]`, `MC-06 ["item","c"]`}},
		{"incident.resolved", map[string]any{"incident_id": "i-1"}, nil},
	} {
		var got []string
		for _, r := range b.Route(&compliance.Event{Tenant: "default", Source: "/s", ID: "e", Type: c.kind, Data: c.data}) {
			require.Equal(t, b.Control(r.Control).Hash, r.RuleHash)
			got = append(got, r.Control+" "+r.Key)
		}
		require.Equal(t, c.want, got, "%s %v", c.kind, c.data)
		require.Equal(t, c.kind != "incident.resolved", b.Reads(c.kind))
	}
	beat := b.Route(&compliance.Event{Type: control.Heartbeat, Source: "/s"})
	require.Equal(t, []control.Route{{Everywhere: true}}, beat)
	require.True(t, b.Reads(control.SourceRetired))
}

// TestNumbersGoEverywhere: what is missing may be at any key, whatever its type.
func TestNumbersGoEverywhere(t *testing.T) {
	b := withBoundary(t, `sources: {/vcs: {types: ["change.*"], max_gap: 3h, sequence: true}, /pager: {types: ["incident.*"], max_gap: 3h}}`, sound)
	everywhere := control.Route{Everywhere: true}
	read := &compliance.Event{Source: "/vcs", Type: "change.approved", Sequence: 7, Data: map[string]any{"change_id": "c-1"}}
	routes := b.Route(read)
	require.Len(t, routes, 2)
	require.Equal(t, everywhere, routes[0])
	require.Equal(t, "CH-01", routes[1].Control)
	require.Equal(t, []control.Route{everywhere}, b.Route(&compliance.Event{Source: "/vcs", Type: "incident.opened", Sequence: 8}))
	require.Empty(t, b.Route(&compliance.Event{Source: "/vcs", Type: "incident.opened"}))
	require.Empty(t, b.Route(&compliance.Event{Source: "/pager", Type: "incident.opened", Sequence: 8}))
	require.True(t, b.Counts("/vcs"))
	require.False(t, b.Counts("/pager"))
}

// TestRoutesCarryWhatConditionsRead: fields that no condition reads stay behind.
func TestRoutesCarryWhatConditionsRead(t *testing.T) {
	b := library(t)
	for _, r := range b.Route(&compliance.Event{ID: "e", Type: "access.login", Data: map[string]any{"user_id": "u", "mfa": true, "privileged": true, "factor": "key", "other": "x"}}) {
		require.Equal(t, map[string]any{"mfa": true, "privileged": true}, r.Fields)
	}
	whole := withBoundary(t, declared, "id: TT-01\ntitle: T\ncriteria: [CC8.1]\npopulation: {event: deploy.completed}\nassert: item[item.environment] == \"x\"\n")
	data := map[string]any{"deploy_id": "d", "environment": "production"}
	require.Equal(t, data, whole.Route(&compliance.Event{ID: "e", Type: "deploy.completed", Data: data})[0].Fields, "an index may read any")
	some := withBoundary(t, declared, "id: TT-01\ntitle: T\ncriteria: [CC8.1]\npopulation: {event: deploy.completed}\nassert: '!item.?emergency.orValue(false)'\n")
	data["emergency"] = true
	require.Equal(t, map[string]any{"emergency": true}, some.Route(&compliance.Event{ID: "e", Type: "deploy.completed", Data: data})[0].Fields, "what may be absent is read too")
}

// TestRouteIsAFunction: the same event goes the same way whichever bundle loaded
// from the same files is asked, in whatever order, and its data stay untouched.
func TestRouteIsAFunction(t *testing.T) {
	one, two := library(t), library(t)
	require.Equal(t, one.Hash, two.Hash)
	d, err := dictionary.Default()
	require.NoError(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		ev := &compliance.Event{Tenant: "default", Source: "/s", ID: rapid.String().Draw(rt, "id"), Type: rapid.SampledFrom(d.Names()).Draw(rt, "type"), Data: map[string]any{}}
		kind, _ := d.Type(ev.Type)
		for name := range kind.Fields {
			ev.Data[name] = rapid.OneOf(
				rapid.Just[any]("production"), rapid.Map(rapid.String(), func(s string) any { return s }), rapid.Just[any](nil), rapid.Just[any](int64(3)), rapid.Just[any](true), rapid.Just[any]([]any{"x"}),
			).Draw(rt, name)
		}
		before := fmt.Sprint(ev.Data)
		first, second := one.Route(ev), two.Route(ev)
		require.True(rt, reflect.DeepEqual(first, second))
		require.Equal(rt, before, fmt.Sprint(ev.Data))
		for _, r := range first {
			if r.Everywhere {
				continue
			}
			require.Contains(rt, one.Control(r.Control).Keys(ev), r.Key)
			p := control.Partition(ev.Tenant, r.Control, r.Key, 8)
			require.True(rt, 0 <= p && p < 8)
			require.Equal(rt, p, control.Partition(ev.Tenant, r.Control, r.Key, 8))
			// what is routed is judged as the whole event would be
			pruned := *ev
			pruned.Data = r.Fields
			require.Contains(rt, one.Control(r.Control).Keys(&pruned), r.Key)
		}
		if len(first) > 0 {
			require.True(rt, one.Reads(ev.Type))
		}
	})
}

// TestPartitionsNeverMove pins where keys live: a change would lose state.
func TestPartitionsNeverMove(t *testing.T) {
	require.Equal(t, []int32{7, 1, 5, 0}, []int32{
		control.Partition("default", "CH-01", `["c-1"]`, 8), control.Partition("default", "CH-01", `["c-2"]`, 8),
		control.Partition("other", "CH-01", `["c-1"]`, 8), control.Partition("default", "CH-01", `["c-1"]`, 1),
	})
	spread := map[int32]int{}
	for i := range 8000 {
		spread[control.Partition("default", "CH-01", fmt.Sprintf(`["c-%d"]`, i), 8)]++
	}
	for p, n := range spread {
		require.InDelta(t, 1000, n, 150, "partition %d", p)
	}
}

// TestHashes: words don't change a control's hash, meaning does.
func TestHashes(t *testing.T) {
	hash := func(text string) string {
		return withBoundary(t, declared, text).Controls[0].Hash
	}
	base := hash(sound)
	for _, words := range []string{
		"title: Other words\n" + sound[len("id: CH-01\ntitle: Deployments are approved\n"):],
	} {
		require.Equal(t, base, hash("id: CH-01\n"+words))
	}
	require.NotEqual(t, base, hash(sound[:len(sound)-1]+"\nlateness: {correct_until: 8d}\n"))
	require.NotEqual(t, withBoundary(t, declared, sound).Hash, withBoundary(t, asOf+"  x: {}\n", scheduledOn("systems")).Hash)
}

func scheduledOn(list string) string {
	return "id: AC-04\ntitle: T\ncriteria: [CC6.2]\npopulation: {every: day, for_each: boundary." + list + "}\nassert: \"true\"\n"
}
