package report

import (
	"context"
	"slices"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/report/table"
)

// Rates are a control's items in the parts of a period.
type Rates struct {
	Days   []Part `json:"days" nullable:"false"`
	Weeks  []Part `json:"weeks" nullable:"false"`
	Months []Part `json:"months" nullable:"false"`
}

// Part is what a control's items of a day, a week from Monday or a month were, UTC. The
// first and the last may lie in the period in part.
type Part struct {
	Control string             `json:"control"`
	Start   compliance.Instant `json:"start"`
	Counts
}

type partRow struct {
	Control       string    `ch:"control"`
	Start         time.Time `ch:"start"`
	Items         int64     `ch:"items"`
	Pass          int64     `ch:"pass"`
	Deviation     int64     `ch:"deviation"`
	Waived        int64     `ch:"waived"`
	Inconclusive  int64     `ch:"inconclusive"`
	NotApplicable int64     `ch:"not_applicable"`
	Pending       int64     `ch:"pending"`
}

func (r *partRow) part() Part {
	p := Part{Control: r.Control, Start: compliance.InstantOf(r.Start), Counts: Counts{
		Pass: r.Pass, Deviation: r.Deviation, Waived: r.Waived, Inconclusive: r.Inconclusive, NotApplicable: r.NotApplicable, Pending: r.Pending,
	}}
	p.finish()
	return p
}

// askParts asks for a period's counts by day; weeks and months are sums of days.
func askParts(ctx context.Context, a *ask.Inquiry, p ask.Period) (Rates, error) {
	days, err := told(ctx, a, "rates_by_day", p, (*partRow).part)
	if err != nil {
		return Rates{}, err
	}
	return Rates{Days: days, Weeks: summed(days, monday), Months: summed(days, firstOfMonth)}, nil
}

func monday(day time.Time) time.Time {
	const week = 7
	return day.AddDate(0, 0, -(int(day.Weekday())+week-1)%week)
}

func firstOfMonth(day time.Time) time.Time { return day.AddDate(0, 0, 1-day.Day()) }

// summed adds days, which lie in the order of (control, start), to what they are part of.
func summed(days []Part, of func(time.Time) time.Time) []Part {
	sums := []Part{}
	for i := range days {
		d := &days[i]
		start := compliance.InstantOf(of(d.Start.Time()))
		if n := len(sums); n == 0 || sums[n-1].Control != d.Control || sums[n-1].Start != start {
			sums = append(sums, Part{Control: d.Control, Start: start})
		}
		sums[len(sums)-1].Plus(&d.Counts)
	}
	for i := range sums {
		sums[i].finish()
	}
	return sums
}

// Remediation is how long deviations of a control stood, from the item's time to its
// remedy, waived ones included. The times are 0 if none was remedied.
type Remediation struct {
	Control    string       `json:"control"`
	Deviations int64        `json:"deviations"`
	Remediated int64        `json:"remediated"`
	Shortest   ask.Duration `json:"shortest"`
	Median     ask.Duration `json:"median"`
	Longest    ask.Duration `json:"longest"`
}

type remediationRow struct {
	Control    string `ch:"control"`
	Deviations int64  `ch:"deviations"`
	Remediated int64  `ch:"remediated"`
	Shortest   int64  `ch:"shortest"`
	Median     int64  `ch:"median"`
	Longest    int64  `ch:"longest"`
}

func (r *remediationRow) remediation() Remediation {
	took := func(micros int64) ask.Duration { return ask.Duration(micros) * ask.Duration(time.Microsecond) }
	return Remediation{r.Control, r.Deviations, r.Remediated, took(r.Shortest), took(r.Median), took(r.Longest)}
}

// ofBundle leaves out what is of controls that the bundle doesn't hold.
func (a *answers) ofBundle(bundle *control.Bundle) (Rates, []Remediation) {
	foreign := func(p Part) bool { return bundle.Control(p.Control) == nil }
	for _, parts := range []*[]Part{&a.rates.Days, &a.rates.Weeks, &a.rates.Months} {
		*parts = slices.DeleteFunc(*parts, foreign)
	}
	return a.rates, slices.DeleteFunc(a.remedies, func(r Remediation) bool { return bundle.Control(r.Control) == nil })
}

// lasted is a duration in a table; nil if nothing was measured.
func lasted(d ask.Duration, measured bool) any {
	if !measured {
		return nil
	}
	return table.Span(d)
}
