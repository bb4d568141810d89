// Package drift compares what controls say of two windows of time. It guarantees exact
// tests, a bound on the share of false alarms over all controls together, and that the
// causes it names add up to the whole difference. It counts: it knows no rule, reads no
// clock and does no I/O.
//
// docs/design/drift.md says why each method was chosen, and what counts can't tell.
package drift

import (
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Window is half-open.
type Window struct {
	From compliance.Instant `json:"from"`
	To   compliance.Instant `json:"to"`
}

func (w Window) has(t compliance.Instant) bool { return w.From <= t && t < w.To }

// Cell counts items of a control that are alike.
type Cell struct {
	Control string
	// Day is the first instant of the items' day, UTC.
	Day          compliance.Instant
	Rule, Bundle string
	Outcome      compliance.Outcome
	Reason       string
	// Values are what the items say where the control looks something up: a component of
	// the boundary, a provider of a table; in the order of Subject.Lookups.
	Values []string
	Items  int
	// First is the earliest time of the items.
	First compliance.Instant
}

// Lookup is a list of the boundary, or a reference table, in which a control looks
// something up.
type Lookup struct {
	Boundary bool
	Name     string
}

// Subject is what is known of a control beside its counts.
type Subject struct {
	Lookups []Lookup
}

// Kind is a kind of change.
type Kind string

// The kinds.
const (
	Deployment Kind = "deployment"
	Release    Kind = "release"
	Model      Kind = "model"
	Setting    Kind = "setting"
	RuleChange Kind = "rule"
	BundleNew  Kind = "bundle"
	Reference  Kind = "reference"
	Boundary   Kind = "boundary"
	Silence    Kind = "silence"
)

// Change is something that may have made a control drift.
type Change struct {
	Kind Kind               `json:"kind"`
	At   compliance.Instant `json:"at"`
	// Type, Source and ID are the event's, if it is one.
	Type   string `json:"type,omitempty"`
	Source string `json:"source,omitempty"`
	ID     string `json:"id,omitempty"`
	// What is in words: refs.providers[acme] ends.
	What string `json:"what"`
	// Control is the only one that it concerns; empty: any.
	Control string `json:"control,omitempty"`
	// Lookup and Key name the row of a reference or boundary change.
	Lookup Lookup `json:"-"`
	Key    string `json:"-"`
}

// Input is what is compared.
type Input struct {
	Baseline, Window Window
	Cells            []Cell
	Subjects         map[string]Subject
	Changes          []Change
}

// Measure is what is compared of a control.
type Measure string

// The measures: deviations, waived ones included, among tested items; and inconclusive
// items among those that are tested or inconclusive.
const (
	Deviations Measure = "deviations"
	Unknown    Measure = "unknown"
)

// bad says of a cell whether the measure counts it at all, and as what it looks for.
func (m Measure) bad(c *Cell) (bad, counts bool) {
	switch c.Outcome {
	case compliance.Pass:
		return false, true
	case compliance.Deviation, compliance.Waived:
		return m == Deviations, true
	case compliance.Inconclusive:
		return true, m == Unknown
	case compliance.Pending, compliance.NotApplicable, compliance.Withdrawn:
	}
	return false, false
}

// Count is so many of so many.
type Count struct {
	Bad int `json:"bad"`
	Of  int `json:"of"`
}

func (c Count) with(bad bool, items int) Count {
	c.Of += items
	if bad {
		c.Bad += items
	}
	return c
}

// Rate is the share; 0 of none.
func (c Count) Rate() float64 {
	if c.Of == 0 {
		return 0
	}
	return float64(c.Bad) / float64(c.Of)
}

// Tested is one comparison.
type Tested struct {
	Control  string  `json:"control"`
	Measure  Measure `json:"measure"`
	Baseline Count   `json:"baseline"`
	Window   Count   `json:"window"`
	// P is of Fisher's exact test, two-sided; Q is P adjusted for all comparisons.
	P float64 `json:"p"`
	Q float64 `json:"q"`
}

// Finding is a control that drifted.
type Finding struct {
	Tested
	Onset Onset `json:"onset"`
	// Cause is that with the greatest share.
	Cause  Cause   `json:"cause"`
	Causes []Share `json:"causes"`
	// Changes are those that came just before, the least likely coincidence first.
	Changes []Ranked `json:"changes"`
}

// Result is what a comparison found.
type Result struct {
	Baseline Window  `json:"baseline"`
	Window   Window  `json:"window"`
	FDR      float64 `json:"false_discovery_rate"`
	Tested   []Tested
	Findings []Finding
}

// DefaultFDR is the share of findings that may be false, on average.
const DefaultFDR = 0.05

const day = 24 * time.Hour

// Check says whether two windows can be compared.
func Check(baseline, window Window, fdr float64) error {
	if baseline.From >= baseline.To || window.From >= window.To || baseline.From < window.To && window.From < baseline.To {
		return compliance.Errorf(compliance.Invalid, "baseline and window must not be empty nor overlap")
	}
	if !(fdr > 0 && fdr < 1) {
		return compliance.Errorf(compliance.Invalid, "a false discovery rate of %v: it lies between 0 and 1", fdr)
	}
	return nil
}

// Compare tests every control, and looks into those that drifted.
func Compare(in Input, fdr float64) (*Result, error) {
	if err := Check(in.Baseline, in.Window, fdr); err != nil {
		return nil, err
	}
	in.Changes = slices.Concat(in.Changes, in.newVersions())
	r := &Result{Baseline: in.Baseline, Window: in.Window, FDR: fdr, Tested: Test(in), Findings: []Finding{}}
	for _, t := range r.Tested {
		if t.Q <= fdr {
			r.Findings = append(r.Findings, in.find(t))
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.P, b.P) })
	return r, nil
}

// Test makes every comparison, by control and measure. Of a control that has no item in
// one of the windows, nothing can be compared.
func Test(in Input) []Tested {
	type key struct {
		control string
		measure Measure
	}
	found := map[key]*Tested{}
	for i := range in.Cells {
		c := &in.Cells[i]
		for _, m := range []Measure{Deviations, Unknown} {
			bad, counts := m.bad(c)
			if !counts {
				continue
			}
			k := key{c.Control, m}
			if found[k] == nil {
				found[k] = &Tested{Control: c.Control, Measure: m}
			}
			switch {
			case in.Baseline.has(c.Day):
				found[k].Baseline = found[k].Baseline.with(bad, c.Items)
			case in.Window.has(c.Day):
				found[k].Window = found[k].Window.with(bad, c.Items)
			}
		}
	}
	tests := []Tested{}
	for _, t := range found {
		if t.Baseline.Of > 0 && t.Window.Of > 0 {
			t.P = Fisher(t.Baseline, t.Window)
			tests = append(tests, *t)
		}
	}
	slices.SortFunc(tests, func(a, b Tested) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Measure, b.Measure))
	})
	adjust(tests)
	return tests
}

func adjust(tests []Tested) {
	ps := make([]float64, len(tests))
	for i, t := range tests {
		ps[i] = t.P
	}
	for i, q := range BenjaminiHochberg(ps) {
		tests[i].Q = q
	}
}

// find looks into one comparison.
func (in *Input) find(t Tested) Finding {
	var cells []Cell
	for _, c := range in.Cells {
		_, counts := t.Measure.bad(&c)
		if c.Control == t.Control && counts && (in.Baseline.has(c.Day) || in.Window.has(c.Day)) {
			cells = append(cells, c)
		}
	}
	f := Finding{Tested: t, Onset: onset(t.Measure, cells)}
	s := &split{in: in, tested: t, onset: f.Onset, cells: cells, subject: in.Subjects[t.Control]}
	f.Causes = s.shares()
	f.Cause = f.Causes[0].Cause
	f.Changes = in.rank(t, f.Onset, f.Causes[0])
	return f
}
