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

const planned = `id: TT-01
title: Whatever is planned
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.a, clock: event.due, within: 9d, item: event.k}
expect: {e: {event: t.b, on: {event.k: item.k}, clock: event.due, within: 9d, between: "[-10m, 10m]", pick: last}}
assert: e.count == 1
`

// TestAnIDThatIsUsedAgain: where clocks put two events of one id in one place, they stay in
// their own order.
func TestAnIDThatIsUsedAgain(t *testing.T) {
	due := map[string]any{"k": "p", "due": minute(100).String()}
	events := []*compliance.Event{
		{ID: "item", Type: "t.a", Time: minute(0), Data: due},
		{ID: "evidence", Type: "t.b", Time: minute(1), Data: due},
		{ID: "evidence", Type: "t.b", Time: minute(200), Data: map[string]any{"k": "p", "due": due["due"], "n": int64(2)}},
		{ID: "item", Type: "t.a", Time: minute(300), Data: map[string]any{"k": "p", "due": due["due"], "n": int64(2)}},
	}
	said := judgedAlike(t, planned, events, minute(30*24*60))
	require.Equal(t, events[0].Ref.SHA256, said.Evidence[0].SHA256)
	require.Equal(t, events[2].Ref.SHA256, said.Evidence[1].SHA256)
}

// alone is a bundle of one control, with nothing declared.
func alone(t *testing.T, text string) *control.Bundle {
	t.Helper()
	b, err := control.Load(fstest.MapFS{
		"TT-01.yaml": {Data: []byte(text)}, control.BoundaryFile: {Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")},
	}, testDictionary(t))
	require.NoError(t, err)
	return b
}

// judgedAlike is what the engine said last of the one item, which the oracle says, too. The
// watermark follows the events.
func judgedAlike(t *testing.T, text string, events []*compliance.Event, until compliance.Instant) (last compliance.Revision) {
	t.Helper()
	b := alone(t, text)
	e := engine.New(b, 0, 1)
	advance := func(w compliance.Instant) {
		for _, last = range e.Advance(w) {
			continue
		}
	}
	for i, ev := range events {
		ev.Tenant, ev.Source = "default", "/s2"
		advance(ev.Time)
		seal(ev, int64(i))
		admit(t, e, b, ev)
	}
	advance(until)
	truth := oracle.Verdicts(b, b.Controls[0], "default", events, until)
	require.Len(t, truth, 1)
	require.Equal(t, summary(truth[0]), summary(last.Verdict))
	return last
}
