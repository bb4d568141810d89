package control_test

import (
	"maps"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

func approved(change map[string]any) *compliance.Event {
	data := map[string]any{
		"waiver_id": "wv-1", "control": "CH-01", "scope": map[string]any{"all": true}, "requester": "ann", "approver": "bob",
		"reason": "the old system", "until": "2026-10-01T00:00:00Z",
	}
	maps.Copy(data, change)
	maps.DeleteFunc(data, func(_ string, v any) bool { return v == nil })
	return &compliance.Event{Tenant: "default", Source: "/grc", ID: "e", Type: control.WaiverApproved, Time: 1, Data: data}
}

// TestWaiversGoEverywhere: to every key of their control, if that can be waived, and
// without what is for people only.
func TestWaiversGoEverywhere(t *testing.T) {
	b := library(t)
	ev := approved(nil)
	routes := b.Route(ev)
	require.Len(t, routes, 1)
	data := maps.Clone(ev.Data)
	delete(data, "reason")
	require.Equal(t, control.Route{Control: "CH-01", RuleHash: b.Control("CH-01").Hash, Everywhere: true, Fields: data}, routes[0])
	pruned := *ev
	pruned.Data = data
	require.Equal(t, b.Control("CH-01").WaiverOf(ev), b.Control("CH-01").WaiverOf(&pruned), "what is routed says the same")
	require.True(t, b.Reads(control.WaiverApproved))
	require.True(t, b.Reads(control.WaiverRevoked))
	require.Empty(t, b.Route(approved(map[string]any{"control": "CH-99"})))

	never := withBoundary(t, declared, sound+"waivable: false\n")
	require.Empty(t, never.Route(ev))
	require.False(t, never.Reads(control.WaiverApproved))
	require.Nil(t, never.Controls[0].WaiverOf(ev))
	hash := func(text string) string { return withBoundary(t, declared, text).Controls[0].Hash }
	require.Equal(t, hash(sound), hash(sound+"waivable: true\n"), "it says what is so anyway")
	require.NotEqual(t, hash(sound), hash(sound+"waivable: false\n"))
}

// A control may be about waivers: then one goes where its items live, too.
func TestWaiversOfAControlAboutWaivers(t *testing.T) {
	b := withBoundary(t, declared, "id: CH-01\ntitle: T\ncriteria: [CC8.1]\npopulation: {event: waiver.approved, item: event.waiver_id}\nassert: item.approver != item.requester\n")
	routes := b.Route(approved(nil))
	require.Len(t, routes, 2)
	require.Equal(t, []string{"", `["item","wv-1"]`}, []string{routes[0].Key, routes[1].Key})
}

func TestWhatAWaiverCovers(t *testing.T) {
	c := library(t).Control("CH-01")
	item := control.View{"id": "d-1", "component": "api", "emergency": false, "n": int64(3), "empty": ""}
	scope := func(of map[string]any) map[string]any { return map[string]any{"scope": of} }
	for _, k := range []struct {
		name    string
		change  map[string]any
		flaw    string
		covered bool
	}{
		{"all", nil, "", true},
		{"its id", scope(map[string]any{"items": []any{"d-0", "d-1"}}), "", true},
		{"another id", scope(map[string]any{"items": []any{"d-2"}}), "", false},
		{"a field", scope(map[string]any{"fields": map[string]any{"component": "api"}}), "", true},
		{"another value", scope(map[string]any{"fields": map[string]any{"component": "web"}}), "", false},
		{"a value of another type", scope(map[string]any{"fields": map[string]any{"component": true}}), "", false},
		{"a field and another id", scope(map[string]any{"items": []any{"d-2"}, "fields": map[string]any{"component": "api"}}), "", false},
		{"a field that the item lacks", scope(map[string]any{"fields": map[string]any{"change_id": "c-1"}}), "", false},
		{"a field that nobody reads", scope(map[string]any{"fields": map[string]any{"emergency": false}}), control.FlawFieldNotRead, true},
		{"and one that is another", scope(map[string]any{"fields": map[string]any{"emergency": false, "component": "web"}}), control.FlawFieldNotRead, false},
		{"an empty value", scope(map[string]any{"fields": map[string]any{"component": ""}}), "", false},
		{"no fields", scope(map[string]any{"fields": map[string]any{}}), "", false},
		{"nothing", scope(map[string]any{}), "", false},
		{"not all", scope(map[string]any{"all": false}), "", false},
		{"unknown words", scope(map[string]any{"all": true, "except": []any{"d-1"}}), "", false},
		{"items that are no list", scope(map[string]any{"items": "d-1"}), "", false},
		{"no scope", map[string]any{"scope": nil}, "", false},
		{"approved by who asked", map[string]any{"approver": "ann"}, control.FlawSelfApproved, true},
		{"nobody asked", map[string]any{"requester": nil}, control.FlawSelfApproved, true},
		{"a compensating control", map[string]any{"compensating": map[string]any{"control": "CH-05a"}}, control.FlawCompensating, true},
	} {
		w := c.WaiverOf(approved(k.change))
		require.NotNil(t, w, k.name)
		require.Equal(t, k.flaw, w.Flaw, k.name)
		require.Equal(t, k.covered, w.Concerns("d-1", item), k.name)
		require.Equal(t, "2026-10-01T00:00:00Z", w.Until.String(), k.name)
	}
	require.Equal(t, compliance.Ever, c.WaiverOf(approved(map[string]any{"until": "soon"})).Until, "it covers nothing")
	require.Nil(t, c.WaiverOf(approved(map[string]any{"waiver_id": nil})))
	require.Nil(t, c.WaiverOf(&compliance.Event{Type: "change.approved", Data: approved(nil).Data}))
	back := approved(nil)
	back.Type = control.WaiverRevoked
	require.Equal(t, &control.Waiver{ID: "wv-1", Revokes: true}, c.WaiverOf(back))
	require.False(t, c.WaiverOf(back).Concerns("d-1", item))
}

// A slot's item has its member and its slot, and nothing else.
func TestWaiversOfSlots(t *testing.T) {
	c := library(t).Control("AC-04")
	w := c.WaiverOf(approved(map[string]any{"control": "AC-04", "scope": map[string]any{"fields": map[string]any{"member": "console"}}}))
	require.Empty(t, w.Flaw)
	require.True(t, w.Concerns("console@2026-07", control.View{"member": "console"}))
	require.False(t, w.Concerns("api@2026-07", control.View{"member": "api"}))
	require.Equal(t, control.FlawFieldNotRead, c.WaiverOf(approved(map[string]any{"control": "AC-04", "scope": map[string]any{"fields": map[string]any{"system": "console"}}})).Flaw)
}
