package listing_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// walk reads all pages of a list, and calls between before each but the first.
func walk[Row any](w *asktest.World, l *listing.Pages[Row], limit int, between func()) (rows []Row) {
	w.Helper()
	f := listing.Filter{Limit: limit}
	f.From, f.To = ask.Always()
	var p listing.Page
	for {
		got, asOf, err := l.Page(w.Context(), w.Asker(), f, p)
		require.NoError(w, err)
		rows = append(rows, got.Rows...)
		if len(got.Rows) < limit {
			return rows
		}
		p = listing.Page{AsOf: asOf, After: l.Place(&got.Rows[len(got.Rows)-1])}
		between()
	}
}

// Rows that arrive while somebody pages come into no page, and move none.
func TestPagesOfItemsWhileRowsArrive(t *testing.T) {
	w := asktest.New(t)
	for i := range 25 {
		w.Say(asktest.Said{Control: "AC-01", Item: fmt.Sprintf("i%02d", i), At: "2026-07-01", Outcome: compliance.Pass})
	}
	n := 0
	got := walk(w, listing.ItemPages(), 4, func() {
		n++
		w.Say(asktest.Said{Control: "AC-01", Item: fmt.Sprintf("new%d", n), At: "2026-09-01", Outcome: compliance.Pass})
		// An item that was or wasn't shown yet says something else, and happened at another time.
		w.Say(asktest.Said{
			Control: "AC-01", Item: fmt.Sprintf("i%02d", n*3), At: "2026-08-01", Outcome: compliance.Deviation, Revision: 2,
			Before: &asktest.Said{At: "2026-07-01", Outcome: compliance.Pass},
		})
	})
	require.Len(t, got, 25)
	for i, f := range got {
		require.Equal(t, fmt.Sprintf("i%02d", i), f.Item.ID)
		require.Equal(t, compliance.Pass, f.Outcome)
	}
}

func TestPagesOfEventsAndTheRest(t *testing.T) {
	w := asktest.New(t)
	var events []compliance.Event
	for i := range 10 {
		events = append(events, compliance.Event{Source: "/idp", ID: fmt.Sprintf("e%d", i/2), Type: "access.login", Time: asktest.At("2026-07-01"), Data: map[string]any{"n": i}})
	}
	w.Event(events...)
	got := walk(w, listing.EventPages(), 3, func() {
		w.Event(compliance.Event{Source: "/idp", ID: "z", Type: "access.login", Time: asktest.At("2026-07-02"), Data: map[string]any{}})
	})
	require.Len(t, got, 10)
	places := map[int64]bool{}
	for _, e := range got {
		places[e.Offset] = true
	}
	require.Len(t, places, 10)
	require.Len(t, walk(w, listing.ConflictPages(), 2, func() {}), 5)

	exec := func(sql string) { require.NoError(t, w.Conn.Exec(t.Context(), sql)) }
	exec("INSERT INTO violations (tenant, control, item_id, item_time, revision, id, known_at, value) SELECT 'default', 'AC-01', toString(number), '2026-07-01', 1, toString(number), '2026-07-02', '{}' FROM numbers(7)")
	exec("INSERT INTO rejected (tenant, at, by, code) SELECT 'default', '2026-07-01', 'collector', toString(number) FROM numbers(7)")
	exec("INSERT INTO deliveries (tenant, target, at, id) SELECT 'default', 'slack', '2026-07-01', toString(number) FROM numbers(7)")
	exec("INSERT INTO deliveries (tenant, target, at, id) SELECT 'other', 'slack', '2026-07-01', 'x'")
	require.Len(t, walk(w, listing.ViolationPages(), 2, func() {}), 7)
	require.Len(t, walk(w, listing.RejectedPages(), 2, func() {}), 7)
	require.Len(t, walk(w, listing.DeliveryPages(), 2, func() {}), 7)
}

// Pages of any time, however small, are together what a look through all revisions gives:
// also of items that moved, and that were said anew since.
func TestPagesAreTheWholeList(t *testing.T) {
	all := asktest.New(t)
	moved := 0
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := all.As(t, fmt.Sprintf("pages-%d", seed))
		revisions, _ := asktest.History(r)
		w.Say(revisions...)
		for range 3 {
			f := listing.Filter{
				From: asktest.At("2026-06-28").Add(time.Duration(r.IntN(20*24)) * time.Hour), To: asktest.At("2026-08-20"), Limit: 1 + r.IntN(4),
				Control: []string{"", "CH-01"}[r.IntN(2)], Outcome: []string{"", "deviation"}[r.IntN(2)],
			}
			asOf := asktest.At("2026-07-01").Add(time.Duration(r.IntN(60*24)) * time.Hour)
			want := saidThen(revisions, f, asOf)
			var got []string
			p := listing.Page{AsOf: asOf}
			for {
				page, _, err := listing.ItemPages().Page(t.Context(), w.Asker(), f, p)
				require.NoError(t, err)
				for i := range page.Rows {
					row := &page.Rows[i]
					got = append(got, fmt.Sprintf("%s %s %s %d", row.Control, row.Item.Time, row.Item.ID, row.Revision))
				}
				if len(page.Rows) < f.Limit {
					break
				}
				p.After = listing.ItemPages().Place(&page.Rows[len(page.Rows)-1])
			}
			require.Equal(t, want, got, "seed %d, %+v as of %s", seed, f, asOf)
		}
		for _, s := range revisions {
			if s.Before != nil && s.Before.At != s.At {
				moved++
			}
		}
	}
	require.Greater(t, moved, 20)
}

// saidThen are the items of a filter as of a time, by control, time and id.
func saidThen(revisions []asktest.Said, f listing.Filter, asOf compliance.Instant) (lines []string) {
	last := map[string]asktest.Said{}
	for _, s := range revisions {
		if key := s.Control + s.Item; s.Known <= asOf && s.Revision > last[key].Revision {
			last[key] = s
		}
	}
	var list []asktest.Said
	for _, s := range last {
		when := asktest.At(s.At)
		if when >= f.From && when < f.To && (f.Control == "" || s.Control == f.Control) && (f.Outcome == "" || string(s.Outcome) == f.Outcome) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b asktest.Said) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(asktest.At(a.At), asktest.At(b.At)), cmp.Compare(a.Item, b.Item))
	})
	for _, s := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", s.Control, asktest.At(s.At), s.Item, s.Revision))
	}
	return lines
}
