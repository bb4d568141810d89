//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
)

// TestTally: what the other tests count would be seen.
func TestTally(t *testing.T) {
	k := itemKey{"default", "CH-01", "d-1"}
	said := func(numbers ...int) (history []stated) {
		for _, n := range numbers {
			r := &compliance.Revision{Number: n, KnownAt: compliance.Instant(n)}
			r.Outcome = compliance.Deviation
			if n > 1 {
				r.Previous = &compliance.Previous{Outcome: compliance.Deviation}
			}
			history = append(history, stated{Revision: r})
		}
		return history
	}
	deviation := &compliance.Verdict{Outcome: compliance.Deviation}
	for name, c := range map[string]struct {
		history                 []stated
		truth                   *compliance.Verdict
		lost, duplicated, wrong int
	}{
		"all is well":        {said(1, 2, 3), deviation, 0, 0, 0},
		"a gap":              {said(1, 3), deviation, 1, 0, 1},
		"a lost beginning":   {said(2, 3), deviation, 1, 0, 0},
		"a repeat":           {said(1, 2, 2), deviation, 0, 1, 1},
		"the wrong order":    {said(2, 1), deviation, 0, 0, 1},
		"another outcome":    {said(1), &compliance.Verdict{Outcome: compliance.Pass}, 0, 0, 1},
		"other evidence":     {said(1), &compliance.Verdict{Outcome: compliance.Deviation, Evidence: []compliance.Evidence{{ID: "e"}}}, 0, 0, 1},
		"a remedy unnoticed": {said(1), &compliance.Verdict{Outcome: compliance.Deviation, RemediatedAt: 1}, 0, 0, 1},
		"no such item":       {said(1), nil, 0, 0, 1},
		"no verdict":         {nil, deviation, 1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			histories, truth, found := map[itemKey][]stated{}, map[itemKey]*compliance.Verdict{}, &tally{}
			if c.history != nil {
				histories[k] = c.history
				found.count(k, c.history)
			}
			if c.truth != nil {
				truth[k] = c.truth
			}
			found.compare(truth, histories)
			require.Equal(t, []int{c.lost, c.duplicated, c.wrong}, []int{found.lost, found.duplicated, found.wrong}, "%v", found.examples)
		})
	}
}

// TestSpread: the least, the mean and the greatest.
func TestSpread(t *testing.T) {
	require.Equal(t, "never", spread(nil))
	require.Equal(t, "1.0 to 3.0 s (mean 2.0)", spread([]time.Duration{3 * time.Second, time.Second}))
}
