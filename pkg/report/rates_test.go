package report_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// Parts of a period hold what a loop over its items counts, at its borders too, now and as
// of a time; and together they hold what the whole report does.
func TestRatesAreCounted(t *testing.T) {
	all := asktest.New(t)
	for seed := range uint64(3) {
		w := all.As(t, fmt.Sprintf("rates-%d", seed))
		revisions, _ := asktest.History(rand.New(rand.NewPCG(seed, 3)))
		w.Say(revisions...)
		w.Say(
			asktest.Said{Control: "CH-01", Item: "first", At: "2026-07-01", Outcome: compliance.Pass},
			asktest.Said{Control: "CH-01", Item: "last", At: "2026-07-31T23:59:59.999999Z", Outcome: compliance.Deviation, Reason: "no_approval"},
			asktest.Said{Control: "CH-01", Item: "after", At: "2026-08-01", Outcome: compliance.Deviation, Reason: "no_approval"},
			asktest.Said{Control: "CH-01", Item: "later", At: "2026-07-05", Outcome: "of_a_later_release"},
		)
		for _, then := range []compliance.Instant{0, asktest.At("2026-07-20T06:00:00Z")} {
			r := reported(w, "2026-07", func(p *report.Params) { p.AsOf = then })
			known := append(slices.Clone(revisions),
				asktest.Said{Control: "CH-01", Item: "first", At: "2026-07-01", Outcome: compliance.Pass, Known: asktest.At("2026-07-01T01:00:00Z")},
				asktest.Said{Control: "CH-01", Item: "last", At: "2026-07-31T23:59:59.999999Z", Outcome: compliance.Deviation, Known: asktest.At("2026-08-01T01:00:00Z")},
				asktest.Said{Control: "CH-01", Item: "later", At: "2026-07-05", Outcome: compliance.Inconclusive, Known: asktest.At("2026-07-05T01:00:00Z")})
			now := then
			if now == 0 {
				now = compliance.Never
			}
			items := asktest.LastSaid(known, now)
			requireParts(t, items, r, r.Rates.Days, func(d time.Time) time.Time { return d.Truncate(24 * time.Hour) })
			requireParts(t, items, r, r.Rates.Weeks, func(d time.Time) time.Time {
				day := d.Truncate(24 * time.Hour)
				return day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
			})
			requireParts(t, items, r, r.Rates.Months, func(d time.Time) time.Time { return time.Date(d.Year(), d.Month(), 1, 0, 0, 0, 0, time.UTC) })
		}
	}
}

func requireParts(t *testing.T, items map[string]asktest.Said, r *report.Report, got []report.Part, start func(time.Time) time.Time) {
	t.Helper()
	want := map[string]map[compliance.Outcome]int64{}
	for _, s := range items {
		when := asktest.At(s.At)
		if when < r.Period.From || when >= r.Period.To || s.Outcome == compliance.Withdrawn {
			continue
		}
		key := s.Control + " " + start(when.Time()).Format(time.DateOnly)
		if want[key] == nil {
			want[key] = map[compliance.Outcome]int64{}
		}
		want[key][s.Outcome]++
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
	w := asktest.New(t)
	w.Say(
		asktest.Said{Control: "CH-01", Item: "a", At: "2026-07-01", Outcome: compliance.Deviation, Reason: "x", Remediated: "2026-07-01T00:00:01.5Z"},
		asktest.Said{Control: "CH-01", Item: "b", At: "2026-07-02", Outcome: compliance.Waived, Reason: "x", Remediated: "2026-07-03"},
		asktest.Said{Control: "CH-01", Item: "c", At: "2026-07-31T23:00:00Z", Outcome: compliance.Deviation, Reason: "x", Remediated: "2026-08-30T23:00:00Z"},
		asktest.Said{Control: "CH-01", Item: "d", At: "2026-07-04", Outcome: compliance.Deviation, Reason: "x", Remediated: "2026-07-06"},
		asktest.Said{Control: "CH-01", Item: "e", At: "2026-07-05", Outcome: compliance.Deviation, Reason: "x"},
		asktest.Said{Control: "CH-01", Item: "f", At: "2026-07-05", Outcome: compliance.Pass, Remediated: "2026-07-06"},
		asktest.Said{Control: "CH-01", Item: "g", At: "2026-08-01", Outcome: compliance.Deviation, Reason: "x", Remediated: "2026-08-02"},
		asktest.Said{Control: "AC-01", Item: "h", At: "2026-07-05", Outcome: compliance.Deviation, Reason: "x"},
	)
	const day = ask.Duration(24 * time.Hour)
	r := reported(w, "2026-07")
	require.Equal(t, []report.Remediation{
		{Control: "AC-01", Deviations: 1},
		{Control: "CH-01", Deviations: 5, Remediated: 4, Shortest: ask.Duration(1500 * time.Millisecond), Median: day, Longest: 30 * day},
	}, r.Remediation)
	then := reported(w, "2026-07", func(p *report.Params) { p.AsOf = asktest.At("2026-07-02T00:59:59Z") })
	require.Equal(t, []report.Remediation{
		{Control: "CH-01", Deviations: 1, Remediated: 1, Shortest: ask.Duration(1500 * time.Millisecond), Median: ask.Duration(1500 * time.Millisecond), Longest: ask.Duration(1500 * time.Millisecond)},
	}, then.Remediation)
}

// A deviation was found when it was first known to be one, whatever was said since.
func TestFound(t *testing.T) {
	w := asktest.New(t)
	first := asktest.Said{Control: "CH-01", Item: "a", At: "2026-07-01", Outcome: compliance.Pending, Known: asktest.At("2026-07-01T01:00:00Z")}
	second := asktest.Said{Control: "CH-01", Item: "a", At: "2026-07-01", Outcome: compliance.Deviation, Reason: "x", Revision: 2, Known: asktest.At("2026-07-02"), Before: &first}
	third := asktest.Said{Control: "CH-01", Item: "a", At: "2026-07-01", Outcome: compliance.Waived, Reason: "x", Revision: 3, Known: asktest.At("2026-07-09"), Before: &second}
	w.Say(first, second, third, asktest.Said{Control: "CH-01", Item: "b", At: "2026-07-01", Outcome: compliance.Deviation, Reason: "x", Known: asktest.At("2026-07-03")},
		asktest.Said{Control: "CH-01", Item: "b", At: "2026-07-01", Outcome: compliance.Pass, Revision: 2, Known: asktest.At("2026-07-04")})
	c := find(t, reported(w, "2026-07"), "CH-01")
	require.Len(t, c.Deviations, 1)
	require.Equal(t, asktest.At("2026-07-02"), c.Deviations[0].FoundAt)
	require.Equal(t, compliance.Waived, c.Deviations[0].Outcome)
}
