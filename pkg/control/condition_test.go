package control_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// asserting compiles an assertion over expectations a and b (all events), p
// (picked, so that it has a time) and f (with folds).
func asserting(t *testing.T, assertion string) *control.Control {
	t.Helper()
	b, err := load(t, map[string]string{"C.yaml": `id: TT-01
title: T
criteria: [CC8.1]
population: {event: deploy.completed}
expect:
  a: {event: change.pushed, on: {event.change_id: item.change_id}, between: "[-1d, 1d]"}
  b: {event: change.approved, on: {event.change_id: item.change_id}, between: "[-1d, 1d]"}
  p: {event: change.pushed, on: {event.change_id: item.change_id}, between: "[-1d, 1d]", pick: last}
  f: {event: eval.run.completed, on: {event.version_hash: item.change_id}, between: "[-1d, 1d]", fold: {n: count(), sum: sum(event.cases)}}
assert: '` + strings.ReplaceAll(assertion, "'", "''") + `'
`})
	require.NoError(t, err)
	return b.Controls[0]
}

// scopeOf has n events in a, m in b, and none elsewhere.
func scopeOf(c *control.Control, n, m int) *control.Scope {
	s := c.NewScope(control.View{"id": "i", "change_id": "c", "author": "alice", "emergency": true}, 0)
	events := func(n int, field string) *control.Matched {
		list := control.EventList{}
		for i := range n {
			list = append(list, control.View{"id": strconv.Itoa(i), field: strconv.Itoa(i), "time": time.Unix(int64(i), 0)})
		}
		return &control.Matched{Events: list, Folds: map[string]any{}}
	}
	s.Matched = []*control.Matched{events(n, "author"), events(m, "approver"), events(n, "author"), {Events: control.EventList{}, Folds: map[string]any{"n": int64(n), "sum": int64(10 * n)}}}
	return s
}

// TestANameOfALoopHidesNoExpectation: what a loop goes through stands outside of it, so
// that an expectation with the name of its variable is read, and waited for.
func TestANameOfALoopHidesNoExpectation(t *testing.T) {
	for assertion, reads := range map[string][]int{
		"a.exists(a, a.author == 'x')":                      {0},
		"b.all(a, a.approver != 'x')":                       {1},
		"b.exists(a, a.approver == 'x') && a.count >= 1":    {0, 1},
		"b.exists(x, a.exists(b, b.author == x.approver))":  {0, 1},
		"[1, 2].exists(a, a == 2)":                          nil,
		"a.filter(b, b.author == 'x').exists(a, a != item)": {0},
	} {
		require.Equal(t, reads, asserting(t, assertion).Assert.Reads, assertion)
	}
}

// TestEarlyDecisions: what a condition says while evidence still grows, for 0, 1
// and 2 events: t and f are final, ? waits. Once all is known nothing is open.
func TestEarlyDecisions(t *testing.T) {
	for assertion, want := range map[string]string{
		"a.count >= 1":                                 "?tt",
		"a.count > 1":                                  "??t",
		"1 <= a.count":                                 "?tt",
		"a.count == 0":                                 "?ff",
		"0 == a.count":                                 "?ff",
		"a.count != 0":                                 "?tt",
		"a.count == 1":                                 "???",
		"a.count <= 1":                                 "??f",
		"a.count < 1":                                  "?ff",
		"!(a.count >= 1)":                              "?ff",
		"size(a) >= 2":                                 "??t",
		"a.size() >= 2":                                "??t",
		"a.count + a.count >= 4":                       "??t",
		"a.count - 1 >= 0":                             "???", // a difference may fall
		"a.exists(x, x.author == \"1\")":               "??t",
		"a.exists(x, x.author != \"\")":                "?tt",
		"a.all(x, x.author == \"0\")":                  "??f",
		"!a.all(x, x.author == \"0\")":                 "??t",
		"a.exists_one(x, x.author == \"0\")":           "???", // a second may come
		"a.exists(x, a.all(y, y.id == x.id))":          "???",
		"a.exists(x, a.exists(y, x.id != y.id))":       "??t",
		"[0, 1].all(i, a.count > i)":                   "??t",
		"[0, 1].exists(i, a.count > i)":                "?tt",
		"a.last.author == \"0\"":                       "???", // the last may change
		"a.first.author == \"0\"":                      "???", // a late one may come before
		"p.time > timestamp(\"1970-01-01T00:00:00Z\")": "???",
		"f.n >= 1":                                     "???", // folds are of the whole
		"item.emergency":                               "ttt",
		"!item.emergency":                              "fff",
		"item.emergency ? a.count >= 1 : false":        "?tt",
		"a.count >= 1 ? true : false":                  "???",
		"a.count >= 1 && b.count >= 1":                 "???", // b has none, and may get one
		"a.count >= 1 || b.count >= 1":                 "?tt",
		"a.count == 0 && b.count >= 1":                 "?ff",
		"a.count == 0 || !(b.count >= 1)":              "???",
		"item.emergency || a.count == 1":               "ttt",
		"!item.emergency && a.count == 1":              "fff",
		"(a.count == 0) == true":                       "???",
	} {
		t.Run(assertion, func(t *testing.T) {
			c := asserting(t, assertion)
			var got strings.Builder
			for n := range 3 {
				s := scopeOf(c, n, 0)
				growing := []control.Knowledge{control.Growing, control.Growing, control.Growing, control.Growing}
				truth, doubt := c.Assert.Decide(s, growing)
				require.False(t, doubt.Failed, "nothing fails while more may come")
				got.WriteString(map[control.Truth]string{control.True: "t", control.False: "f", control.Unknown: "?"}[truth])
				soundEarly(t, c, n, truth)
			}
			require.Equal(t, want, got.String())
		})
	}
}

// soundEarly: what is said early is what holds in the end, whatever still comes.
func soundEarly(t *testing.T, c *control.Control, n int, early control.Truth) {
	t.Helper()
	exact := []control.Knowledge{control.Exact, control.Exact, control.Exact, control.Exact}
	for more := range 3 {
		for m := range 3 {
			s := scopeOf(c, n+more, m)
			truth, doubt := c.Assert.Decide(s, exact)
			final, err := c.Assert.Final(s)
			require.Equal(t, err != nil, doubt.Failed && truth == control.Unknown, "%v", err)
			if err == nil {
				require.Equal(t, map[bool]control.Truth{true: control.True, false: control.False}[final], truth)
			}
			if early != control.Unknown {
				require.Equal(t, early, truth, "with %d more and %d others", more, m)
			}
		}
	}
}

// TestKleene is the truth table: a condition that is opaque is unknown, and the
// others decide where they can.
func TestKleene(t *testing.T) {
	value := func(text string) (n int, k control.Knowledge) {
		switch text {
		case "t":
			return 1, control.Exact
		case "f":
			return 0, control.Exact
		}
		return 0, control.Opaque
	}
	for operator, table := range map[string]string{
		"&&": "tt=t tf=f t?=? ft=f ff=f f?=f ?t=? ?f=f ??=?",
		"||": "tt=t tf=t t?=t ft=t ff=f f?=? ?t=t ?f=? ??=?",
	} {
		c := asserting(t, "a.count == 1 "+operator+" b.count == 1")
		for row := range strings.FieldsSeq(table) {
			n, left := value(row[:1])
			m, right := value(row[1:2])
			truth, doubt := c.Assert.Decide(scopeOf(c, n, m), []control.Knowledge{left, right, control.Opaque, control.Opaque})
			require.False(t, doubt.Failed)
			require.Equal(t, row[3:], map[control.Truth]string{control.True: "t", control.False: "f", control.Unknown: "?"}[truth], "%s %s", operator, row)
		}
	}
}

// TestFailures: what can't be computed is unknown, and counts as failed only when
// all is known; another operand may decide all the same.
func TestFailures(t *testing.T) {
	exact := []control.Knowledge{control.Exact, control.Exact, control.Exact, control.Exact}
	for assertion, want := range map[string]control.Truth{
		`a.exists(x, x.repository == "r")`:                      control.Unknown,
		`a.exists(x, x.repository == "r") || item.emergency`:    control.True,
		`a.exists(x, x.repository == "r") && !item.emergency`:   control.False,
		`a.exists(x, x.repository == "r") && item.emergency`:    control.Unknown,
		`a.exists(x, has(x.repository) && x.repository == "r")`: control.False,
	} {
		c := asserting(t, assertion)
		truth, doubt := c.Assert.Decide(scopeOf(c, 1, 0), exact)
		require.Equal(t, want, truth, assertion)
		require.Equal(t, strings.Contains(assertion, "x.repository") && !strings.Contains(assertion, "has("), doubt.Failed, assertion)
	}
}

// TestReads: a condition hangs on what it names, and on what those intervals hang on.
func TestReads(t *testing.T) {
	b, err := load(t, map[string]string{"C.yaml": sound})
	require.NoError(t, err)
	c := b.Controls[0]
	require.Equal(t, []int{0, 1}, c.Assert.Reads)
	require.NotNil(t, c.Expectations[1].Unless)
	require.False(t, c.Expectations[0].Grows, "the last may change")
	require.False(t, c.Expectations[1].Grows, "it may be undone")
	require.Equal(t, compliance.Instant(0), scopeOf(asserting(t, "true"), 0, 0).At)
}
