package engine_test

import (
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
)

const lookingBack = `id: TT-01
title: Approved within two hours before
criteria: [CC8.1]
population: {event: t.a, item: event.k}
expect: {e: {event: t.b, on: {event.k: item.k}, between: "[-2h, 0s]"}}
assert: e.count >= 1
`

// TestWhatWasNeverReadIsNotAbsent: of an interval that reaches before the beginning of
// the record nobody knows that it is empty; what is seen in the rest of it counts, and
// what came before doesn't, if it is there by chance.
func TestWhatWasNeverReadIsNotAbsent(t *testing.T) {
	boundary := "effective_from: 2026-07-01T01:00:00Z\nhistory_from: 2026-07-01T01:00:00Z\n"
	b, err := control.Load(fstest.MapFS{"TT-01.yaml": {Data: []byte(lookingBack)}, control.BoundaryFile: {Data: []byte(boundary)}}, testDictionary(t))
	require.NoError(t, err)
	e := engine.New(b, 0, 1)
	var admitted []*compliance.Event
	for i, ev := range []*compliance.Event{
		{ID: "chance", Type: "t.b", Time: minute(59), Data: map[string]any{"k": "p"}},
		{ID: "p", Type: "t.a", Time: minute(100), Data: map[string]any{"k": "p"}},
		{ID: "seen", Type: "t.b", Time: minute(60), Data: map[string]any{"k": "q"}},
		{ID: "q", Type: "t.a", Time: minute(100), Data: map[string]any{"k": "q"}},
		{ID: "r", Type: "t.a", Time: minute(180), Data: map[string]any{"k": "r"}},
	} {
		ev.Tenant, ev.Source = "default", "/s2"
		admitted = append(admitted, seal(ev, int64(i)))
		admit(t, e, b, ev)
	}
	w := minute(0).Add(24 * time.Hour)
	want := map[string]string{"p": "inconclusive no_history", "q": "pass ", "r": "deviation assertion_false"}
	got, truth := map[string]string{}, map[string]string{}
	for _, r := range e.Advance(w) {
		got[r.Item.ID] = string(r.Outcome) + " " + r.Reason
	}
	for _, v := range oracle.Verdicts(b, b.Controls[0], "default", admitted, w) {
		truth[v.Item.ID] = string(v.Outcome) + " " + v.Reason
	}
	require.Equal(t, want, got)
	require.Equal(t, want, truth)
}
