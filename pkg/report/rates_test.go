package report_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// Parts of a period hold what a loop over its items counts, at its borders too, now and as
// of a time; and together they hold what the whole report does.
func TestRatesAreCounted(t *testing.T) {
	all := newWorld(t)
	for seed := range uint64(3) {
		w := all.as(t, fmt.Sprintf("rates-%d", seed))
		revisions, _ := history(rand.New(rand.NewPCG(seed, 3)))
		w.say(revisions...)
		w.say(
			said{control: "CH-01", item: "first", at: "2026-07-01", outcome: compliance.Pass},
			said{control: "CH-01", item: "last", at: "2026-07-31T23:59:59.999999Z", outcome: compliance.Deviation, reason: "no_approval"},
			said{control: "CH-01", item: "after", at: "2026-08-01", outcome: compliance.Deviation, reason: "no_approval"},
			said{control: "CH-01", item: "later", at: "2026-07-05", outcome: "of_a_later_release"},
		)
		for _, then := range []compliance.Instant{0, at("2026-07-20T06:00:00Z")} {
			r := w.report("2026-07", func(p *report.Params) { p.AsOf = then })
			known := append(slices.Clone(revisions),
				said{control: "CH-01", item: "first", at: "2026-07-01", outcome: compliance.Pass, known: at("2026-07-01T01:00:00Z")},
				said{control: "CH-01", item: "last", at: "2026-07-31T23:59:59.999999Z", outcome: compliance.Deviation, known: at("2026-08-01T01:00:00Z")},
				said{control: "CH-01", item: "later", at: "2026-07-05", outcome: compliance.Inconclusive, known: at("2026-07-05T01:00:00Z")})
			now := then
			if now == 0 {
				now = compliance.Never
			}
			items := lastSaid(known, now)
			requireParts(t, items, r, r.Rates.Days, func(d time.Time) time.Time { return d.Truncate(24 * time.Hour) })
			requireParts(t, items, r, r.Rates.Weeks, func(d time.Time) time.Time {
				day := d.Truncate(24 * time.Hour)
				return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
			})
			requireParts(t, items, r, r.Rates.Months, func(d time.Time) time.Time { return time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC) })
		}
	}
}

func requireParts(t *testing.T, items map[string]said, r *report.Report, got []report.Part, start func(time.Time) time.Time) {
	t.Helper()
	want := map[string]map[compliance.Outcome]int64{}
	for _, s := range items {
		when := at(s.at)
		if when < r.Period.From || when >= r.Period.To || s.outcome == compliance.Withdrawn {
			continue
		}
		key := s.control + " " + start(when.Time()).Format(time.DateOnly)
		if want[key] == nil {
			want[key] = map[compliance.Outcome]int64{}
		}
		want[key][s.outcome]++
	}
	sums := map[string]int64{}
	for _, p := range got {
		key := p.Control + " " + p.Start.Time().Format(time.DateOnly)
		require.Equal(t, want[key], outcomes(&p.Counts), key)
		delete(want, key)
		sums[p.Control] += p.Items
	}
	require.Empty(t, want)
	for i := range r.Controls {
		require.Equal(t, r.Controls[i].Counts.Items, sums[r.Controls[i].ID], r.Controls[i].ID)
	}
}

func outcomes(c *report.Counts) map[compliance.Outcome]int64 {
	said := map[compliance.Outcome]int64{
		compliance.Pass: c.Pass, compliance.Deviation: c.Deviation, compliance.Waived: c.Waived, compliance.Inconclusive: c.Inconclusive,
		compliance.NotApplicable: c.NotApplicable, compliance.Pending: c.Pending,
	}
	for outcome, n := range said {
		if n == 0 {
			delete(said, outcome)
		}
	}
	return said
}

// Times to remediate are from the item's time to its remedy; what was never remedied is
// counted and has no time.
func TestTimeToRemediate(t *testing.T) {
	w := newWorld(t)
	w.say(
		said{control: "CH-01", item: "a", at: "2026-07-01", outcome: compliance.Deviation, reason: "x", remediated: "2026-07-01T00:00:01.5Z"},
		said{control: "CH-01", item: "b", at: "2026-07-02", outcome: compliance.Waived, reason: "x", remediated: "2026-07-03"},
		said{control: "CH-01", item: "c", at: "2026-07-31T23:00:00Z", outcome: compliance.Deviation, reason: "x", remediated: "2026-08-30T23:00:00Z"},
		said{control: "CH-01", item: "d", at: "2026-07-04", outcome: compliance.Deviation, reason: "x", remediated: "2026-07-06"},
		said{control: "CH-01", item: "e", at: "2026-07-05", outcome: compliance.Deviation, reason: "x"},
		said{control: "CH-01", item: "f", at: "2026-07-05", outcome: compliance.Pass, remediated: "2026-07-06"},
		said{control: "CH-01", item: "g", at: "2026-08-01", outcome: compliance.Deviation, reason: "x", remediated: "2026-08-02"},
		said{control: "AC-01", item: "h", at: "2026-07-05", outcome: compliance.Deviation, reason: "x"},
	)
	const day = report.Duration(24 * time.Hour)
	r := w.report("2026-07")
	require.Equal(t, []report.Remediation{
		{Control: "AC-01", Deviations: 1},
		{Control: "CH-01", Deviations: 5, Remediated: 4, Shortest: report.Duration(1500 * time.Millisecond), Median: day, Longest: 30 * day},
	}, r.Remediation)
	then := w.report("2026-07", func(p *report.Params) { p.AsOf = at("2026-07-02T00:59:59Z") })
	require.Equal(t, []report.Remediation{
		{Control: "CH-01", Deviations: 1, Remediated: 1, Shortest: report.Duration(1500 * time.Millisecond), Median: report.Duration(1500 * time.Millisecond), Longest: report.Duration(1500 * time.Millisecond)},
	}, then.Remediation)
}

// A deviation was found when it was first known to be one, whatever was said since.
func TestFound(t *testing.T) {
	w := newWorld(t)
	first := said{control: "CH-01", item: "a", at: "2026-07-01", outcome: compliance.Pending, known: at("2026-07-01T01:00:00Z")}
	second := said{control: "CH-01", item: "a", at: "2026-07-01", outcome: compliance.Deviation, reason: "x", revision: 2, known: at("2026-07-02"), before: &first}
	third := said{control: "CH-01", item: "a", at: "2026-07-01", outcome: compliance.Waived, reason: "x", revision: 3, known: at("2026-07-09"), before: &second}
	w.say(first, second, third, said{control: "CH-01", item: "b", at: "2026-07-01", outcome: compliance.Deviation, reason: "x", known: at("2026-07-03")},
		said{control: "CH-01", item: "b", at: "2026-07-01", outcome: compliance.Pass, revision: 2, known: at("2026-07-04")})
	c := find(t, w.report("2026-07"), "CH-01")
	require.Len(t, c.Deviations, 1)
	require.Equal(t, at("2026-07-02"), c.Deviations[0].FoundAt)
	require.Equal(t, compliance.Waived, c.Deviations[0].Outcome)
}
