package engine_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// A key that never rests holds what its items can still look back to, and a row for
// each live key of its tables, however long it lives.
func TestStateIsBoundedAtAKeyThatNeverRests(t *testing.T) {
	const minutes = 4_000
	for name, c := range map[string]struct {
		text string
		most int // facts held at any time
	}{
		// An item and its evidence count for 30m + 10m + 30m after their time, and are
		// looked at four times in that span.
		"evidence": {`
population: {event: t.a}
expect: {ok: {event: t.b, on: {event.k: item.k}, between: "[-10m, 10m]"}}
assert: ok.count >= 1
`, 100},
		// 20 rows are set, and ended, again and again.
		"tables": {`
tables: {held: {from: [t.b, t.c], key: [event.k, event.v], live: event.type == "t.b"}}
population: {event: t.a}
expand: {over: refs.held.of(item.k), as: part, key: part.v, count: item}
expect: {ok: {event: t.b, on: {event.k: item.k}, where: event.v == part.v, between: "[0s, 10m]"}}
assert: ok.count >= 1
`, 120},
	} {
		t.Run(name, func(t *testing.T) {
			bundle := alone(t, "id: TT-01\ntitle: Hot\ncriteria: [CC8.1]\nlateness: {correct_until: 30m}\n"+c.text)
			s := newState(bundle)
			for i := range minutes {
				ev := compliance.Event{
					Tenant: "default", Source: "/s", ID: strconv.Itoa(i), Type: []string{"t.a", "t.b", "t.b", "t.c"}[i%4], Time: minute(i),
					Data: map[string]any{"k": "hot", "v": fmt.Sprintf("v%d", i/4%20)},
				}
				s.send(bundle.Controls[0], ev)
				if i%10 == 9 {
					s.advance(minute(i))
					require.LessOrEqual(t, s.count("fact"), c.most, "after %d minutes", i)
				}
			}
			for day := range 3 {
				s.advance(minute(minutes).Add(time.Duration(day+1) * 24 * time.Hour))
			}
			require.Zero(t, s.count("fact"), "no row is live")
		})
	}
}
