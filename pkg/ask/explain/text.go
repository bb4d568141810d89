package explain

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// WriteJSON writes the explanation as one JSON object.
func (e *Explained) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(e) }

// WriteTable writes the explanation for a terminal.
func (e *Explained) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := output.Printer{To: w}
	v := &e.Verdict
	t.Say("%s of %s: %s%s\n", v.Control, v.Item.ID, v.Outcome, inBrackets(v.Reason))
	t.Say("item at %s, known at %s%s\n", v.Item.Time, v.KnownAt, remedied(v.RemediatedAt))
	e.sayWaiver(&t)
	t.Say("\nWhy\n")
	for _, line := range e.Because.Why {
		t.Say("- %s\n", line)
	}
	t.Say("\nWhat may still change it\n")
	for _, line := range e.Because.Change {
		t.Say("- %s\n", line)
	}
	e.sayRule(&t)
	t.Say("\nWhat was said\n")
	output.Rows(&t, e.History, historyColumns())
	t.Say("\nEvidence\n")
	output.Rows(&t, e.Evidence, exhibitColumns())
	for i := range e.Evidence {
		t.Say("%s %s %s\n", e.Evidence[i].Expectation, e.Evidence[i].ID, e.Evidence[i].Data)
	}
	e.sayAgain(&t)
	return t.Err
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

func (e *Explained) sayRule(t *output.Printer) {
	r := &e.Rule
	t.Say("\nRule %s (%s, severity %s)\n%s\n", r.ID, strings.Join(r.Criteria, ", "), r.Severity, r.Title)
	if r.Text != "" {
		t.Say("%s\n", strings.TrimSpace(r.Text))
	}
	t.Say("population  %s%s\n", r.Population, ifAny(" where ", r.Where))
	for _, x := range r.Expectations {
		t.Say("expects     %s: %s%s%s\n", x.Name, joined(x.Types), ifAny(" in ", x.Between), ifAny(" where ", x.Where))
	}
	t.Say("assert      %s\n", r.Assertion)
	t.Say("rule hash   %s\n", r.RuleHash)
}

func ifAny(before, text string) string {
	if text == "" {
		return ""
	}
	return before + text
}

func historyColumns() []output.Column[listing.Verdict] {
	return []output.Column[listing.Verdict]{
		{Head: "REVISION", Cell: func(v listing.Verdict) string { return strconv.Itoa(v.Revision) }},
		{Head: "KNOWN", Cell: func(v listing.Verdict) string { return v.KnownAt.String() }},
		{Head: "OUTCOME", Cell: func(v listing.Verdict) string { return string(v.Outcome) }},
		{Head: "REASON", Cell: func(v listing.Verdict) string { return v.Reason }},
		{Head: "REMEDIATED", Cell: func(v listing.Verdict) string { return output.Moment(v.RemediatedAt) }},
		{Head: "DUE", Cell: func(v listing.Verdict) string { return output.Moment(v.Due) }},
		{Head: "RULE", Cell: func(v listing.Verdict) string { return v.RuleHash }},
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

func (e *Explained) sayAgain(t *output.Printer) {
	again := &e.Again
	t.Say("\nMade again from %d events before %s\n", again.Events, again.Watermark)
	if again.Late > 0 {
		t.Say("Left out, as they came later than the control corrects: %d\n", again.Late)
	}
	if again.Conflicting > 0 {
		t.Say("Events that came with more than one body: %d\n", again.Conflicting)
	}
	for _, part := range again.Parts {
		if part.Part != "" {
			t.Say("part %s: %s%s\n", part.Part, part.Outcome, inBrackets(part.Reason))
		}
		if len(part.Expectations) > 0 {
			output.Rows(t, part.Expectations, lookedColumns())
		}
	}
	if len(again.Waivers) > 0 {
		t.Say("waivers with this item in their scope\n")
		output.Rows(t, again.Waivers, waiverColumns())
	}
	switch {
	case again.Equal:
		t.Say("The verdict made again is the stored one: %s%s.\n", again.Outcome, inBrackets(again.Reason))
	default:
		t.Say("The verdict made again is NOT the stored one:\n")
		for _, d := range again.Differences {
			t.Say("- %s\n", d)
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
