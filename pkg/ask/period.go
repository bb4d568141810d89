package ask

import (
	"fmt"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Period is an examination window [From, To) in UTC. Label is what the user
// called it.
type Period struct {
	Label string             `json:"label"`
	From  compliance.Instant `json:"from"`
	To    compliance.Instant `json:"to"`
}

// ParsePeriod reads a calendar year, quarter, month or day: 2026, 2026-Q3,
// 2026-07 or 2026-07-15.
func ParsePeriod(text string) (Period, error) {
	start, end, ok := calendar(text)
	if !ok {
		return Period{}, compliance.Errorf(compliance.Invalid,
			"period %q is no year, quarter, month or day; write 2026, 2026-Q3, 2026-07 or 2026-07-15, or use --from and --to", text)
	}
	return Period{Label: text, From: compliance.InstantOf(start), To: compliance.InstantOf(end)}, nil
}

func calendar(text string) (start, end time.Time, ok bool) {
	if year, quarter, found := strings.Cut(text, "-Q"); found {
		start, err := time.Parse("2006", year)
		if err != nil || len(quarter) != 1 || quarter[0] < '1' || quarter[0] > '4' {
			return start, end, false
		}
		start = start.AddDate(0, 3*int(quarter[0]-'1'), 0)
		return start, start.AddDate(0, 3, 0), true
	}
	for _, unit := range []struct {
		layout              string
		years, months, days int
	}{{"2006", 1, 0, 0}, {"2006-01", 0, 1, 0}, {time.DateOnly, 0, 0, 1}} {
		if start, err := time.Parse(unit.layout, text); err == nil {
			return start, start.AddDate(unit.years, unit.months, unit.days), true
		}
	}
	return start, end, false
}

// Between reads the two ends of a period, each a date (its first instant, UTC)
// or RFC 3339.
func Between(from, to string) (Period, error) {
	start, err := ParseTime(from)
	if err != nil {
		return Period{}, fmt.Errorf("from: %w", err)
	}
	end, err := ParseTime(to)
	if err != nil {
		return Period{}, fmt.Errorf("to: %w", err)
	}
	if start >= end {
		return Period{}, compliance.Errorf(compliance.Invalid, "the period from %s to %s is empty: its end is not in it and must be later than its start", from, to)
	}
	return Period{Label: from + "/" + to, From: start, To: end}, nil
}

// ParseTime reads a date, as its first instant in UTC, or RFC 3339.
func ParseTime(text string) (compliance.Instant, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return compliance.InstantOf(t), nil
	}
	t, err := compliance.ParseInstant(text)
	if err != nil {
		return 0, compliance.Errorf(compliance.Invalid, "%q is no time; write a date such as 2026-07-01, or RFC 3339 such as 2026-07-01T09:30:00Z", text)
	}
	return t, nil
}

// WholeDays says whether both ends are midnights in UTC, so that counts by day
// answer for the period.
func (p Period) WholeDays() bool {
	const day = compliance.Instant(24 * time.Hour / time.Microsecond)
	return p.From%day == 0 && p.To%day == 0
}

// Always is a filter's window with everything in it.
func Always() (from, to compliance.Instant) {
	return compliance.InstantOf(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)), compliance.InstantOf(time.Date(2299, 1, 1, 0, 0, 0, 0, time.UTC))
}

// mostDays bounds how many days are told one by one: four years.
const mostDays = 4 * 366

// EachDay visits the days that the period touches, UTC, the first mostDays of them.
func (p Period) EachDay(visit func(start, end compliance.Instant)) {
	const day = 24 * time.Hour
	n := 0
	for t := compliance.InstantOf(p.From.Time().Truncate(day)); t < p.To && n < mostDays; t = t.Add(day) {
		visit(t, t.Add(day))
		n++
	}
}
