package page

import (
	"fmt"
	"strings"
	"time"

	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
	"assay.example/assay/services/console/internal/chart"
)

// tally counts items by what is said of them.
type tally struct{ report.Counts }

func (t *tally) add(c *listing.DayCount) {
	switch c.Outcome {
	case compliance.Pass:
		t.Pass += c.Items
	case compliance.Deviation:
		t.Deviation += c.Items
		if c.Remediated {
			t.Remediated += c.Items
		}
	case compliance.Waived:
		t.Waived += c.Items
	case compliance.NotApplicable:
		t.NotApplicable += c.Items
	case compliance.Pending:
		t.Pending += c.Items
	case compliance.Withdrawn:
		t.Withdrawn += c.Items
	case compliance.Inconclusive:
		t.Inconclusive += c.Items
	default: // a word of a later release: unknown is never a pass
		t.Inconclusive += c.Items
	}
}

// Items is N: all but those withdrawn from the population.
func (t *tally) Items() int64 {
	return t.Pass + t.Deviation + t.Waived + t.Inconclusive + t.NotApplicable + t.Pending
}

// Tested are those that have an outcome that a rate can be of.
func (t *tally) Tested() int64 { return t.Pass + t.Deviation + t.Waived }

// Rate is the share of deviations among those tested, waived ones included.
func (t *tally) Rate() string { return share(t.Deviation+t.Waived, t.Tested()) }

// WorstCase is the rate if all that isn't known were deviations.
func (t *tally) WorstCase() string {
	return share(t.Deviation+t.Waived+t.Unknown(), t.Tested()+t.Unknown())
}

func share(part, of int64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f %%", 100*float64(part)/float64(of))
}

// State is the worst that is among them. Unknown is worse than waived and pass.
func (t *tally) State() chart.State {
	switch {
	case t.Deviation > 0:
		return chart.Deviation
	case t.Unknown() > 0:
		return chart.Unknown
	case t.Waived > 0:
		return chart.Waived
	case t.Pass > 0:
		return chart.Pass
	}
	return chart.Nothing
}

// String is what they are, in words, the worst first.
func (t *tally) String() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		word string
	}{
		{t.Deviation, "deviation"},
		{t.Inconclusive, "inconclusive"},
		{t.Pending, "pending"},
		{t.Waived, "waived"},
		{t.Pass, "pass"},
		{t.NotApplicable, "not applicable"},
	} {
		if p.n == 0 {
			continue
		}
		if p.word == "deviation" {
			parts = append(parts, plural(p.n, p.word))
		} else {
			parts = append(parts, count(p.n)+" "+p.word)
		}
	}
	if len(parts) == 0 {
		return "nothing happened"
	}
	return strings.Join(parts, ", ")
}

// dayTally is a tally of a day.
type dayTally struct {
	tally

	Date time.Time
}

// history is what one control's items were, day by day and altogether.
type history struct {
	All  tally
	Days map[time.Time]*dayTally
	// Reasons counts what is no plain pass, in the order of outcomes.
	Reasons []report.Reason
}

// histories sorts counts by control.
func histories(rows []listing.DayCount) map[string]*history {
	by := map[string]*history{}
	for i := range rows {
		r := &rows[i]
		h := by[r.Control]
		if h == nil {
			h = &history{Days: map[time.Time]*dayTally{}}
			by[r.Control] = h
		}
		d := h.Days[r.Day]
		if d == nil {
			d = &dayTally{Date: r.Day}
			h.Days[r.Day] = d
		}
		d.add(r)
		h.All.add(r)
		h.reason(r)
	}
	return by
}

func (h *history) reason(r *listing.DayCount) {
	if r.Outcome == compliance.Pass {
		return
	}
	var at *report.Reason
	for i := range h.Reasons {
		if h.Reasons[i].Outcome == r.Outcome && h.Reasons[i].Reason == r.Reason {
			at = &h.Reasons[i]
		}
	}
	if at == nil {
		h.Reasons = append(h.Reasons, report.Reason{Outcome: r.Outcome, Reason: r.Reason})
		at = &h.Reasons[len(h.Reasons)-1]
	}
	at.Items += r.Items
	if r.Remediated {
		at.Remediated += r.Items
	}
}

// days are those of a period as a chart draws them. Known is how far the record reaches;
// link gives a day's address.
func (h *history) days(w *when, known compliance.Instant, link func(time.Time) string) []chart.Day {
	var days []chart.Day
	for _, date := range w.dates() {
		d := chart.Day{Date: date, State: chart.Nothing}
		if h != nil && h.Days[date] != nil {
			t := h.Days[date]
			d.State, d.Also = t.State(), t.Unknown() > 0 && t.State() != chart.Unknown
			d.Tip = date.Format("Mon 2 Jan 2006") + ": " + t.String()
			d.Link = link(date)
		} else if compliance.InstantOf(date) > known {
			d.State = chart.Beyond
		}
		days = append(days, d)
	}
	return days
}
