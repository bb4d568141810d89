package control

import (
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/compliance"
)

// Calendar says which days are worked.
type Calendar struct {
	weekend  [7]bool // by time.Weekday
	holidays map[string]bool
}

// Workdays are a calendar's days in a time zone.
type Workdays struct {
	*Calendar
	Zone *time.Location
}

// maxBusinessDays bounds an interval, as MaxDuration does.
const maxBusinessDays = 250

const dateLayout = "2006-01-02"

// worked tells whether the day of t is one.
func (c *Calendar) worked(t time.Time) bool {
	return !c.weekend[t.Weekday()] && !c.holidays[t.Format(dateLayout)]
}

// After is the last instant of the nth business day after the local day that holds
// at. With n below 0 it is the first instant of the nth one before.
func (w *Workdays) After(at compliance.Instant, n int) compliance.Instant {
	local := at.Time().In(w.Zone)
	step, left := 1, n
	if n < 0 {
		step, left = -1, -n
	}
	// noon is in every day, whatever its clocks do
	day := time.Date(local.Year(), local.Month(), local.Day(), 12, 0, 0, 0, time.UTC)
	for left > 0 {
		if day = day.AddDate(0, 0, step); w.worked(day) {
			left--
		}
	}
	if n < 0 {
		return compliance.InstantOf(date(local, day.Year(), day.Month(), day.Day()))
	}
	return compliance.InstantOf(date(local, day.Year(), day.Month(), day.Day()+1)) - 1
}

// span is the longest that n business days can take, anywhere in the calendar.
func (w *Workdays) span(n int) time.Duration {
	from, to := time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC), time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)
	if days := slices.Sorted(maps.Keys(w.holidays)); len(days) > 0 {
		from, _ = time.Parse(dateLayout, days[0])
		to, _ = time.Parse(dateLayout, days[len(days)-1])
	}
	// further away there are weeks without holidays only
	var worked []int
	for day, i := from.AddDate(0, 0, -8*n-8), 0; !day.After(to.AddDate(0, 0, 8*n+8)); day, i = day.AddDate(0, 0, 1), i+1 {
		if w.worked(day) {
			worked = append(worked, i)
		}
	}
	longest := 0
	for i := range worked[:len(worked)-n] {
		longest = max(longest, worked[i+n]-worked[i])
	}
	// both days may count whole, and the last may have an hour more
	return time.Duration(longest+2) * 24 * time.Hour
}

// meaning is what the rule hash holds of the days: the calendar, and its zone.
func (w *Workdays) meaning() any {
	var weekend []string
	for d, free := range w.weekend {
		if free {
			weekend = append(weekend, time.Weekday(d).String())
		}
	}
	holidays := slices.AppendSeq([]string{}, maps.Keys(w.holidays))
	slices.Sort(holidays)
	if w.Zone == time.UTC { // as rule hashes have always had it
		return []any{weekend, holidays, "UTC", [][2]int64{{time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), 0}}}
	}
	return []any{weekend, holidays, zoneMeaning(w.Zone)}
}

// calendar reads {weekend: […], holidays: […]}.
func (r *boundaryReader) calendar(n *yaml.Node) *Calendar {
	f := r.Mapping(n, "a calendar", "weekend", "holidays")
	c := &Calendar{holidays: map[string]bool{}}
	c.weekend[time.Saturday], c.weekend[time.Sunday] = f["weekend"] == nil, f["weekend"] == nil
	free := 0
	for _, day := range r.List(f["weekend"], "weekend") {
		d := weekdayOf(day.Value)
		if d < 0 {
			r.Problem(day, "%q is no day of the week, such as saturday", day.Value)
			continue
		}
		c.weekend[d] = true
	}
	for _, weekend := range c.weekend {
		if weekend {
			free++
		}
	}
	if free == len(c.weekend) {
		r.Problem(f["weekend"], "no day of the week is left to work on")
		c.weekend[time.Monday] = false
	}
	for _, day := range r.List(f["holidays"], "holidays") {
		if _, err := time.Parse(dateLayout, day.Value); err != nil {
			r.Problem(day, "%q is no date, such as 2026-12-25", day.Value)
			continue
		}
		c.holidays[day.Value] = true
	}
	return c
}

func weekdayOf(name string) time.Weekday {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.ToLower(d.String()) == name {
			return d
		}
	}
	return -1
}

// workdays reads which calendar, in which zone, a population keeps; nil for none.
func (c *compiler) workdays(calendar, zone *yaml.Node) *Workdays {
	in := time.UTC
	if zone != nil {
		in = c.zone(zone)
	}
	if calendar == nil || in == nil {
		return nil
	}
	days := c.declared.Calendars[calendar.Value]
	if days == nil {
		c.r.Problem(calendar, "%q is no calendar of the boundary file; declare it there under calendars:", calendar.Value)
		return nil
	}
	return &Workdays{days, in}
}

// Move is the bound's own time, given that of its anchor.
func (b Bound) Move(at compliance.Instant) compliance.Instant {
	if b.Days == 0 {
		return at.Add(b.Offset)
	}
	if b.Anchor == AnchorPeriod {
		at-- // the period's last day, not the one after
	}
	return b.Workdays.After(at, b.Days)
}

// Moved tells whether the bound lies elsewhere than at its anchor.
func (b Bound) Moved() bool { return b.Offset != 0 || b.Days != 0 }
