package report

import (
	"fmt"

	"assay.example/assay/pkg/compliance"
)

// Definition says what a word of the report means.
type Definition struct {
	Word    string `json:"word"`
	Meaning string `json:"meaning"`
}

// definitions stand in every report, so that nobody has to guess what was divided
// by what.
func definitions() []Definition {
	return []Definition{
		{"period", "Half-open and in UTC: an item belongs to it if its time is at or after the start and before the end. The time of an item is that of the event that opened it, or the start of its slot."},
		{"N", "The items of the control's population whose time lies in the period. Items that were withdrawn from the population are listed beside it."},
		{"tested", "N without the items that are not applicable, pending or inconclusive: pass + deviation + waived."},
		{"gross", "The deviations before waivers: deviation + waived. An approved waiver accepts a deviation; it erases none."},
		{"deviation rate", "(deviation + waived) / tested. Waived deviations count; remediation erases none."},
		{"net rate", "deviation / tested: of the deviations that no waiver covers. Shown where a waiver covers any."},
		{"worst case", "(deviation + waived + inconclusive + pending) / (tested + inconclusive + pending): the rate if all that isn't known were deviations."},
		{"all tested", "Every item was tested, not a sample of them, so no sampling error belongs to the rate."},
		{"population covered", "Each declared source of the population's event types gave signs of life all through the period, never further apart than its max_gap, and at or after the period's end, and no number of those that it gives its events is missing; or, for items made by a calendar, each of them is on record. Not covered: anything else, with the reason. That nothing was lost on the way, and that what was recorded is still there, isn't said by it: a control's completeness certificate says what of that is proven and what isn't."},
		{string(compliance.OperatedWithoutDeviation), "At least one item was tested, none deviated, none is inconclusive or missing. Pending and waived ones stand beside."},
		{string(compliance.OperatedWithDeviations), "At least one item deviated."},
		{string(compliance.DidNotOccur), "There was no occurrence to which the control applied, and the population is covered. This is not a pass."},
		{string(compliance.OperatedOutsidePeriod), "As before, but the control was tested on occurrences outside the period."},
		{string(compliance.NotEvaluable), "Anything else: something is inconclusive, missing or all of it undecided, or nothing occurred, and the population isn't covered."},
	}
}

func (c *Counts) add(outcome compliance.Outcome, items int64) {
	switch outcome {
	case compliance.Pass:
		c.Pass += items
	case compliance.Deviation:
		c.Deviation += items
	case compliance.Waived:
		c.Waived += items
	case compliance.Inconclusive:
		c.Inconclusive += items
	case compliance.NotApplicable:
		c.NotApplicable += items
	case compliance.Pending:
		c.Pending += items
	case compliance.Withdrawn:
		c.Withdrawn += items
	default: // a word of a later release: unknown is never a pass
		c.Inconclusive += items
	}
}

// finish computes what follows from the counts.
func (c *Counts) finish() {
	c.Gross = c.Deviation + c.Waived
	c.Tested = c.Pass + c.Gross
	c.Items = c.Tested + c.Inconclusive + c.NotApplicable + c.Pending
	share := func(part, of int64) *float64 {
		rate := float64(part) / float64(of)
		return &rate
	}
	if c.Tested > 0 {
		c.Rate = share(c.Gross, c.Tested)
	}
	if c.Waived > 0 {
		c.NetRate = share(c.Deviation, c.Tested)
	}
	if unknown := c.Inconclusive + c.Pending; unknown > 0 {
		c.WorstCase = share(c.Gross+unknown, c.Tested+unknown)
	}
}

// settle says the period's result, with its reasons where the counts don't show them.
func (c *Control) settle() {
	n := &c.Counts
	switch {
	case n.Deviation > 0:
		c.Result = compliance.OperatedWithDeviations
	case n.Inconclusive > 0:
		c.Result = compliance.NotEvaluable
		c.because("%s inconclusive", items(n.Inconclusive, "is", "are"))
	case c.Coverage.Missing > 0:
		c.Result = compliance.NotEvaluable
		c.because("%s due by the calendar and not on record", items(c.Coverage.Missing, "is", "are"))
	case n.Tested > 0:
		c.Result = compliance.OperatedWithoutDeviation
	case n.Pending > 0:
		c.Result = compliance.NotEvaluable
		c.because("nothing is decided yet: %s pending", items(n.Pending, "is", "are"))
	case !c.Coverage.Covered:
		c.Result = compliance.NotEvaluable
		c.because("nothing occurred that is on record, and the population isn't covered")
	case c.Outside > 0:
		c.Result = compliance.OperatedOutsidePeriod
		c.because("nothing occurred in the period; %s on record outside it", items(c.Outside, "is", "are"))
	default:
		c.Result = compliance.DidNotOccur
		c.because("nothing occurred, and the population is covered")
	}
	if n.Waived > 0 {
		c.because("of %s that deviated, a waiver covers %d", items(n.Gross, "", ""), n.Waived)
	}
	if n.NotApplicable > 0 && n.NotApplicable == n.Items {
		c.because("to none of the %s did the control apply", items(n.Items, "", ""))
	}
}

func (c *Control) because(format string, args ...any) {
	c.Why = append(c.Why, fmt.Sprintf(format, args...))
}

// items is "1 item is" or "7 items are".
func items(n int64, one, many string) string {
	noun, verb := " items", many
	if n == 1 {
		noun, verb = " item", one
	}
	if verb != "" {
		verb = " " + verb
	}
	return fmt.Sprintf("%d%s%s", n, noun, verb)
}

// Definitions say what the words of reports mean.
func Definitions() []Definition { return definitions() }
