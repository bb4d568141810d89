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

const firstVersion = `id: TT-01
title: Within a quarter of an hour
criteria: [CC8.1]
lateness: {correct_until: 2h}
population: {event: t.a, item: event.k}
expect: {e: {event: t.b, on: {event.k: item.k}, between: "[0s, 15m]"}}
assert: e.count >= 1
`

const secondVersion = `id: TT-01
title: Within half an hour, and twice
criteria: [CC8.1]
effective_from: 2026-07-01T02:00:00Z
lateness: {correct_until: 2h}
population: {event: t.a, item: event.k}
expect:
  late: {event: t.c, on: {event.k: item.k}, between: "[0s, 30m]"}
  e: {event: t.b, on: {event.k: item.k}, between: "[0s, 30m]"}
assert: e.count >= 2
`

func twoVersions(t *testing.T, first, second string) *control.Bundle {
	t.Helper()
	b, err := control.Load(fstest.MapFS{
		"TT-01.yaml": {Data: []byte(first)}, "TT-01-2.yaml": {Data: []byte(second)}, control.BoundaryFile: {Data: []byte(testBoundary)},
	}, testDictionary(t))
	require.NoError(t, err)
	return b
}

// TestItemsBelongToTheVersionOfTheirTime: an item on the last instant of a version is
// judged by it whatever comes later, one on the first of the next by that; a late event
// moves an item, and its revisions count on.
func TestItemsBelongToTheVersionOfTheirTime(t *testing.T) {
	b := twoVersions(t, firstVersion, secondVersion)
	versions := b.Controls[0].Versions
	e := engine.New(b, 0, 1)
	var admitted []*compliance.Event
	say := func(id, kind, k string, at compliance.Instant) {
		ev := seal(&compliance.Event{Tenant: "default", Source: "/s2", ID: id, Type: kind, Time: at, Data: map[string]any{"k": k}}, int64(len(admitted)))
		admitted = append(admitted, ev)
		for _, r := range b.Route(ev) {
			fact := engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: *ev}
			require.Equal(t, engine.Admitted, e.Add(&fact))
		}
	}
	advance := func(w compliance.Instant) []string {
		var said []string
		for _, r := range e.Advance(w) {
			said = append(said, r.Item.ID+" "+string(r.Outcome)+" "+map[string]string{versions[0].Hash: "first", versions[1].Hash: "second"}[r.RuleHash])
			require.Equal(t, e.Watermark(), w)
		}
		for _, v := range oracle.Verdicts(b, b.Controls[0], "default", admitted, w) {
			explained, ok := oracle.Explain(b, b.Controls[0], "default", admitted, v.Item.ID, w)
			require.True(t, ok)
			require.Equal(t, v, explained.Verdict)
		}
		return said
	}
	say("a1", "t.a", "p", minute(120)-1)
	say("a2", "t.a", "q", minute(120))
	say("b1", "t.b", "p", minute(125))
	say("b2", "t.b", "q", minute(125))
	require.Equal(t, []string{"p pass first", "q pending second"}, advance(minute(130)))
	require.Equal(t, []string{"q deviation second"}, advance(minute(151)))
	say("a0", "t.a", "q", minute(115)) // it began earlier, by the first version's time
	require.Equal(t, []string{"q pass first"}, advance(minute(152)))
	say("a9", "t.a", "p", minute(140)) // of an id that is taken
	require.Empty(t, advance(minute(200)))
}

// TestSlotsBelongToTheVersionOfTheirStart: a slot that is under way is finished by the
// version that it began in.
func TestSlotsBelongToTheVersionOfTheirStart(t *testing.T) {
	const first = `id: TT-01
title: Each hour
criteria: [CC8.1]
population: {every: hour, for_each: boundary.members}
expect: {e: {event: t.c, on: {event.k: item.member}, between: "[0s, period)"}}
assert: e.count >= 1
`
	const second = `id: TT-01
title: Each day
criteria: [CC8.1]
effective_from: 2026-07-01T02:30:00Z
population: {every: day, for_each: boundary.members}
expect: {e: {event: t.c, on: {event.k: item.member}, between: "[0s, period)"}}
assert: e.count == 0
`
	b := twoVersions(t, first, second)
	e := engine.New(b, 0, 1)
	said := map[string]compliance.Outcome{}
	for _, r := range e.Advance(minute(4 * 24 * 60)) {
		said[r.Item.ID] = r.Outcome
	}
	require.Equal(t, map[string]compliance.Outcome{
		"p@2026-07-01T01Z": compliance.Deviation, "p@2026-07-01T02Z": compliance.Deviation,
		"q@2026-07-01T01Z": compliance.Deviation, "q@2026-07-01T02Z": compliance.Deviation,
		"q@2026-07-02": compliance.Pass,
	}, said)
	require.Len(t, oracle.Verdicts(b, b.Controls[0], "default", nil, minute(4*24*60)), 5)
}
