package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
)

// TestStateOfAnotherStageIsRefused: items would be counted anew in the other stage.
func TestStateOfAnotherStageIsRefused(t *testing.T) {
	const (
		plain  = "id: TT-01\ntitle: First\ncriteria: [CC8.1]\npopulation: {event: t.a, item: event.id}\nexpect: {e: {event: t.b, on: {event.k: item.k}, between: \"[0s, 1h]\"}}\nassert: e.count >= 1\n"
		read   = "id: TT-02\ntitle: Second\ncriteria: [CC8.1]\npopulation: {event: t.a, item: event.id}\nexpect: {e: {event: t.b, on: {event.k: item.k}, between: \"[0s, 1h]\"}}\nassert: e.count >= 1\n"
		reader = "id: TT-02\ntitle: Second\ncriteria: [CC8.1]\npopulation: {event: t.a, item: event.id}\nexpect: {e: {verdicts: TT-01, on: {event.item.k: item.k}, between: \"[0s, 1h]\"}}\nassert: e.passed >= 1\n"
	)
	load := func(second string) *control.Bundle {
		b, err := control.Load(fstest.MapFS{
			control.BoundaryFile: {Data: []byte(testBoundary)}, "TT-01.yaml": {Data: []byte(plain)}, "TT-02.yaml": {Data: []byte(second)},
		}, testDictionary(t))
		require.NoError(t, err)
		return b
	}
	e := engine.New(load(read), 0, 1)
	ev := compliance.Event{Tenant: "default", Source: "/s", ID: "e1", Type: "t.a", Time: minute(1), Data: map[string]any{"k": "p"}}
	for _, r := range load(read).Route(&ev) {
		require.Equal(t, engine.Admitted, e.Add(&engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: ev}))
	}
	other, refused := engine.New(load(reader), 0, 1), error(nil)
	for _, c := range e.Changes() {
		if err := other.Load(c); err != nil {
			refused = err
		}
	}
	require.ErrorContains(t, refused, "TT-02 was judged in stage 0 and is of stage 1 by these rules")
}

// TestWhatAHopHandsOnIsOfTime: an item is handed what lies as far back as it looks, whether
// the engine was started again meanwhile and has swept its keys or not.
func TestWhatAHopHandsOnIsOfTime(t *testing.T) {
	b, err := control.Load(fstest.MapFS{control.BoundaryFile: {Data: []byte(testBoundary)}, "TT-01.yaml": {Data: []byte(`
id: TT-01
title: Joined by two fields
criteria: [CC8.1]
lateness: {correct_until: 1h}
population: {event: t.a, item: event.id}
expect:
  e0: {event: t.b, on: {event.k: item.k}, between: "[-1h, 0s]"}
  e1: {event: t.c, on: {event.v: item.v}, between: "[-1h, 0s]"}
assert: e0.count >= 1 && e1.count >= 1
`)}}, testDictionary(t))
	require.NoError(t, err)
	add := func(e *engine.Engine, kind string, at int) {
		ev := compliance.Event{Tenant: "default", Source: "/s", ID: fmt.Sprint(kind, at), Type: kind, Time: minute(at), Data: map[string]any{"k": "p", "v": "x"}}
		for _, r := range b.Route(&ev) {
			e.Add(&engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: ev})
		}
	}
	// handed is what an item is handed that comes late, with evidence of the beginning there.
	handed := func(late, restart int) []engine.Said {
		e := engine.NewStage(b, 0, 0, 1)
		add(e, "t.b", 60)
		for now := 61; now <= late; now += 300 {
			if e.Advance(minute(now)); restart > 0 && now >= restart {
				restart = 0
				next := engine.NewStage(b, 0, 0, 1)
				kept := changelog{}
				kept.take(e.Changes())
				kept.load(t, next)
				e = next
			}
		}
		e.Said()
		add(e, "t.a", late)
		return e.Said()
	}
	var lengths []int
	for late := 300; late < 30_000; late += 300 {
		want := handed(late, 0)
		for restart := 65; restart < late; restart += 3000 {
			require.Equal(t, want, handed(late, restart), "an item at minute %d, a restart at %d", late, restart)
		}
		lengths = append(lengths, len(want))
	}
	require.Greater(t, slices.Max(lengths), slices.Min(lengths), "the evidence is too old in the end")
}
