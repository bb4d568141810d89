package engine_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
)

const crowdedControl = `id: TT-01
title: Eleven in the twenty minutes before
criteria: [CC8.1]
lateness: {correct_until: 30m}
population: {event: t.a}
expect: {e: {event: t.b, on: {event.k: item.k}, between: "(-20m, 0s]"}}
assert: e.count >= 11
`

// TestACrowdedKey: at a key that never rests, where each item has some ten events in its
// interval, the engine says what the oracle says, in whatever order they come, and that it
// knew when the log took the last of them, in whatever order that was.
func TestACrowdedKey(t *testing.T) {
	b := alone(t, crowdedControl)
	for name, late := range map[string]int{"in order": 1, "late": 25} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 2))
			var events []*compliance.Event
			for i := range 1_500 {
				ev := &compliance.Event{Tenant: "default", Source: "/s2", ID: strconv.Itoa(i), Time: minute(i), Type: "t.a", Data: map[string]any{"k": "p"}}
				if r.IntN(2) == 0 {
					ev.Type = "t.b"
				}
				ev = seal(ev, int64(i))
				ev.Received = ev.Time.Add(time.Duration(r.IntN(40)) * time.Minute)
				events = append(events, ev)
			}
			arrivals := slices.Clone(events)
			at := map[*compliance.Event]int{}
			for i, ev := range arrivals {
				at[ev] = i + r.IntN(late)
			}
			sortBy(arrivals, func(ev *compliance.Event) int { return at[ev] })
			e, last := engine.New(b, 0, 1), map[string]compliance.Revision{}
			advance := func(to compliance.Instant) {
				for _, rev := range e.Advance(to) {
					last[rev.Item.ID] = rev
				}
			}
			for i, ev := range arrivals {
				admit(t, e, b, ev)
				if i%7 == 0 {
					advance(minute(i - 5))
				}
			}
			advance(minute(3_000))
			outcomes := map[compliance.Outcome]int{}
			for _, v := range oracle.Verdicts(b, b.Controls[0], "default", events, minute(3_000)) {
				outcomes[v.Outcome]++
				require.Equal(t, summary(v), summary(last[v.Item.ID].Verdict))
				if late == 1 { // else what comes later may change nothing that is said
					require.Equal(t, takenLast(events, v.Item), last[v.Item.ID].KnownAt, "item %s", v.Item.ID)
				}
			}
			require.Greater(t, outcomes[compliance.Pass], 100)
			require.Greater(t, outcomes[compliance.Deviation], 100)
		})
	}
}

// takenLast is when the log took the last of an item's event and those in its interval.
func takenLast(events []*compliance.Event, it compliance.Item) (last compliance.Instant) {
	for _, ev := range events {
		if ev.ID == it.ID || ev.Type == "t.b" && ev.Time > it.Time.Add(-20*time.Minute) && ev.Time <= it.Time {
			last = max(last, ev.Received)
		}
	}
	return last
}
