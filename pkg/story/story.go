// Package story writes down a quarter in the life of a made-up company,
// Northwind Assist, which sells an AI support assistant to enterprises: its
// tickets, deployments, prompt releases, incidents, joiners and leavers from
// 2026-07-01 to 2026-10-01, as events in the order in which they arrive.
//
// It also knows how it ends. The census says what each control must say of each
// item in the end, and the story keeps it while it writes, from what it made
// happen. It never looks at a rule, so it is a witness of its own: where census
// and evaluator differ, one of the two is wrong.
//
// A story is a function of its seed and size: no clock, no I/O.
package story

import (
	"cmp"
	"iter"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Company is whose story it is.
const Company = "Northwind Assist"

// Controls that the story speaks of, by the library's ids.
const (
	AC01  = "AC-01"
	AC02  = "AC-02"
	AC03  = "AC-03"
	AC04  = "AC-04"
	CH01  = "CH-01"
	CH05a = "CH-05a"
	CH05b = "CH-05b"
	IN01  = "IN-01"
	MC01  = "MC-01"
	MC05  = "MC-05"
	MC06  = "MC-06"
	MC11  = "MC-11"
)

// Size says how busy the company is. The quarter and what is planted in it are
// the same for all.
type Size int

// The sizes: Default is some 150,000 events, Small some 3,000, for tests, and Middle
// some 15,000, for tests that need numbers.
const (
	Default Size = iota
	Small
	Middle
)

// Options choose a story. The zero value is a good one.
type Options struct {
	Seed uint64
	Size Size
	// Drift has a control drift for a cause, from the middle of the quarter on. Everything
	// else stays as it is without.
	Drift Cause
}

// Emission is one thing for a driver to do: to send Event, or, where Barrier is
// set, to wait.
type Emission struct {
	// Arrives is when the log gets the event, in the story's time. It never
	// decreases, so it is also what the clock may say before the next one.
	Arrives compliance.Instant
	// Event has no Ref and no Received. Its Data is shared with the event's
	// duplicates: don't change it.
	Event compliance.Event
	// Duplicate says that the same event was sent before.
	Duplicate bool
	// Barrier, if set, says what must have been published before the next
	// emission is sent; there is no Event then.
	Barrier *Barrier
}

// Barrier names a verdict to wait for.
type Barrier struct {
	Control string
	Item    string
	Outcome compliance.Outcome
}

// Item is what a control must say of one occurrence when all is decided.
type Item struct {
	Control string
	ItemID  string
	// Time is the item's; of a scheduled item, its slot's start.
	Time    compliance.Instant
	Outcome compliance.Outcome
	// Reason is the control's code, or one of the engine's own; empty for a pass.
	Reason string
	// Remediated says that a remedy came after the deadline.
	Remediated bool
}

// Counts are a control's items by outcome.
type Counts struct {
	Items, Pass, Deviation, NotApplicable, Inconclusive int
	// Remediated are those of the deviations that were remedied.
	Remediated int
}

// Planted is one thing that went wrong on purpose, or looked as if it had.
type Planted struct {
	Name    string
	Control string
	Items   []string
	Outcome compliance.Outcome
	Reason  string
	// Why is one sentence for a reader of the report.
	Why string
}

// Story is a finished quarter. It is safe for concurrent use.
type Story struct {
	plan      plan
	emissions []Emission
	census    []Item
	planted   []Planted
	drift     *Drift
}

// New writes the story of o.
func New(o Options) *Story {
	w := newWorld(o)
	w.runSources()
	w.runPeople()
	w.runLogins()
	w.runReviews()
	w.runChanges()
	w.runReleases()
	w.runIncidents()
	w.runTickets()
	w.runDrift()
	w.runScorer()
	return &Story{plan: w.plan, emissions: w.post(), census: w.sortedCensus(), planted: w.planted, drift: w.drift}
}

// Events are all emissions in the order in which they arrive.
func (s *Story) Events() iter.Seq[Emission] { return slices.Values(s.emissions) }

// Census lists each item of each control, by control, time and id.
func (s *Story) Census() []Item { return slices.Clone(s.census) }

// Planted lists what was planted, by control and name.
func (s *Story) Planted() []Planted { return slices.Clone(s.planted) }

// Period is the examination window [from, to). The events go beyond both ends:
// evidence from before it counts, and its last items are decided after it.
func (s *Story) Period() (from, to compliance.Instant) { return s.plan.from, s.plan.to }

// Totals counts the census by control.
func (s *Story) Totals() map[string]Counts {
	totals := map[string]Counts{}
	for _, it := range s.census {
		c := totals[it.Control]
		c.add(it)
		totals[it.Control] = c
	}
	return totals
}

func (c *Counts) add(it Item) {
	c.Items++
	if it.Remediated {
		c.Remediated++
	}
	switch it.Outcome {
	case compliance.Pass:
		c.Pass++
	case compliance.Deviation:
		c.Deviation++
	case compliance.NotApplicable:
		c.NotApplicable++
	case compliance.Inconclusive:
		c.Inconclusive++
	case compliance.Pending, compliance.Waived, compliance.Withdrawn:
		// The story ends with none of these.
	}
}

func compareItems(a, b Item) int {
	return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Time, b.Time), cmp.Compare(a.ItemID, b.ItemID))
}
