package control

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestIntervals(t *testing.T) {
	const day = 24 * time.Hour
	names := anchors{scheduled: true, earlier: map[string]int{"push": 3}, candidate: "approval"}
	item := func(offset time.Duration, open bool) Bound { return Bound{Offset: offset, Open: open} }
	for text, want := range map[string]Interval{
		"[-14d, 0s]":                  {item(-14*day, false), item(0, false)},
		" ( -1h30m ,15m1ms ) ":        {item(-90*time.Minute, true), item(15*time.Minute+time.Millisecond, true)},
		"[item.time - 1h, item.time]": {item(-time.Hour, false), item(0, false)},
		"[item.time-1h,item.time+2d)": {item(-time.Hour, false), item(2*day, true)},
		"[0s, period)":                {item(0, false), Bound{Anchor: AnchorPeriod, Open: true}},
		"[0s, period + 5d)":           {item(0, false), Bound{Anchor: AnchorPeriod, Offset: 5 * day, Open: true}},
		"(push.time, item.time]":      {Bound{Anchor: AnchorExpectation, Of: 3, Open: true}, item(0, false)},
		"[push.time - 3m, push.time]": {Bound{Anchor: AnchorExpectation, Of: 3, Offset: -3 * time.Minute}, Bound{Anchor: AnchorExpectation, Of: 3}},
		"(approval.time, item.time]":  {Bound{Anchor: AnchorCandidate, Open: true}, item(0, false)},
		"[-period, 0s]":               {},
		"[0s, period + ]":             {},
		"[0s, period 5d]":             {},
		"[0s, -]":                     {},
		"[0s 1s]":                     {},
		"[0s, 1s":                     {},
		"0s, 1s]":                     {},
		"[0s, 1s, 2s]":                {},
		"[]":                          {},
		"]":                           {},
		"":                            {},
		"[0s, 1w]":                    {},
		"[0s, 5]":                     {},
		"[push, 0s]":                  {},
		"[pull.time, 0s]":             {},
		"(0s, 0s]":                    {},
		"[push.time, push.time)":      {},
		"[period, 0s]":                {},
		"[period + 1d, 1d]":           {},
		"[0s, 4000d]":                 {},
	} {
		got, err := parseInterval(text, names)
		if want == (Interval{}) {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	instant, err := parseInterval("[0s, 0s]", anchors{})
	require.NoError(t, err, "one instant is an interval")
	require.Equal(t, Interval{}, instant)
	_, err = parseInterval("[0s, period)", anchors{})
	require.ErrorContains(t, err, "no schedule")
}

func TestDurationsReadWhatTheyWrite(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"0s": 0, "15m": 15 * time.Minute, "-30d": -720 * time.Hour, "1h30m": 90 * time.Minute, "90m": 90 * time.Minute, "1ms": time.Millisecond, "1m1ms": time.Minute + time.Millisecond,
	} {
		got, err := ParseDuration(text)
		require.NoError(t, err)
		require.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "-", "5", "1w", "1.5h", "h", "1h ", "--1h", "1h-1m", "+1h", "3661d", "9999999999999999s", "2147483647d2147483647d"} {
		_, err := ParseDuration(text)
		require.Error(t, err, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		limit := int64(MaxDuration / time.Millisecond)
		d := time.Duration(rapid.Int64Range(-limit, limit).Draw(rt, "ms")) * time.Millisecond
		got, err := ParseDuration(FormatDuration(d))
		require.NoError(rt, err)
		require.Equal(rt, d, got)
	})
}
