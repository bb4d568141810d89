package drift_test

import (
	"math"
	"math/bits"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/drift"
)

const july = compliance.Instant(1_782_864_000_000_000)

func dayOf(n int) compliance.Instant { return july.Add(time.Duration(n) * 24 * time.Hour) }

// twoMonths: the first thirty days against the next thirty.
func twoMonths(cells []drift.Cell, changes ...drift.Change) drift.Input {
	return drift.Input{
		Baseline: drift.Window{From: dayOf(0), To: dayOf(30)}, Window: drift.Window{From: dayOf(30), To: dayOf(60)},
		Cells: cells, Changes: changes, Subjects: map[string]drift.Subject{},
	}
}

// daily makes ten items a day, so many of which deviate.
func daily(control string, days int, bad func(day int) int, change ...func(day int, c *drift.Cell)) []drift.Cell {
	var cells []drift.Cell
	for d := range days {
		for _, outcome := range []compliance.Outcome{compliance.Pass, compliance.Deviation} {
			c := drift.Cell{Control: control, Day: dayOf(d), Rule: "r1", Bundle: "b1", Outcome: outcome, Items: bad(d), First: dayOf(d).Add(9 * time.Hour)}
			if outcome == compliance.Pass {
				c.Items = 10 - bad(d)
			}
			for _, f := range change {
				f(d, &c)
			}
			if c.Items > 0 {
				cells = append(cells, c)
			}
		}
	}
	return cells
}

func since(first, bad int) func(int) int {
	return func(d int) int {
		if d >= first {
			return bad
		}
		return 0
	}
}

func compare(t *testing.T, in drift.Input) *drift.Result {
	t.Helper()
	r, err := drift.Compare(in, drift.DefaultFDR)
	require.NoError(t, err)
	return r
}

func only(t *testing.T, in drift.Input) drift.Finding {
	t.Helper()
	r := compare(t, in)
	require.Len(t, r.Findings, 1)
	f := r.Findings[0]
	sum := 0.0
	for _, s := range f.Causes {
		sum += s.Share
	}
	require.InDelta(t, 1, sum, 1e-9, "shares add up")
	return f
}

func TestBehaviour(t *testing.T) {
	near := drift.Change{Kind: drift.Release, Type: "prompt.released", ID: "p1", What: "prompt answer", At: dayOf(39).Add(20 * time.Hour)}
	changes := []drift.Change{near, {Kind: drift.Release, Type: "prompt.released", ID: "p2", What: "after", At: dayOf(41)}, {Kind: drift.Release, Type: "prompt.released", ID: "p0", What: "long before", At: dayOf(20)}}
	// After the first bad item, and what opened it.
	late := drift.Change{Kind: drift.Setting, Type: "config.changed", What: "too late", At: dayOf(40).Add(12 * time.Hour)}
	own := drift.Change{Kind: drift.Model, Type: "model.route.changed", What: "the item itself", At: dayOf(40).Add(9 * time.Hour)}
	changes = append(changes, late, own)
	for d := range 60 { // what comes every day is no wonder
		changes = append(changes, drift.Change{Kind: drift.Deployment, Type: "deploy.completed", What: "a deployment", At: dayOf(d).Add(8 * time.Hour)})
	}
	f := only(t, twoMonths(daily("CH-01", 60, since(40, 4)), changes...))
	require.Equal(t, drift.ByBehaviour, f.Cause)
	require.Equal(t, dayOf(40), f.Onset.Day)
	require.Equal(t, drift.Count{Bad: 0, Of: 400}, f.Onset.Before)
	require.Equal(t, drift.Count{Bad: 80, Of: 200}, f.Onset.After)
	require.Less(t, f.Onset.P, 1e-9)
	require.Equal(t, drift.Count{Bad: 0, Of: 300}, f.Baseline)
	require.Equal(t, near, f.Changes[0].Change)
	require.Len(t, f.Changes, 5)
	for _, ch := range f.Changes {
		require.LessOrEqual(t, ch.At, f.Onset.First)
		require.NotContains(t, []string{"long before", "too late", "the item itself"}, ch.What)
	}
}

// Where days in a row may be the onset, changes count up to the first bad item after the
// last of them; what opened a bad item is no cause of it.
func TestUncertainOnset(t *testing.T) {
	own := drift.Change{Kind: drift.Model, Type: "model.route.changed", What: "the item itself", At: dayOf(40).Add(9 * time.Hour)}
	between := drift.Change{Kind: drift.Setting, Type: "config.changed", What: "between", At: dayOf(40).Add(20 * time.Hour)}
	f := only(t, twoMonths(daily("CH-01", 60, func(d int) int { return since(40, 1)(d) - since(41, 1)(d) + since(43, 1)(d) }), own, between))
	require.Less(t, f.Onset.First, f.Onset.Last)
	require.Len(t, f.Changes, 1)
	require.Equal(t, between, f.Changes[0].Change)
}

func TestRule(t *testing.T) {
	newRule := func(d int, c *drift.Cell) {
		if d >= 40 {
			c.Rule, c.Bundle = "r2", "b2"
		}
	}
	f := only(t, twoMonths(daily("CH-01", 60, since(40, 4), newRule)))
	require.Equal(t, drift.ByRule, f.Cause)
	require.Equal(t, []string{"rule r2"}, f.Causes[0].What)
	require.True(t, f.Causes[0].Alone, "counts can't tell it from behaviour")
	// A new rule that came long before the rate changed didn't change it.
	f = only(t, twoMonths(daily("CH-01", 60, since(52, 8), newRule)))
	require.Equal(t, drift.ByBehaviour, f.Cause)
	// Another bundle with the same rule: what it reads changed.
	f = only(t, twoMonths(daily("CH-01", 60, since(40, 4), func(d int, c *drift.Cell) {
		if d >= 40 {
			c.Bundle = "b2"
		}
	})))
	require.Equal(t, drift.ByReference, f.Cause)
	require.Equal(t, []string{"bundle b2"}, f.Causes[0].What)
}

// halves gives each day five items of one value and five of another.
func halves(bad func(day int, value string) int, values ...string) []drift.Cell {
	var cells []drift.Cell
	for _, v := range values {
		cells = append(cells, daily("MC-01", 60, func(d int) int { return bad(d, v) }, func(_ int, c *drift.Cell) { c.Values = []string{v} })...)
	}
	return cells
}

func TestReferenceAndBoundary(t *testing.T) {
	providers, components := drift.Lookup{Name: "providers"}, drift.Lookup{Boundary: true, Name: "components"}
	ends := drift.Change{Kind: drift.Reference, At: dayOf(38), What: "refs.providers[acme] ends", Lookup: providers, Key: "acme", Control: "MC-01"}
	onlyAcme := func(d int, v string) int {
		if d >= 38 && v == "acme" {
			return 6
		}
		return 0
	}
	in := twoMonths(halves(onlyAcme, "acme", "other"), ends)
	in.Subjects["MC-01"] = drift.Subject{Lookups: []drift.Lookup{providers}}
	f := only(t, in)
	require.Equal(t, drift.ByReference, f.Cause)
	require.Equal(t, []string{"refs.providers[acme] ends"}, f.Causes[0].What)
	require.InDelta(t, 1, f.Causes[0].Share, 1e-9)
	require.Equal(t, drift.Count{Bad: 22 * 6, Of: 22 * 10}, f.Causes[0].Count, "of the provider, and since then")
	require.Equal(t, ends, f.Changes[0].Change)

	// The same row ends, but all providers deviate: behaviour has half of it.
	in = twoMonths(halves(func(d int, _ string) int { return since(38, 3)(d) }, "acme", "other"), ends)
	in.Subjects["MC-01"] = drift.Subject{Lookups: []drift.Lookup{providers}}
	f = only(t, in)
	require.InDelta(t, 0.5, f.Causes[0].Share, 1e-9)
	require.InDelta(t, 0.5, f.Causes[1].Share, 1e-9)

	// A component that wasn't in scope before.
	cells := halves(func(int, string) int { return 0 }, "api")
	for _, c := range halves(func(d int, _ string) int { return since(35, 9)(d) }, "gateway") {
		if c.Day >= dayOf(35) {
			cells = append(cells, c)
		}
	}
	in = twoMonths(cells)
	in.Subjects["MC-01"] = drift.Subject{Lookups: []drift.Lookup{components}}
	f = only(t, in)
	require.Equal(t, drift.ByBoundary, f.Cause)
	require.Equal(t, []string{"boundary.components[gateway]"}, f.Causes[0].What)
	require.Equal(t, drift.Count{Bad: 225, Of: 250}, f.Causes[0].Count)
}

func TestSilence(t *testing.T) {
	silent := func(_ int, c *drift.Cell) {
		if c.Outcome == compliance.Deviation {
			c.Outcome, c.Reason = compliance.Inconclusive, compliance.ReasonSourceSilent
		}
	}
	quiet := drift.Change{Kind: drift.Silence, Source: "/vcs", What: "/vcs was silent", At: dayOf(40)}
	f := only(t, twoMonths(daily("CH-01", 60, func(d int) int { return since(40, 5)(d) - since(45, 5)(d) }, silent), quiet))
	require.Equal(t, drift.BySilence, f.Cause)
	require.Equal(t, drift.Unknown, f.Measure)
	require.Equal(t, quiet, f.Changes[0].Change)
	f = only(t, twoMonths(daily("CH-01", 60, since(40, 5), silent, func(_ int, c *drift.Cell) {
		if c.Reason != "" {
			c.Reason = compliance.ReasonEvidenceError
		}
	})))
	require.Equal(t, drift.ByBehaviour, f.Cause)
}

// Better is drift, too; nothing is none; and what occurred in one window only can't be compared.
func TestWhatDrifts(t *testing.T) {
	f := only(t, twoMonths(daily("CH-01", 60, func(d int) int { return 5 - since(30, 5)(d) })))
	require.Equal(t, drift.ByBehaviour, f.Cause)
	require.Equal(t, dayOf(30), f.Onset.Day)
	require.Equal(t, dayOf(30), f.Onset.First)
	require.Empty(t, compare(t, twoMonths(daily("CH-01", 60, func(d int) int { return d % 2 }))).Findings)
	r := compare(t, twoMonths(daily("CH-01", 29, since(10, 5))))
	require.Empty(t, r.Tested)
	in := twoMonths(nil)
	in.Window.From = in.Baseline.To - 1
	_, err := drift.Compare(in, 0.05)
	require.ErrorContains(t, err, "must not be empty nor overlap")
	_, err = drift.Compare(twoMonths(nil), 0)
	require.ErrorContains(t, err, "between 0 and 1")
}

// The p-value of an onset, against all orders: twelve items in six days, each set of
// bad ones as likely as another.
func TestOnsetAgainstAllOrders(t *testing.T) {
	sizes := []int{1, 3, 2, 1, 2, 3}
	for bad := 1; bad <= 6; bad++ {
		for _, set := range []int{1<<bad - 1, (1<<bad - 1) << (12 - bad), 0b100110010110 >> (6 - bad)} {
			want := gainOf(sizes, set)
			at, all := 0, 0
			for other := range 1 << 12 {
				if bits.OnesCount(uint(other)) == bits.OnesCount(uint(set)) {
					all++
					if gainOf(sizes, other) >= want-1e-9 {
						at++
					}
				}
			}
			var cells []drift.Cell
			item := 0
			for d, n := range sizes {
				for range n {
					c := drift.Cell{Control: "C", Day: dayOf(d), Outcome: compliance.Pass, Items: 1}
					if set>>item&1 == 1 {
						c.Outcome = compliance.Deviation
					}
					cells = append(cells, c)
					item++
				}
			}
			require.InDelta(t, float64(at)/float64(all), drift.OnsetOf(drift.Deviations, cells).P, 1e-9, "%b", set)
		}
	}
}

func gainOf(sizes []int, set int) float64 {
	l := func(bad, of int) float64 {
		v := 0.0
		for _, k := range []int{bad, of - bad} {
			if k > 0 {
				v += float64(k) * math.Log(float64(k)/float64(of))
			}
		}
		return v
	}
	best, before, total := 0.0, 0, bits.OnesCount(uint(set))
	for _, n := range sizes[:len(sizes)-1] {
		before += n
		bad := bits.OnesCount(uint(set) & (1<<before - 1))
		best = max(best, l(bad, before)+l(total-bad, 12-before)-l(total, 12))
	}
	return best
}

// Large counts take no longer than a moment.
func TestLargeCounts(t *testing.T) {
	cells := daily("CH-01", 60, since(40, 4))
	for i := range cells {
		cells[i].Items *= 1000
	}
	f := only(t, twoMonths(cells))
	require.Equal(t, dayOf(40), f.Onset.Day)
	require.Less(t, f.Onset.P, 1e-12)
}
