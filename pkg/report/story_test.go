package report_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/story"
)

// A whole quarter: the report counts what the story's census does, and verdicts of
// every control and outcome, made again from the stored events, are the stored ones.
func TestAQuarter(t *testing.T) {
	w, s := asktest.New(t), story.New(story.Options{Size: story.Small})
	types, err := dictionary.Default()
	require.NoError(t, err)
	w.Bundle, err = control.LoadWith(controls.FS, s.Boundary(), types)
	require.NoError(t, err)
	var events []compliance.Event
	last := compliance.Instant(0)
	for e := range s.Events() {
		if e.Barrier == nil {
			events = append(events, e.Event)
			last = max(last, e.Event.Time)
		}
	}
	w.Event(events...)
	for _, c := range w.Bundle.Controls {
		w.Judge(c.ID, last+1, events)
	}

	r := reported(w, "2026-Q3")
	keep(t, r)
	for id, want := range s.Totals() {
		c := find(t, r, id)
		require.Equal(t, int64(want.Items), c.Counts.Items, id)
		require.Equal(t, int64(want.Deviation), c.Counts.Deviation, id)
		require.Equal(t, int64(want.Inconclusive), c.Counts.Inconclusive, id)
		require.Equal(t, int64(want.Remediated), c.Counts.Remediated, id)
		require.Len(t, c.Deviations, want.Deviation, id)
		require.True(t, c.Coverage.Covered, "%s: %v", id, c.Coverage.Why)
	}

	kinds := map[string]int{}
	for _, c := range w.Bundle.Controls {
		items, err := listing.Items(t.Context(), w.Conn, "default", c.ID, r.Period.From, r.Period.To, 0)
		require.NoError(t, err)
		for _, v := range items {
			kind := c.ID + " " + string(v.Outcome) + " " + v.Reason
			if kinds[kind]++; kinds[kind] > 1 {
				continue
			}
			e := explained(w, c.ID, v.Item.ID)
			require.True(t, e.Again.Equal, "%s/%s: %v", c.ID, v.Item.ID, e.Again.Differences)
			for _, x := range e.Evidence {
				require.True(t, x.OnRecord && x.Intact, "%s/%s: %s", c.ID, v.Item.ID, x.ID)
			}
		}
	}
	require.GreaterOrEqual(t, len(kinds), 24, "%v", kinds)
}
