package control_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

func instant(t testing.TB, text string) compliance.Instant {
	t.Helper()
	i, err := compliance.ParseInstant(text)
	require.NoError(t, err)
	return i
}

// TestSlots: what slot an instant lies in, as a label with its start and end in UTC.
func TestSlots(t *testing.T) {
	for _, c := range []struct{ every, zone, at, label, start, end string }{
		{"month", "UTC", "2026-07-01T00:00:00Z", "2026-07", "2026-07-01T00:00:00Z", "2026-08-01T00:00:00Z"},
		{"month", "UTC", "2026-06-30T23:59:59.999999Z", "2026-06", "2026-06-01T00:00:00Z", "2026-07-01T00:00:00Z"},
		{"month", "UTC", "2028-02-29T12:00:00Z", "2028-02", "2028-02-01T00:00:00Z", "2028-03-01T00:00:00Z"},
		{"month", "Europe/Berlin", "2026-06-30T22:00:00Z", "2026-07", "2026-06-30T22:00:00Z", "2026-07-31T22:00:00Z"},
		{"month", "Europe/Berlin", "2026-03-15T00:00:00Z", "2026-03", "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"},
		{"day", "Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"},            // 23 hours
		{"day", "Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},            // 25 hours
		{"day", "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"},        // midnight falls into the gap
		{"day", "America/Sao_Paulo", "2018-11-04T02:59:59.999999Z", "2018-11-03", "2018-11-03T03:00:00Z", "2018-11-04T03:00:00Z"}, // the day before it
		{"day", "America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},        // 23:00 comes twice
		{"day", "America/Sao_Paulo", "2018-02-18T02:30:00Z", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z"},        // the second time
		{"day", "Pacific/Apia", "2011-12-31T09:00:00Z", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"},             // the 30th never was
		{"day", "Asia/Kathmandu", "2026-07-01T00:00:00Z", "2026-07-01", "2026-06-30T18:15:00Z", "2026-07-01T18:15:00Z"},           // a zone of quarters
		{"week", "UTC", "2026-01-01T00:00:00Z", "2026-W01", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z"},                       // of two years
		{"week", "UTC", "2027-01-01T00:00:00Z", "2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z"},                       // the 53rd
		{"week", "UTC", "2026-07-19T23:59:59Z", "2026-W29", "2026-07-13T00:00:00Z", "2026-07-20T00:00:00Z"},                       // Sunday ends it
		{"week", "Europe/Berlin", "2026-03-29T21:59:59Z", "2026-W13", "2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z"},             // 167 hours
		{"quarter", "UTC", "2026-12-31T23:00:00Z", "2026-Q4", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"year", "Europe/Berlin", "2026-12-31T23:00:00Z", "2027", "2026-12-31T23:00:00Z", "2027-12-31T23:00:00Z"},
		{"hour", "UTC", "2026-07-01T09:59:59Z", "2026-07-01T09Z", "2026-07-01T09:00:00Z", "2026-07-01T10:00:00Z"},
		{"hour", "Europe/Berlin", "2026-10-25T00:30:00Z", "2026-10-25T02+02:00", "2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z"}, // two o'clock comes
		{"hour", "Europe/Berlin", "2026-10-25T01:30:00Z", "2026-10-25T02+01:00", "2026-10-25T01:00:00Z", "2026-10-25T02:00:00Z"}, // twice
		{"hour", "Asia/Kathmandu", "2026-07-01T09:20:00Z", "2026-07-01T14:45+05:45", "2026-07-01T09:00:00Z", "2026-07-01T10:00:00Z"},
	} {
		s := &control.Schedule{Every: c.every, Zone: zone(t, c.zone)}
		require.Equal(t, control.Slot{Label: c.label, Start: instant(t, c.start), End: instant(t, c.end)}, s.SlotAt(instant(t, c.at)), "%s %s %s", c.every, c.zone, c.at)
	}
}

// TestSlotsTileTime: slots follow each other without gap or overlap, have
// different labels, and the slot of an instant holds it, in every zone and unit.
func TestSlotsTileTime(t *testing.T) {
	zones := []string{"UTC", "Europe/Berlin", "America/Sao_Paulo", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Antarctica/Troll", "Africa/Casablanca", "Asia/Beirut", "America/Havana"}
	rapid.Check(t, func(rt *rapid.T) {
		s := &control.Schedule{
			Every: rapid.SampledFrom([]string{"hour", "day", "week", "month", "quarter", "year"}).Draw(rt, "every"),
			Zone:  zone(t, rapid.SampledFrom(zones).Draw(rt, "zone")),
		}
		at := compliance.InstantOf(time.Date(2008, 1, 1, 0, 0, 0, 0, time.UTC)).Add(time.Duration(rapid.Int64Range(0, int64(22*365*24*time.Hour)).Draw(rt, "at")))
		slot := s.SlotAt(at)
		labels := map[string]bool{}
		for range 60 {
			require.Less(rt, slot.Start, slot.End, "%v", slot)
			require.False(rt, labels[slot.Label], "%v", slot)
			labels[slot.Label] = true
			require.Equal(rt, slot, s.SlotAt(slot.Start), "its first instant")
			require.Equal(rt, slot, s.SlotAt(slot.End-1), "its last instant")
			next := s.Next(slot)
			require.Equal(rt, slot.End, next.Start)
			slot = next
		}
		slot = s.SlotAt(at)
		require.True(rt, slot.Start <= at && at < slot.End)
		first := s.First(at)
		require.GreaterOrEqual(rt, first.Start, at)
		require.True(rt, first == slot || first == s.Next(slot))
	})
}
