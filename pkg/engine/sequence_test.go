package engine_test

import (
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
)

// A source that loses half of what it sends for a year leaves a few records a
// heartbeat in the changelog, not one for each hole.
func TestHolesAreForgotten(t *testing.T) {
	text := "id: TT-01\ntitle: T\ncriteria: [CC8.1]\npopulation: {event: t.a, item: event.k}\n" +
		"lateness: {correct_until: 30d}\nexpect: {e: {event: t.b, on: {event.k: item.k}, between: \"[0s, 15m]\"}}\nassert: e.count >= 1\n"
	b, err := control.Load(fstest.MapFS{
		"TT-01.yaml":         {Data: []byte(text)},
		control.BoundaryFile: {Data: []byte("sources: {/s1: {types: [t.b], max_gap: 25h, sequence: true}}")},
	}, testDictionary(t))
	require.NoError(t, err)
	s, number := newState(b), uint64(0)
	say := func(kind string, at compliance.Instant) {
		ev := compliance.Event{Tenant: "default", Source: "/s1", ID: strconv.FormatUint(number, 10), Type: kind, Time: at, Sequence: number}
		require.Equal(t, engine.Admitted, s.Add(0, &engine.Fact{Tenant: "default", Event: ev}))
	}
	most := 0
	for day := range 365 {
		at := epoch.Add(time.Duration(day) * 24 * time.Hour)
		for i := range 100 {
			number += 2
			say("t.b", at.Add(time.Duration(i)*time.Minute))
		}
		number++
		say(control.Heartbeat, at.Add(12*time.Hour))
		s.advance(at.Add(13 * time.Hour))
		most = max(most, len(s.records))
	}
	require.Greater(t, most, 30*100, "holes of the last weeks may still be filled")
	require.Less(t, most, 50*100)
}
