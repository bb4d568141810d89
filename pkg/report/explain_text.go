package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// WriteJSON writes the explanation as one JSON object.
func (e *Explained) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(e) }

// WriteTable writes the explanation for a terminal.
func (e *Explained) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := printer{w: w}
	v := &e.Verdict
	t.say("%s of %s: %s%s\n", v.Control, v.Item.ID, v.Outcome, inBrackets(v.Reason))
	t.say("item at %s, known at %s%s\n", v.Item.Time, v.KnownAt, remedied(v.RemediatedAt))
	e.sayWaiver(&t)
	t.say("\nWhy\n")
	for _, line := range e.Because.Why {
		t.say("- %s\n", line)
	}
	t.say("\nWhat may still change it\n")
	for _, line := range e.Because.Change {
		t.say("- %s\n", line)
	}
	e.sayRule(&t)
	t.say("\nWhat was said\n")
	printRows(&t, e.History, historyColumns())
	t.say("\nEvidence\n")
	printRows(&t, e.Evidence, exhibitColumns())
	for i := range e.Evidence {
		t.say("%s %s %s\n", e.Evidence[i].Expectation, e.Evidence[i].ID, e.Evidence[i].Data)
	}
	e.sayAgain(&t)
	return t.err
}

func inBrackets(text string) string {
	if text == "" {
		return ""
	}
	return " (" + text + ")"
}

func remedied(at compliance.Instant) string {
	if at == 0 {
		return ""
	}
	return ", remediated at " + at.String()
}

func (e *Explained) sayRule(t *printer) {
	r := &e.Rule
	t.say("\nRule %s (%s, severity %s)\n%s\n", r.ID, strings.Join(r.Criteria, ", "), r.Severity, r.Title)
	if r.Text != "" {
		t.say("%s\n", strings.TrimSpace(r.Text))
	}
	t.say("population  %s%s\n", r.Population, ifAny(" where ", r.Where))
	for _, x := range r.Expectations {
		t.say("expects     %s: %s%s%s\n", x.Name, joined(x.Types), ifAny(" in ", x.Between), ifAny(" where ", x.Where))
	}
	t.say("assert      %s\n", r.Assertion)
	t.say("rule hash   %s\n", r.RuleHash)
}

func ifAny(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func historyColumns() []output.Column[Verdict] {
	return []output.Column[Verdict]{
		{Head: "REVISION", Cell: func(v Verdict) string { return strconv.Itoa(v.Revision) }},
		{Head: "KNOWN", Cell: func(v Verdict) string { return v.KnownAt.String() }},
		{Head: "OUTCOME", Cell: func(v Verdict) string { return string(v.Outcome) }},
		{Head: "REASON", Cell: func(v Verdict) string { return v.Reason }},
		{Head: "REMEDIATED", Cell: func(v Verdict) string { return moment(v.RemediatedAt) }},
		{Head: "DUE", Cell: func(v Verdict) string { return moment(v.Due) }},
		{Head: "RULE", Cell: func(v Verdict) string { return v.RuleHash }},
	}
}

func exhibitColumns() []output.Column[Exhibit] {
	return []output.Column[Exhibit]{
		{Head: "FOR", Cell: func(x Exhibit) string { return x.Expectation }},
		{Head: "TYPE", Cell: func(x Exhibit) string { return x.Type }},
		{Head: "TIME", Cell: func(x Exhibit) string { return x.Time.String() }},
		{Head: "TOPIC", Cell: func(x Exhibit) string { return x.Topic }},
		{Head: "PARTITION", Cell: func(x Exhibit) string { return strconv.Itoa(int(x.Partition)) }},
		{Head: "OFFSET", Cell: func(x Exhibit) string { return strconv.FormatInt(x.Offset, 10) }},
		{Head: "SHA-256", Cell: func(x Exhibit) string { return x.SHA256.String() }},
		{Head: "CHECKED", Cell: func(x Exhibit) string { return x.checked() }},
	}
}

func (x *Exhibit) checked() string {
	switch {
	case !x.OnRecord:
		return "not on record"
	case !x.Intact:
		return "other bytes"
	}
	return "same bytes"
}

func (e *Explained) sayAgain(t *printer) {
	again := &e.Again
	t.say("\nMade again from %d events before %s\n", again.Events, again.Watermark)
	if again.Late > 0 {
		t.say("Left out, as they came later than the control corrects: %d\n", again.Late)
	}
	if again.Conflicting > 0 {
		t.say("Events that came with more than one body: %d\n", again.Conflicting)
	}
	for _, part := range again.Parts {
		if part.Part != "" {
			t.say("part %s: %s%s\n", part.Part, part.Outcome, inBrackets(part.Reason))
		}
		if len(part.Expectations) > 0 {
			printRows(t, part.Expectations, lookedColumns())
		}
	}
	if len(again.Waivers) > 0 {
		t.say("waivers with this item in their scope\n")
		printRows(t, again.Waivers, waiverColumns())
	}
	switch {
	case again.Equal:
		t.say("The verdict made again is the stored one: %s%s.\n", again.Outcome, inBrackets(again.Reason))
	default:
		t.say("The verdict made again is NOT the stored one:\n")
		for _, d := range again.Differences {
			t.say("- %s\n", d)
		}
	}
}

func lookedColumns() []output.Column[Expectation] {
	return []output.Column[Expectation]{
		{Head: "EXPECTED", Cell: func(x Expectation) string { return x.Name }},
		{Head: "STATE", Cell: func(x Expectation) string { return x.State }},
		{Head: "FOUND", Cell: func(x Expectation) string { return strconv.Itoa(len(x.Found)) }},
		{Head: "INTERVAL", Cell: func(x Expectation) string { return x.Interval }},
		{Head: "NOTE", Cell: func(x Expectation) string { return x.note() }},
	}
}

// note says what else is to be said: why, what was found, and what came late.
func (x *Expectation) note() string {
	var notes []string
	if x.Why != "" {
		notes = append(notes, x.Why)
	}
	for i, f := range x.Found {
		if i == 3 {
			notes = append(notes, fmt.Sprintf("and %d more", len(x.Found)-i))
			break
		}
		notes = append(notes, fmt.Sprintf("%s at %s", f.ID, f.Time))
	}
	if x.Remedy != nil {
		notes = append(notes, fmt.Sprintf("remedied by %s at %s", x.Remedy.ID, x.Remedy.Time))
	}
	if len(x.Folds) > 0 {
		notes = append(notes, fmt.Sprint(x.Folds))
	}
	return strings.Join(notes, "; ")
}
