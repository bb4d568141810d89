package control

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Schedule makes items from the calendar: one a slot and member.
type Schedule struct {
	Every string // hour, day, week, month, quarter, year
	Zone  *time.Location
	// ForEach names a declared list of the boundary or a declared table.
	ForEach Members
}

// Members names where the members of a schedule are declared.
type Members struct {
	InRefs bool
	Name   string
}

// Slot is one turn of a schedule, half-open.
type Slot struct {
	Label      string // 2026-07, 2026-07-15, 2026-W29, …
	Start, End compliance.Instant
}

// slotStarts tells for each unit the start of the slot that holds a local time,
// and the start of the n-th slot after it.
var slotUnits = map[string]struct {
	longest time.Duration // that one can take, clocks going back included
	start   func(time.Time) time.Time
	next    func(time.Time) time.Time
	label   func(time.Time) string
}{
	"hour": {
		longest: 2 * time.Hour,
		start:   func(t time.Time) time.Time { return t.Truncate(time.Hour) },
		next:    func(t time.Time) time.Time { return t.Add(time.Hour) },
		label: func(t time.Time) string {
			if t.Minute() != 0 { // hours are UTC's; a zone off by quarters names them so
				return t.Format("2006-01-02T15:04Z07:00")
			}
			return t.Format("2006-01-02T15Z07:00")
		},
	},
	"day": {
		longest: 26 * time.Hour,
		start:   func(t time.Time) time.Time { return date(t, t.Year(), t.Month(), t.Day()) },
		next:    func(t time.Time) time.Time { return date(t, t.Year(), t.Month(), t.Day()+1) },
		label:   func(t time.Time) string { return t.Format("2006-01-02") },
	},
	"week": {
		longest: (7*24 + 2) * time.Hour,
		start: func(t time.Time) time.Time {
			return date(t, t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7)
		},
		next: func(t time.Time) time.Time { return date(t, t.Year(), t.Month(), t.Day()+7) },
		label: func(t time.Time) string {
			y, w := t.ISOWeek()
			return fmt.Sprintf("%d-W%02d", y, w)
		},
	},
	"month": {
		longest: (31*24 + 2) * time.Hour,
		start:   func(t time.Time) time.Time { return date(t, t.Year(), t.Month(), 1) },
		next:    func(t time.Time) time.Time { return date(t, t.Year(), t.Month()+1, 1) },
		label:   func(t time.Time) string { return t.Format("2006-01") },
	},
	"quarter": {
		longest: (92*24 + 2) * time.Hour,
		start:   func(t time.Time) time.Time { return date(t, t.Year(), (t.Month()-1)/3*3+1, 1) },
		next:    func(t time.Time) time.Time { return date(t, t.Year(), t.Month()+3, 1) },
		label:   func(t time.Time) string { return fmt.Sprintf("%d-Q%d", t.Year(), (t.Month()-1)/3+1) },
	},
	"year": {
		longest: (366*24 + 2) * time.Hour,
		start:   func(t time.Time) time.Time { return date(t, t.Year(), time.January, 1) },
		next:    func(t time.Time) time.Time { return date(t, t.Year()+1, time.January, 1) },
		label:   func(t time.Time) string { return t.Format("2006") },
	},
}

// date is the first instant of a local day. Where midnight falls into a gap of
// the zone, that is the first instant after the gap.
func date(in time.Time, y int, m time.Month, d int) time.Time {
	t := time.Date(y, m, d, 0, 0, 0, 0, in.Location())
	if t.Hour() != 0 { // time.Date went back before a gap, or on past it
		for t.Day() != time.Date(y, m, d, 12, 0, 0, 0, in.Location()).Day() {
			t = t.Add(15 * time.Minute)
		}
	}
	return t
}

// SlotAt is the slot that holds t.
func (s *Schedule) SlotAt(t compliance.Instant) Slot {
	return s.slot(slotUnits[s.Every].start(t.Time().In(s.Zone)))
}

// Next is the slot after sl.
func (s *Schedule) Next(sl Slot) Slot {
	return s.slot(slotUnits[s.Every].next(sl.Start.Time().In(s.Zone)))
}

func (s *Schedule) slot(start time.Time) Slot {
	unit := slotUnits[s.Every]
	return Slot{
		Label: unit.label(start),
		Start: compliance.InstantOf(start),
		End:   compliance.InstantOf(unit.next(start)),
	}
}

// First is the first slot that starts at t or later.
func (s *Schedule) First(t compliance.Instant) Slot {
	sl := s.SlotAt(t)
	for sl.Start < t {
		sl = s.Next(sl)
	}
	return sl
}
