package page

import (
	"context"
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// mostDays is how many days a page shows at most.
const mostDays = 400

const day = compliance.Instant(24 * time.Hour / time.Microsecond)

// when is the time that a page is about.
type when struct {
	ask.Period

	// Pairs name it in an address.
	Pairs []string
	// Choices are the periods that there are.
	Choices []navItem
	// Tenant is set where it must be named.
	Tenant string
	// Kept are parameters that stay when another period is chosen.
	Kept []fact
}

// Hidden is what a form of filters keeps.
func (w *when) Hidden() (kept []fact) {
	if w.Tenant != "" {
		kept = append(kept, fact{"tenant", w.Tenant})
	}
	for i := 0; i+1 < len(w.Pairs); i += 2 {
		kept = append(kept, fact{w.Pairs[i], w.Pairs[i+1]})
	}
	return kept
}

// when is the time that the request asks for, cut to what the viewer may see: period,
// or from and to, or else the latest quarter that has items. The parameters that are named
// stay when somebody chooses another time.
func (v *visit) when(keep ...string) (*when, error) {
	choices, err := v.choices(v.ctx())
	if err != nil {
		return nil, err
	}
	w := &when{}
	if w.Period, err = v.askedPeriod(choices); err != nil {
		return nil, err
	}
	if (w.To-w.From)/day > mostDays {
		return nil, compliance.Errorf(compliance.Invalid, "%s has more than %d days: ask for a shorter time", w.Label, mostDays)
	}
	w.Pairs = pairsOf(w.Period)
	if len(v.Tenants) > 1 {
		w.Tenant = v.Tenant
	}
	var kept []string
	for _, name := range keep {
		if value := v.param(name); value != "" {
			w.Kept, kept = append(w.Kept, fact{name, value}), append(kept, name, value)
		}
	}
	for _, c := range choices {
		w.Choices = append(w.Choices, navItem{c.Label, v.to(v.request.URL.EscapedPath(), append([]string{"period", c.Label}, kept...)...), c == w.Period})
	}
	return w, nil
}

// choices are a bound viewer's periods, else the quarters with items, the latest last.
func (v *visit) choices(ctx context.Context) ([]ask.Period, error) {
	if v.Bound() {
		own := slices.Clone(v.Periods)
		slices.SortStableFunc(own, func(a, b ask.Period) int { return int(min(max(a.To-b.To, -1), 1)) })
		return own, nil
	}
	got, err := listing.Quarters(ctx, v.asker)
	if err != nil {
		return nil, err
	}
	var periods []ask.Period
	for _, q := range got.Rows {
		periods = append(periods, quarter(q.First))
	}
	if len(periods) == 0 {
		periods = append(periods, quarter(v.Now()))
	}
	const shown = 12
	return periods[max(0, len(periods)-shown):], nil
}

// around names a period with an instant in it that the viewer may see: the quarter, or
// a bound viewer's own.
func (v *visit) around(t compliance.Instant) string {
	if !v.Bound() {
		return quarter(t.Time()).Label
	}
	for _, p := range v.Periods {
		if p.From <= t && t < p.To {
			return p.Label
		}
	}
	return ""
}

func quarter(t time.Time) ask.Period {
	t = t.UTC()
	p, err := ask.ParsePeriod(fmt.Sprintf("%04d-Q%d", t.Year(), (int(t.Month())+2)/3))
	if err != nil { // a year beyond 9999
		from, to := ask.Always()
		return ask.Period{Label: "always", From: from, To: to}
	}
	return p
}

func (v *visit) askedPeriod(choices []ask.Period) (ask.Period, error) {
	label, from, to := v.param("period"), v.param("from"), v.param("to")
	var p ask.Period
	var err error
	switch {
	case label != "" && (from != "" || to != ""):
		return p, compliance.Errorf(compliance.Invalid, "period and from, to say the same thing twice: use one of them")
	case label != "":
		p, err = ask.ParsePeriod(label)
	case from != "" || to != "":
		p, err = ask.Between(from, to)
	case len(choices) > 0:
		p = choices[len(choices)-1]
	default:
		return p, compliance.Errorf(compliance.Forbidden, "there is no period that you may see")
	}
	if err != nil {
		return p, err
	}
	return v.clipped(p)
}

// clipped is the part of a period that the viewer may see, named for what it is.
func (v *visit) clipped(p ask.Period) (ask.Period, error) {
	first, last := ask.Always()
	from, to := max(p.From, first), min(p.To, last)
	if from >= to {
		return p, compliance.Errorf(compliance.Invalid, "%s is outside of 1900 to 2298", p.Label)
	}
	from, to, err := v.Clip(from, to)
	if err != nil {
		return p, err
	}
	if from != p.From || to != p.To {
		p = ask.Period{Label: exact(from) + "/" + exact(to), From: from, To: to}
	}
	return p, nil
}

// pairsOf are the parameters that name a period.
func pairsOf(p ask.Period) []string {
	if named, err := ask.ParsePeriod(p.Label); err == nil && named == p {
		return []string{"period", p.Label}
	}
	return []string{"from", exact(p.From), "to", exact(p.To)}
}

// with are the parameters of the period and others, for an address.
func (w *when) with(pairs ...string) []string { return append(slices.Clone(w.Pairs), pairs...) }

// Title names the period for people.
func (w *when) Title() string { return titleOf(w.Period) }

func titleOf(p ask.Period) string {
	if hasName(p) {
		return p.Label
	}
	return moment(p.From) + " to " + moment(p.To)
}

// wholeDays refuses times within days, which counts by day can't answer for.
func (w *when) wholeDays() error {
	if w.From%day != 0 || w.To%day != 0 {
		return compliance.Errorf(compliance.Invalid, "counts are by whole days, UTC: let from and to be dates")
	}
	return nil
}

// dates are the days of the period, UTC.
func (w *when) dates() (dates []time.Time) {
	for t := w.From.Time().Truncate(24 * time.Hour); compliance.InstantOf(t) < w.To; t = t.AddDate(0, 0, 1) {
		dates = append(dates, t)
	}
	return dates
}
