package report_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// walk reads all pages of a list, and calls between before each but the first.
func walk[Row any](w *world, l *report.List[Row], limit int, between func()) (rows []Row) {
	w.Helper()
	f := report.Filter{Limit: limit}
	f.From, f.To = report.Always()
	var p report.Page
	for {
		got, asOf, err := l.Page(w.Context(), asker(w), f, p)
		require.NoError(w, err)
		rows = append(rows, got.Rows...)
		if len(got.Rows) < limit {
			return rows
		}
		p = report.Page{AsOf: asOf, After: l.Place(&got.Rows[len(got.Rows)-1])}
		between()
	}
}

// Rows that arrive while somebody pages come into no page, and move none.
func TestPagesOfItemsWhileRowsArrive(t *testing.T) {
	w := newWorld(t)
	for i := range 25 {
		w.say(said{control: "AC-01", item: fmt.Sprintf("i%02d", i), at: "2026-07-01", outcome: compliance.Pass})
	}
	n := 0
	got := walk(w, report.ItemList(), 4, func() {
		n++
		w.say(said{control: "AC-01", item: fmt.Sprintf("new%d", n), at: "2026-09-01", outcome: compliance.Pass})
		// An item that was or wasn't shown yet says something else, and happened at another time.
		w.say(said{
			control: "AC-01", item: fmt.Sprintf("i%02d", n*3), at: "2026-08-01", outcome: compliance.Deviation, revision: 2,
			before: &said{at: "2026-07-01", outcome: compliance.Pass},
		})
	})
	require.Len(t, got, 25)
	for i, f := range got {
		require.Equal(t, fmt.Sprintf("i%02d", i), f.Item.ID)
		require.Equal(t, compliance.Pass, f.Outcome)
	}
}

func TestPagesOfEventsAndTheRest(t *testing.T) {
	w := newWorld(t)
	var events []compliance.Event
	for i := range 10 {
		events = append(events, compliance.Event{Source: "/idp", ID: fmt.Sprintf("e%d", i/2), Type: "access.login", Time: at("2026-07-01"), Data: map[string]any{"n": i}})
	}
	w.event(events...)
	got := walk(w, report.EventList(), 3, func() {
		w.event(compliance.Event{Source: "/idp", ID: "z", Type: "access.login", Time: at("2026-07-02"), Data: map[string]any{}})
	})
	require.Len(t, got, 10)
	places := map[int64]bool{}
	for _, e := range got {
		places[e.Offset] = true
	}
	require.Len(t, places, 10)
	require.Len(t, walk(w, report.ConflictList(), 2, func() {}), 5)

	exec := func(sql string) { require.NoError(t, w.conn.Exec(t.Context(), sql)) }
	exec("INSERT INTO violations (tenant, control, item_id, item_time, revision, id, known_at, value) SELECT 'default', 'AC-01', toString(number), '2026-07-01', 1, toString(number), '2026-07-02', '{}' FROM numbers(7)")
	exec("INSERT INTO rejected (tenant, at, by, code) SELECT 'default', '2026-07-01', 'collector', toString(number) FROM numbers(7)")
	exec("INSERT INTO deliveries (tenant, target, at, id) SELECT 'default', 'slack', '2026-07-01', toString(number) FROM numbers(7)")
	exec("INSERT INTO deliveries (tenant, target, at, id) SELECT 'other', 'slack', '2026-07-01', 'x'")
	require.Len(t, walk(w, report.ViolationList(), 2, func() {}), 7)
	require.Len(t, walk(w, report.RejectedList(), 2, func() {}), 7)
	require.Len(t, walk(w, report.DeliveryList(), 2, func() {}), 7)
}

// Pages of any time, however small, are together what a look through all revisions gives:
// also of items that moved, and that were said anew since.
func TestPagesAreTheWholeList(t *testing.T) {
	all := newWorld(t)
	moved := 0
	for seed := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, 11))
		w := all.as(t, fmt.Sprintf("pages-%d", seed))
		revisions, _ := history(r)
		w.say(revisions...)
		for range 3 {
			f := report.Filter{
				From: at("2026-06-28").Add(time.Duration(r.IntN(20*24)) * time.Hour), To: at("2026-08-20"), Limit: 1 + r.IntN(4),
				Control: []string{"", "CH-01"}[r.IntN(2)], Outcome: []string{"", "deviation"}[r.IntN(2)],
			}
			asOf := at("2026-07-01").Add(time.Duration(r.IntN(60*24)) * time.Hour)
			want := saidThen(revisions, f, asOf)
			var got []string
			p := report.Page{AsOf: asOf}
			for {
				page, _, err := report.ItemList().Page(t.Context(), asker(w), f, p)
				require.NoError(t, err)
				for i := range page.Rows {
					row := &page.Rows[i]
					got = append(got, fmt.Sprintf("%s %s %s %d", row.Control, row.Item.Time, row.Item.ID, row.Revision))
				}
				if len(page.Rows) < f.Limit {
					break
				}
				p.After = report.ItemList().Place(&page.Rows[len(page.Rows)-1])
			}
			require.Equal(t, want, got, "seed %d, %+v as of %s", seed, f, asOf)
		}
		for _, s := range revisions {
			if s.before != nil && s.before.at != s.at {
				moved++
			}
		}
	}
	require.Greater(t, moved, 20)
}

// saidThen are the items of a filter as of a time, by control, time and id.
func saidThen(revisions []said, f report.Filter, asOf compliance.Instant) (lines []string) {
	last := map[string]said{}
	for _, s := range revisions {
		if key := s.control + s.item; s.known <= asOf && s.revision > last[key].revision {
			last[key] = s
		}
	}
	var list []said
	for _, s := range last {
		when := at(s.at)
		if when >= f.From && when < f.To && (f.Control == "" || s.control == f.Control) && (f.Outcome == "" || string(s.outcome) == f.Outcome) {
			list = append(list, s)
		}
	}
	slices.SortFunc(list, func(a, b said) int {
		return cmp.Or(cmp.Compare(a.control, b.control), cmp.Compare(at(a.at), at(b.at)), cmp.Compare(a.item, b.item))
	})
	for _, s := range list {
		lines = append(lines, fmt.Sprintf("%s %s %s %d", s.control, at(s.at), s.item, s.revision))
	}
	return lines
}
