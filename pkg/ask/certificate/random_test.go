package certificate_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
)

// Counts are those that a plain walk over the same events makes, whatever came again,
// otherwise, of other types, tenants and times.
func TestCertificatesCountAsAWalkDoes(t *testing.T) {
	all := asktest.New(t)
	conflicting := 0
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 23))
		w := all.As(t, fmt.Sprintf("seed-%d", seed))
		var events []compliance.Event
		for range 300 {
			ev := compliance.Event{
				Source: []string{"/idp", "/shadow"}[r.IntN(2)], ID: fmt.Sprintf("id-%d", r.IntN(120)),
				Type: []string{"access.login", "access.login", "access.granted"}[r.IntN(3)],
				Data: map[string]any{"mfa": r.IntN(4) > 0},
			}
			// The time hangs on the id, so that an event is in the period or isn't.
			ev.Time = asktest.At("2026-06-28").Add(time.Duration(ev.ID[len(ev.ID)-1]-'0') * 97 * time.Hour)
			ev.ID += "-" + ev.Type
			events = append(events, ev)
		}
		w.Event(events...)
		c := certify(w, "AC-01")
		for _, name := range []string{"/idp", "/shadow"} {
			bodies, records := map[string]map[string]bool{}, int64(0)
			for _, ev := range events {
				if ev.Source == name && ev.Type == "access.login" && ev.Time >= asktest.At("2026-07-01") && ev.Time < asktest.At("2026-08-01") {
					records++
					if bodies[ev.ID] == nil {
						bodies[ev.ID] = map[string]bool{}
					}
					bodies[ev.ID][fmt.Sprint(ev.Data)] = true
				}
			}
			different, several := int64(0), int64(0)
			for _, b := range bodies {
				different += int64(len(b))
				if len(b) > 1 {
					several++
				}
			}
			conflicting += int(several)
			s := sourceOf(t, c, name)
			require.Equal(t, []int64{records, int64(len(bodies)), records - different, several}, []int64{s.Records, s.Events, s.Repeats, s.Conflicts}, "seed %d, %s", seed, name)
			sum := int64(0)
			for _, d := range s.Days {
				sum += d.Events
			}
			require.Equal(t, s.Events, sum, "each event is on one day")
		}
		require.NotEmpty(t, bys(c, "", "still there"))
	}
	require.Positive(t, conflicting)
}
