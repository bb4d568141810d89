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

// A year of signs of life leaves those that an interval may still reach back to, numbered
// or not, though the source was silent now and then.
func TestSignsOfLifeAreForgotten(t *testing.T) {
	text := "id: TT-01\ntitle: T\ncriteria: [CC8.1]\npopulation: {event: t.a, item: event.v}\n" +
		"lateness: {correct_until: 2d}\nexpect: {e: {event: t.b, on: {event.k: item.k}, between: \"[-1d, 15m]\"}}\nassert: e.count >= 1\n"
	for name, sequence := range map[string]bool{"plain": false, "numbered": true} {
		t.Run(name, func(t *testing.T) {
			b, err := control.Load(fstest.MapFS{
				"TT-01.yaml":         {Data: []byte(text)},
				control.BoundaryFile: {Data: []byte("sources: {/s1: {types: [t.b], max_gap: 2h, sequence: " + strconv.FormatBool(sequence) + "}}")},
			}, testDictionary(t))
			require.NoError(t, err)
			s := newState(b)
			firstHalf, most := beatsOfAYear(t, s)
			require.Greater(t, most, 9*24, "an event may come 2 days late, word of a source 7")
			require.Less(t, most, 60*24)
			require.Equal(t, firstHalf, most, "the second half of the year adds nothing")
			require.Less(t, s.count("run"), 60*24)
		})
	}
}

// beatsOfAYear has a source heard every hour but four in 500; it gives the most signs of
// life that were held in the first half, and in all.
func beatsOfAYear(t *testing.T, s *state) (firstHalf, most int) {
	t.Helper()
	for hour := range 365 * 24 {
		at := epoch.Add(time.Duration(hour) * time.Hour)
		if hour%500 > 3 {
			ev := compliance.Event{Tenant: "default", Source: "/s1", ID: strconv.Itoa(hour), Type: control.Heartbeat, Time: at, Sequence: uint64(hour + 1)}
			require.Equal(t, engine.Admitted, s.Add(0, &engine.Fact{Tenant: "default", Event: ev}))
		}
		if hour%20 == 0 {
			s.send(s.bundle.Controls[0], compliance.Event{
				Tenant: "default", Source: "/s", ID: strconv.Itoa(hour), Type: "t.a", Time: at,
				Data: map[string]any{"k": "hot", "v": strconv.Itoa(hour)},
			})
		}
		s.advance(at)
		if most = max(most, s.count("beat")); hour < 365*12 {
			firstHalf = most
		}
	}
	return firstHalf, most
}

// One silence, or one hole in the numbers, makes it unknown for ever that a table without
// restated: has no row, however many signs of life were forgotten since.
func TestSilenceIsRememberedForTables(t *testing.T) {
	text := "id: TT-01\ntitle: T\ncriteria: [CC8.1]\nlateness: {correct_until: 2d}\n" +
		"tables: {held: {from: t.b, key: [event.k], live: event.ok}}\npopulation: {event: t.a, item: event.v}\n" +
		"expect: {e: {event: t.c, on: {event.k: item.k}, between: \"[-1d, 15m]\"}}\nassert: 'e.count == 0 && !(item.k in refs.held)'\n"
	for _, c := range []struct {
		name     string
		sequence bool
		without  int // hours, from the hundredth on
		outcome  compliance.Outcome
		most     int
	}{
		{"heard", false, 0, compliance.Pass, 60 * 24},
		{"silent", false, 3, compliance.Inconclusive, 60 * 24},
		{"numbered", true, 0, compliance.Pass, 121 * 24},
		{"a hole", true, 1, compliance.Inconclusive, 121 * 24},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := control.Load(fstest.MapFS{
				"TT-01.yaml":         {Data: []byte(text)},
				control.BoundaryFile: {Data: []byte("sources: {/s1: {types: [t.b], max_gap: 2h, sequence: " + strconv.FormatBool(c.sequence) + "}}")},
			}, testDictionary(t))
			require.NoError(t, err)
			s := newState(b)
			for hour := range 120 * 24 {
				at := epoch.Add(time.Duration(hour) * time.Hour)
				if hour >= 100 && hour < 100+c.without {
					continue
				}
				ev := compliance.Event{Tenant: "default", Source: "/s1", ID: strconv.Itoa(hour), Type: control.Heartbeat, Time: at, Sequence: uint64(hour + 1)}
				s.Add(0, &engine.Fact{Tenant: "default", Event: ev})
				s.advance(at)
			}
			require.Less(t, s.count("beat"), c.most)
			end := epoch.Add(120 * 24 * time.Hour)
			s.send(b.Controls[0], compliance.Event{
				Tenant: "default", Source: "/s", ID: "x", Type: "t.a", Time: end.Add(-3 * time.Hour), Data: map[string]any{"k": "p", "v": "p"},
			})
			revisions := s.Advance(end.Add(-time.Hour))
			require.Len(t, revisions, 1)
			require.Equal(t, c.outcome, revisions[0].Outcome, revisions[0].Reason)
		})
	}
}
