package engine_test

import (
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
