package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/engine"
)

const lookedUp = `id: TT-01
title: Somebody holds it
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.a, item: event.k}
tables: {held: {from: t.b, key: [event.k, event.v], live: event.ok}}
expect: {e: {event: t.c, on: {event.k: item.k}, between: "[0s, 10m]"}}
assert: "[item.k, item.v] in refs.held"
`

const parts = `id: TT-01
title: What was held was right
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.a, item: event.k}
tables: {held: {from: t.b, key: [event.k, event.v], live: event.ok}}
expand: {over: refs.held.of(item.k), as: part, key: part.v, count: part}
expect: {e: {event: t.c, on: {event.k: item.k}, between: "[0s, 10m]"}}
assert: part.n > 0 && e.count == 0
`

// TestAPartNamesItsEvent: a part's evidence is the event that set its row, also if an earlier one
// had its id.
func TestAPartNamesItsEvent(t *testing.T) {
	events := []*compliance.Event{
		{ID: "held", Type: "t.b", Time: minute(0), Data: map[string]any{"k": "p", "v": "v0", "ok": true, "n": int64(1)}},
		{ID: "held", Type: "t.b", Time: minute(24 * 60), Data: map[string]any{"k": "p", "v": "v0", "ok": true, "n": int64(2)}},
		{ID: "item", Type: "t.a", Time: minute(25 * 60), Data: map[string]any{"k": "p", "v": "v0"}},
	}
	said := judgedAlike(t, parts, events, minute(26*60))
	require.Equal(t, compliance.Pass, said.Outcome)
	require.Equal(t, []compliance.Hash{events[2].Ref.SHA256, events[1].Ref.SHA256}, []compliance.Hash{said.Evidence[0].SHA256, said.Evidence[1].SHA256})
}

// TestARowStaysBesideARival: a row stands in a table however old it is, also if a body of an
// earlier event sets it later, and doesn't count.
func TestARowStaysBesideARival(t *testing.T) {
	said := judgedAlike(t, lookedUp, []*compliance.Event{
		{ID: "first", Type: "t.b", Time: minute(0), Data: map[string]any{"k": "p", "v": "v0", "ok": true}},
		{ID: "second", Type: "t.b", Time: minute(10), Data: map[string]any{"k": "p", "v": "v0", "ok": false}},
		{ID: "first", Type: "t.b", Time: minute(20), Data: map[string]any{"k": "p", "v": "v0", "ok": true, "n": int64(2)}},
		{ID: "item", Type: "t.a", Time: minute(30 * 24 * 60), Data: map[string]any{"k": "p", "v": "v0"}},
	}, minute(31*24*60))
	require.Equal(t, compliance.Deviation, said.Outcome, "nobody holds it")
}

const unanswered = `id: TT-01
title: What nobody answered was held
criteria: [CC8.1]
lateness: {correct_until: 30m}
population: {event: t.a, having: e.count == 0}
tables: {held: {from: t.a, key: [event.k, event.v]}}
expect: {e: {event: t.b, on: {event.k: item.k}, between: "[0s, 40m]"}}
assert: "[item.k, item.v] in refs.held"
`

// TestARowOpensNothing: what was no item, as there was evidence, is none after that is
// forgotten, and a restart, though its event stays as a row.
func TestARowOpensNothing(t *testing.T) {
	b := alone(t, unanswered)
	e, kept := engine.New(b, 0, 1), changelog{}
	for i, ev := range []*compliance.Event{
		{ID: "row", Type: "t.a", Time: minute(0), Data: map[string]any{"k": "p", "v": "v0"}},
		{ID: "answer", Type: "t.b", Time: minute(10), Data: map[string]any{"k": "p"}},
	} {
		ev.Tenant, ev.Source = "default", "/s2"
		admit(t, e, b, seal(ev, int64(i)))
	}
	for day := range 30 {
		require.Empty(t, e.Advance(minute(60+day*24*60)))
		kept.take(e.Changes())
	}
	again := engine.New(b, 0, 1)
	kept.load(t, again)
	require.Empty(t, again.Advance(minute(31*24*60)))
}
