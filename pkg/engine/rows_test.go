package engine_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
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

// TestARowStaysBesideARival: a row stands in a table however old it is, also if a body of an
// earlier event sets it later, and doesn't count.
func TestARowStaysBesideARival(t *testing.T) {
	text := fstest.MapFS{"TT-01.yaml": {Data: []byte(lookedUp)}, control.BoundaryFile: {Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")}}
	b, err := control.Load(text, testDictionary(t))
	require.NoError(t, err)
	e := engine.New(b, 0, 1)
	var admitted []*compliance.Event
	for i, ev := range []*compliance.Event{
		{ID: "first", Type: "t.b", Time: minute(0), Data: map[string]any{"k": "p", "v": "v0", "ok": true}},
		{ID: "second", Type: "t.b", Time: minute(10), Data: map[string]any{"k": "p", "v": "v0", "ok": false}},
		{ID: "first", Type: "t.b", Time: minute(20), Data: map[string]any{"k": "p", "v": "v0", "ok": true, "n": int64(2)}},
		{ID: "item", Type: "t.a", Time: minute(30 * 24 * 60), Data: map[string]any{"k": "p", "v": "v0"}},
	} {
		ev.Tenant, ev.Source = "default", "/s2"
		e.Advance(ev.Time)
		admitted = append(admitted, seal(ev, int64(i)))
		admit(t, e, b, admitted[i])
	}
	at := minute(31 * 24 * 60)
	said, truth := e.Advance(at), oracle.Verdicts(b, b.Controls[0], "default", admitted, at)
	require.Equal(t, compliance.Deviation, truth[0].Outcome, "nobody holds it")
	require.Len(t, said, 1)
	require.Equal(t, summary(truth[0]), summary(said[0].Verdict))
}
