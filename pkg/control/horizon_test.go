package control_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
)

const day = 24 * time.Hour

// TestHorizonCoversWhatUndoes: an unless may reach further than its expectation, on
// either side, and so does state.
func TestHorizonCoversWhatUndoes(t *testing.T) {
	for _, c := range []struct {
		unless        string
		horizon, back time.Duration
	}{
		{"(approval.time, item.time]", 0, 30 * day},
		{"(approval.time, item.time + 5d]", 5 * day, 30 * day},
		{"[approval.time - 2d, approval.time + 3d]", 3 * day, 32 * day},
		{"[-40d, 0s]", 0, 40 * day},
	} {
		b, err := load(t, map[string]string{"C.yaml": strings.Replace(sound, "(approval.time, item.time]", c.unless, 1)})
		require.NoError(t, err)
		require.Equal(t, c.horizon, b.Controls[0].Horizon(), c.unless)
		require.Equal(t, c.back, b.Controls[0].Lookback(), c.unless)
	}
	b, err := load(t, map[string]string{"C.yaml": scheduled})
	require.NoError(t, err)
	require.Equal(t, 36*day, b.Controls[0].HorizonOf(31*day))
	require.Equal(t, 36*day+2*time.Hour, b.Controls[0].Horizon())
}

// requireBounded holds a control to ends that every interval has: a chain of
// anchors can only be as long as the file.
func requireBounded(t require.TestingT, c *control.Control) {
	most := time.Duration(2*len(c.Expectations)+1) * (2*control.MaxDuration + 366*day)
	if most < 0 { // longer than Go can say
		return
	}
	require.GreaterOrEqual(t, c.Horizon(), time.Duration(0))
	require.LessOrEqual(t, c.Horizon(), most)
	require.LessOrEqual(t, c.Lookback(), most)
	for _, e := range c.Expectations {
		require.Positive(t, e.Max)
		require.LessOrEqual(t, e.Max, 100_000)
		require.NotEmpty(t, e.KeyPaths, "evidence without a key")
	}
}

// TestWhatHasNoBoundIsRefused: what would hold state without an end is refused, with
// the words that the page has for it.
func TestWhatHasNoBoundIsRefused(t *testing.T) {
	page, err := os.ReadFile("../../docs/formats/controls.md")
	require.NoError(t, err)
	for _, c := range []struct{ base, old, text, says string }{
		{sound, `, between: "[-30d, 0s]", pick: last`, "", "an expectation needs between:, an interval; without one it could never be closed"},
		{sound, `"[-30d, 0s]"`, `"[-30d, )"`, "is no end of an interval"},
		{sound, `"[-30d, 0s]"`, `"[-3661d, 0s]"`, "is longer than 3660 days"},
		{sound, `"[-30d, 0s]"`, `"[-30d, item.time + duration(item.author)]"`, "is no end of an interval"},
		{sound, "pick: last", "pick: last, max: 100001", "max: is a number from 1 to 100000"},
		{sound, "severity: high", "lateness: {correct_until: 3661d}", "is longer than 3660 days"},
		{sound, "where: event.approver != item.author", "remedy_until: 3661d", "is longer than 3660 days"},
		{sound, "where: event.approver != item.author", "cap: 3661d", "is longer than 3660 days"},
		{sound, "    on: {event.change_id: item.change_id}\n", "", "an expectation needs on:"},
		{sound, "    on: {event.change_id: item.change_id}\n", "    on: {}\n", "an expectation needs on:"},
		{scheduled, "expect:\n", "expect:\n  other: {event: access.reviewed, on: {event.month: item.slot}, between: \"[0s, period)\"}\n", "the expectations share no key of the item"},
		{scheduled, "period + 5d", "period + 251bd", "is no number of business days from 1bd to 250bd"},
		{scheduled, ", for_each: boundary.systems", "", "a schedule needs for_each:"},
		{expanded, "key: [event.subject, event.entitlement_id], ", "", "a table needs from: and key:"},
		{expanded, "refs.held.of(item.person_id)", "refs.held", "over: must read its table with"},
	} {
		require.Contains(t, c.base, c.old)
		_, err := load(t, map[string]string{"C.yaml": strings.Replace(c.base, c.old, c.text, 1)})
		require.ErrorContains(t, err, c.says, "%q in place of %q", c.text, c.old)
		require.Contains(t, string(page), c.says, "the page doesn't list it")
	}
}
