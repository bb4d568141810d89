package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
)

const revocable = `id: TT-01
title: Approved before, and not taken back in the hour after that
criteria: [CC8.1]
population: {event: t.a, item: event.k}
expect:
  e:
    event: t.b
    on: {event.k: item.k}
    between: "[-10m, 0s]"
    unless: {event: t.c, on: {event.k: item.k}, between: "(e.time, e.time + 1h]"}
assert: e.count == 1
`

// TestUndoneIsKnownBeforeItCantBe: what undoes evidence decides an item once the watermark
// has passed it, though it could have been undone for longer, and whether it came before
// the item was first looked at or after.
func TestUndoneIsKnownBeforeItCantBe(t *testing.T) {
	b := alone(t, revocable)
	for name, first := range map[string]int{"looked at before": 2, "looked at after": 3} {
		t.Run(name, func(t *testing.T) {
			e := engine.New(b, 0, 1)
			var admitted []*compliance.Event
			for i, ev := range []*compliance.Event{
				{ID: "approved", Type: "t.b", Time: minute(0)},
				{ID: "deployed", Type: "t.a", Time: minute(5)},
				{ID: "taken back", Type: "t.c", Time: minute(20)},
			} {
				ev.Tenant, ev.Source, ev.Data = "default", "/s2", map[string]any{"k": "p"}
				admitted = append(admitted, seal(ev, int64(i)))
				admit(t, e, b, ev)
				if len(admitted) == first {
					require.Equal(t, compliance.Pending, e.Advance(minute(15))[0].Outcome)
				}
			}
			require.Empty(t, e.Advance(minute(20)), "not passed yet")
			said := e.Advance(minute(21))
			require.Len(t, said, 1)
			require.Equal(t, compliance.Deviation, said[0].Outcome)
			truth := oracle.Verdicts(b, b.Controls[0], "default", admitted, minute(21))
			require.Equal(t, summary(truth[0]), summary(said[0].Verdict))
		})
	}
}
