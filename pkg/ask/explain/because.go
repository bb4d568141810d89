package explain

import (
	"fmt"
	"slices"
	"strings"

	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Because is a verdict in plain words.
type Because struct {
	// Why it is what it is: the condition that decides, then what was looked for.
	Why []string `json:"why"`
	// Change is what may still make it another.
	Change []string `json:"change"`
}

// because says why an item has an outcome, as far as the verdict made again tells.
func because(c *control.Control, v *listing.Verdict, again *Reperformed) Because {
	b := Because{Change: []string{}}
	if again.Made && (again.Outcome != v.Outcome || again.Reason != v.Reason) { // as of another moment, or by mistake
		made := *v
		made.Outcome, made.Reason = again.Outcome, again.Reason
		v = &made
		b.Why = append(b.Why, fmt.Sprintf("Made again, it is %s%s; this is why.", v.Outcome, inBrackets(v.Reason)))
	}
	b.Why = append(b.Why, whyOutcome(c, v)...)
	looked := decisive(c, v, again)
	for _, l := range looked {
		b.Why = append(b.Why, l.sentence())
	}
	b.Change = append(b.Change, changes(c, v, again, looked)...)
	return b
}

// whyOutcome names the condition that decides.
func whyOutcome(c *control.Control, v *listing.Verdict) []string {
	_, assertion := c.Words()
	switch v.Outcome {
	case compliance.Pass:
		return []string{quoted(assertion) + " is true."}
	case compliance.Deviation, compliance.Waived:
		why := []string{quoted(assertion) + " is false."}
		if v.Outcome == compliance.Waived {
			why = append(why, "A waiver that was approved before the item covers it.")
		}
		for _, r := range c.Reasons {
			if r.Code == v.Reason {
				why = append(why, fmt.Sprintf("The reason is %s, the first whose condition is true: %s.", r.Code, quoted(r.When.Source)))
			}
		}
		return why
	case compliance.Pending:
		return []string{quoted(assertion) + " can't be told yet."}
	case compliance.NotApplicable:
		if v.Reason == compliance.ReasonDoesNotApply && c.Applies != nil {
			return []string{"It is listed and not judged: " + quoted(c.Applies.Source) + " is false."}
		}
	case compliance.Inconclusive, compliance.Withdrawn:
	}
	if words, ok := reasonWords[v.Reason]; ok {
		return []string{words}
	}
	return []string{"It is no longer in the population: what opened it doesn't any more."}
}

// reasonWords are the engine's own reasons in words.
var reasonWords = map[string]string{
	compliance.ReasonSourceSilent:        "A source was silent where evidence has to lie, so nobody can tell what it would have said.",
	compliance.ReasonNoHistory:           "Evidence may lie before what was read for this version of the control, so nobody can tell whether there was any.",
	compliance.ReasonTooMuchEvidence:     "More events match than the control looks through (max).",
	compliance.ReasonEvidenceError:       "A condition can't be computed: an event lacks a field that it reads, or a table has no such row.",
	compliance.ReasonConflictingEvidence: "An event came with several bodies, and they disagree on what the verdict hangs on.",
	compliance.ReasonPopulationError:     "Whether it is in the population can't be computed from its event: a field that the condition reads is missing.",
	compliance.ReasonCancelled:           "It is listed and not judged: an event met cancelled_by.",
	compliance.ReasonNoParts:             "It is listed and not judged: it has no parts.",
}

func quoted(condition string) string { return "`" + strings.Join(strings.Fields(condition), " ") + "`" }

// sought is one expectation that the outcome hangs on, as the rule has it and as it was found.
type sought struct {
	control *control.Control
	rule    *control.Expectation
	part    string
	found   *Expectation
}

// shownParts is how many parts of an item are spoken of.
const shownParts = 3

// decisive are the expectations that the outcome hangs on, of the parts that have it.
func decisive(c *control.Control, v *listing.Verdict, again *Reperformed) (list []sought) {
	parts := 0
	for i := range again.Parts {
		part := &again.Parts[i]
		if part.Part != "" && part.Outcome != v.Outcome && v.Outcome != compliance.Waived {
			continue
		}
		if parts++; parts > shownParts {
			break
		}
		for k := range part.Expectations {
			if k < len(c.Decisive) && c.Decisive[k] {
				list = append(list, sought{c, c.Expectations[k], part.Part, &part.Expectations[k]})
			}
		}
	}
	return list
}

// name is what the control calls it, and of which part it is.
func (s *sought) name() string {
	if s.part != "" {
		return s.rule.Name + " of " + s.part
	}
	return s.rule.Name
}

// wanted says which events it wants: their type, key and condition.
func (s *sought) wanted() string {
	var b strings.Builder
	b.WriteString(joined(s.rule.Types))
	for i, p := range s.rule.KeyPaths {
		if i >= len(s.control.Key) {
			break
		}
		if own := s.control.Key[i].String(); own == p.String() {
			fmt.Fprintf(&b, " with its %s", own)
		} else {
			fmt.Fprintf(&b, " whose %s is its %s", p, own)
		}
	}
	if s.rule.Where != nil {
		b.WriteString(" for which " + quoted(s.rule.Where.Source))
	}
	return b.String()
}

// sentence says what was found.
func (s *sought) sentence() string {
	x := s.found
	switch x.State {
	case "found":
		first := x.Found[0]
		more := ""
		if n := len(x.Found) - 1; n > 0 {
			more = fmt.Sprintf(", and %d more", n)
		}
		return fmt.Sprintf("%s: found %s (%s) of %s%s.", s.name(), first.ID, first.Type, first.Time, more)
	case "missing":
		if x.Interval == "" {
			return fmt.Sprintf("%s: nothing, for %s.", s.name(), x.Why)
		}
		return fmt.Sprintf("%s: no %s in %s, which is over.", s.name(), s.wanted(), x.Interval)
	case "open":
		if x.Interval == "" {
			return fmt.Sprintf("%s: %s.", s.name(), x.Why)
		}
		return fmt.Sprintf("%s: nothing yet in %s; %s.", s.name(), x.Interval, x.Why)
	}
	return fmt.Sprintf("%s: can't be told: %s.", s.name(), x.Why)
}

// changes says what may still make the verdict another.
func changes(c *control.Control, v *listing.Verdict, again *Reperformed, looked []sought) (list []string) {
	w, last := again.Watermark, compliance.Instant(0)
	for i := range looked {
		s := &looked[i]
		last = max(last, s.found.To)
		if s.found.State == "open" && s.found.To >= w {
			list = append(list, fmt.Sprintf("%s: one %s that happens until %s may decide it; without one, that moment does.", s.name(), s.wanted(), s.found.To))
		} else if s.found.State == "open" && s.found.Interval != "" {
			list = append(list, s.name()+": the next word of its sources, or their silence, decides it.")
		}
	}
	switch {
	case v.Outcome == compliance.Pass && stays(c, looked):
		list = append(list, "No further event: what it needs is there, and more of it takes nothing away.")
	case last != 0:
		list = append(list, stillCounts(c, v, last, w))
	}
	for i := range looked {
		if until := v.Item.Time.Add(looked[i].rule.Remedy); looked[i].rule.Remedy > 0 && v.Outcome == compliance.Deviation && v.RemediatedAt == 0 {
			list = append(list, fmt.Sprintf("%s: one that happens until %s is noted as its remedy. It stays a deviation.", looked[i].name(), until))
		}
	}
	if v.FinalAt > w {
		list = append(list, fmt.Sprintf("It is provisional until %s.", v.FinalAt))
	}
	if len(list) == 0 {
		list = append(list, "Only another body of the event that opened it, arriving in time, or a restated rule.")
	}
	return list
}

// stays tells whether a pass can't be taken away by further events: it hangs on what can
// only become true, and what matches stays matched.
func stays(c *control.Control, looked []sought) bool {
	return c.EarlyPass && len(looked) > 0 && !slices.ContainsFunc(looked, func(s sought) bool { return !s.rule.Grows })
}

// stillCounts says until when an event that was late still counts.
func stillCounts(c *control.Control, v *listing.Verdict, last, w compliance.Instant) string {
	until, late := last.Add(c.CorrectUntil), control.FormatDuration(c.CorrectUntil)
	if until < w {
		return fmt.Sprintf("No event of its intervals any more: it could arrive %s late, until %s at the latest. A later one is quarantined, and only a replay uses it.", late, until)
	}
	what := "may correct it"
	switch v.Outcome {
	case compliance.Pass:
		what = "may take the pass away"
	case compliance.Pending:
		what = "counts"
	case compliance.Deviation, compliance.Waived, compliance.Inconclusive, compliance.NotApplicable, compliance.Withdrawn:
	}
	return fmt.Sprintf("An event of its intervals that arrives %s late at most, until %s, %s: a new revision.", late, until, what)
}
