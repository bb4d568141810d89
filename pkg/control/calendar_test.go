package control_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

const worked = `effective_from: 2026-07-01T00:00:00Z
calendars:
  de: {holidays: [2026-10-03, 2026-12-25, 2026-12-26, 2027-01-01]}
  six: {weekend: [sunday], holidays: [2026-12-25]}
`

// workdays compiles a control that counts days, for its bound.
func workdays(t testing.TB, boundary, calendar, zone, days string) (control.Bound, *control.Control) {
	t.Helper()
	c := withBoundary(t, boundary, `id: TT-01
title: T
criteria: [CC8.1]
population: {event: deploy.completed, zone: `+zone+`, calendar: `+calendar+`}
expect: {e: {event: change.approved, on: {event.change_id: item.change_id}, between: "[0s, `+days+`]"}}
assert: e.count >= 1
`).Controls[0]
	return c.Expectations[0].Between.To, c
}

func TestBusinessDays(t *testing.T) {
	for _, c := range []struct{ calendar, zone, days, from, want string }{
		{"de", "UTC", "1bd", "2026-07-20T00:00:00Z", "2026-07-21T23:59:59.999999Z"},
		{"de", "UTC", "1bd", "2026-07-20T23:59:59Z", "2026-07-21T23:59:59.999999Z"},
		{"de", "UTC", "1bd", "2026-07-24T12:00:00Z", "2026-07-27T23:59:59.999999Z"}, // over a weekend
		{"de", "UTC", "1bd", "2026-07-25T12:00:00Z", "2026-07-27T23:59:59.999999Z"}, // from within one
		{"de", "UTC", "5bd", "2026-07-24T12:00:00Z", "2026-07-31T23:59:59.999999Z"},
		{"de", "UTC", "2bd", "2026-12-24T12:00:00Z", "2026-12-29T23:59:59.999999Z"}, // Christmas and a weekend
		{"six", "UTC", "1bd", "2026-12-24T12:00:00Z", "2026-12-26T23:59:59.999999Z"},
		{"de", "Europe/Berlin", "1bd", "2026-10-23T12:00:00Z", "2026-10-26T22:59:59.999999Z"}, // clocks went back on Sunday
		{"de", "Europe/Berlin", "1bd", "2026-07-20T22:30:00Z", "2026-07-22T21:59:59.999999Z"}, // Tuesday already
		{"de", "America/New_York", "1bd", "2026-07-21T03:30:00Z", "2026-07-22T03:59:59.999999Z"},
	} {
		bound, _ := workdays(t, worked, c.calendar, c.zone, c.days)
		require.Equal(t, instant(t, c.want), bound.Move(instant(t, c.from)), "%+v", c)
	}
}

// TestBusinessDaysAreBounded: state is kept for as long as the days can take, and
// they are never fewer than their number.
func TestBusinessDaysAreBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Pacific/Apia", "America/Havana", "Pacific/Kiritimati"}).Draw(rt, "zone")
		days := rapid.SampledFrom([]string{"1bd", "4bd", "9bd", "250bd"}).Draw(rt, "days")
		bound, c := workdays(t, worked, rapid.SampledFrom([]string{"de", "six"}).Draw(rt, "calendar"), zone, days)
		at := compliance.InstantOf(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)).Add(time.Duration(rapid.Int64Range(0, int64(4*365*24*time.Hour)).Draw(rt, "at")))
		took := bound.Move(at).Sub(at)
		require.LessOrEqual(rt, took, c.Horizon())
		require.GreaterOrEqual(rt, took, time.Duration(bound.Days)*24*time.Hour-time.Hour)
		require.LessOrEqual(rt, bound.Move(at), bound.Move(at+1))
	})
}

// TestTheCalendarIsInTheHash: other holidays, or another zone, make another rule; a
// control that counts no days isn't concerned.
func TestTheCalendarIsInTheHash(t *testing.T) {
	_, plain := workdays(t, worked, "de", "UTC", "3d")
	_, days := workdays(t, worked, "de", "UTC", "3bd")
	other := worked + "  # nothing but a remark\n"
	_, same := workdays(t, other, "de", "UTC", "3bd")
	require.Equal(t, days.Hash, same.Hash)
	more := "effective_from: 2026-07-01T00:00:00Z\ncalendars: {de: {holidays: [2026-10-03]}}\n"
	_, fewer := workdays(t, more, "de", "UTC", "3bd")
	require.NotEqual(t, days.Hash, fewer.Hash)
	_, elsewhere := workdays(t, worked, "de", "Europe/Berlin", "3bd")
	require.NotEqual(t, days.Hash, elsewhere.Hash)
	_, untouched := workdays(t, more, "de", "UTC", "3d")
	require.Equal(t, plain.Hash, untouched.Hash)
}
