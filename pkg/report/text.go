package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// WriteJSON writes the whole report as one JSON object.
func (r *Report) WriteJSON(out io.Writer) error {
	return output.Writer{Out: out}.Object(r)
}

// WriteTable writes the report for a terminal: controls, reasons, completeness,
// and how each table was made.
func (r *Report) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := printer{w: w}
	t.say("Controls of tenant %s, %s to %s (not included), UTC\n", r.Tenant, r.Period.From, r.Period.To)
	if r.AsOf != 0 {
		t.say("As it was known at %s; what came later is left out.\n", r.AsOf)
	}
	printRows(&t, r.Controls, controlColumns())
	if lines := r.reasonLines(); len(lines) > 0 {
		t.say("\nReasons\n")
		printRows(&t, lines, reasonColumns())
	}
	if lines := r.deviationLines(); len(lines) > 0 {
		t.say("\nDeviations, the first %d of each control (all: assay query verdicts --outcome deviation)\n", listed)
		printRows(&t, lines, deviationColumns())
	}
	if lines := r.waiverLines(); len(lines) > 0 {
		t.say("\nWaivers in force\n")
		printRows(&t, lines, acceptedColumns())
	}
	t.say("\nPopulations\n")
	printRows(&t, r.completenessLines(), completenessColumns())
	if lines := r.ruleLines(); len(lines) > 0 {
		t.say("\nRules\n")
		printRows(&t, lines, ruleColumns())
	}
	for _, note := range r.Notes {
		t.say("\n%s\n", note)
	}
	t.say("\nWords\n")
	for _, d := range r.Definitions {
		t.say("%s: %s\n", d.Word, d.Meaning)
	}
	t.say("\nMade at %s from %d events and %d verdict revisions on record, by bundle %s\n", r.MadeAt, r.Record.Events, r.Record.Revisions, r.Bundle)
	printRows(&t, r.Made, madeColumns())
	t.say("\nAgain: %s\n", r.Command)
	return t.err
}

// printer keeps the first error of many writes.
type printer struct {
	w   output.Writer
	err error
}

func (p *printer) say(format string, args ...any) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w.Out, printable(fmt.Sprintf(format, args...)))
	}
}

// printable drops what could drive a terminal; lines stay.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || strconv.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

func printRows[T any](p *printer, rows []T, columns []output.Column[T]) {
	if p.err == nil {
		p.err = output.Write(p.w, rows, columns)
	}
}

func count(n int64) string { return strconv.FormatInt(n, 10) }

// percent is a rate with two digits; "–" if there is none.
func percent(rate *float64) string {
	if rate == nil {
		return "–"
	}
	return strconv.FormatFloat(100**rate, 'f', 2, 64) + " %"
}

// moment is a time, empty if there is none.
func moment(i compliance.Instant) string {
	if i == 0 {
		return ""
	}
	return i.String()
}

func provenWord(proven bool) string {
	if proven {
		return "proven"
	}
	return "not proven"
}

func controlColumns() []output.Column[Control] {
	return []output.Column[Control]{
		{Head: "CONTROL", Cell: func(c Control) string { return c.ID }},
		{Head: "N", Cell: func(c Control) string { return count(c.Counts.Items) }},
		{Head: "PASS", Cell: func(c Control) string { return count(c.Counts.Pass) }},
		{Head: "DEVIATION", Cell: func(c Control) string { return count(c.Counts.Deviation) }},
		{Head: "WAIVED", Cell: func(c Control) string { return count(c.Counts.Waived) }},
		{Head: "GROSS", Cell: func(c Control) string { return count(c.Counts.Gross) }},
		{Head: "INCONCLUSIVE", Cell: func(c Control) string { return count(c.Counts.Inconclusive) }},
		{Head: "N/A", Cell: func(c Control) string { return count(c.Counts.NotApplicable) }},
		{Head: "PENDING", Cell: func(c Control) string { return count(c.Counts.Pending) }},
		{Head: "RATE", Cell: func(c Control) string { return percent(c.Counts.Rate) }},
		{Head: "NET", Cell: func(c Control) string { return percent(c.Counts.NetRate) }},
		{Head: "RESULT", Cell: func(c Control) string { return string(c.Result) }},
		{Head: "POPULATION", Cell: func(c Control) string { return provenWord(c.Completeness.Proven) }},
		{Head: "TITLE", Cell: func(c Control) string { return c.Title }},
	}
}

// reasonLine is a reason with its control.
type reasonLine struct {
	Control string
	Reason
}

func (r *Report) reasonLines() (lines []reasonLine) {
	for i := range r.Controls {
		c := &r.Controls[i]
		for _, reason := range c.Reasons {
			lines = append(lines, reasonLine{Control: c.ID, Reason: reason})
		}
	}
	return lines
}

func reasonColumns() []output.Column[reasonLine] {
	return []output.Column[reasonLine]{
		{Head: "CONTROL", Cell: func(l reasonLine) string { return l.Control }},
		{Head: "OUTCOME", Cell: func(l reasonLine) string { return string(l.Outcome) }},
		{Head: "REASON", Cell: func(l reasonLine) string { return l.Reason.Reason }},
		{Head: "ITEMS", Cell: func(l reasonLine) string { return count(l.Items) }},
		{Head: "REMEDIATED", Cell: func(l reasonLine) string { return count(l.Remediated) }},
	}
}

// listed is how many deviations of a control a terminal shows.
const listed = 10

func (r *Report) deviationLines() (lines []Verdict) {
	for i := range r.Controls {
		d := r.Controls[i].Deviations
		lines = append(lines, d[:min(len(d), listed)]...)
	}
	return lines
}

func deviationColumns() []output.Column[Verdict] {
	return []output.Column[Verdict]{
		{Head: "CONTROL", Cell: func(v Verdict) string { return v.Control }},
		{Head: "ITEM", Cell: func(v Verdict) string { return v.Item.ID }},
		{Head: "TIME", Cell: func(v Verdict) string { return v.Item.Time.String() }},
		{Head: "OUTCOME", Cell: func(v Verdict) string { return string(v.Outcome) }},
		{Head: "REASON", Cell: func(v Verdict) string { return v.Reason }},
		{Head: "REMEDIATED", Cell: func(v Verdict) string { return moment(v.RemediatedAt) }},
	}
}

// completenessLine is one thing that is known of a control's population.
type completenessLine struct{ control, proven, how, text string }

func (r *Report) completenessLines() (lines []completenessLine) {
	for i := range r.Controls {
		c := &r.Controls[i]
		p := &c.Completeness
		first := completenessLine{control: c.ID, proven: provenWord(p.Proven), how: p.How, text: p.Basis()}
		if len(p.Why) == 0 {
			lines = append(lines, first)
		}
		for _, why := range p.Why {
			first.text = why
			lines = append(lines, first)
			first = completenessLine{}
		}
		for _, why := range c.Why {
			lines = append(lines, completenessLine{text: why})
		}
	}
	return lines
}

// Basis says what the proof rests on.
func (c *Completeness) Basis() string {
	if c.How == ByCalendar {
		return fmt.Sprintf("all %d that the calendar makes are on record", c.Expected)
	}
	names := make([]string, len(c.Sources))
	for i, s := range c.Sources {
		names[i] = fmt.Sprintf("%s within %s", s.Source, s.MaxGap)
		if s.RetiredAt != 0 {
			names[i] += ", retired at " + s.RetiredAt.String()
		}
	}
	return "heard all through: " + strings.Join(names, "; ")
}

func completenessColumns() []output.Column[completenessLine] {
	return []output.Column[completenessLine]{
		{Head: "CONTROL", Cell: func(l completenessLine) string { return l.control }},
		{Head: "COMPLETE", Cell: func(l completenessLine) string { return l.proven }},
		{Head: "BY", Cell: func(l completenessLine) string { return l.how }},
		{Head: "WHY", Cell: func(l completenessLine) string { return l.text }},
	}
}

type ruleLine struct {
	control string
	Rule
}

func (r *Report) ruleLines() (lines []ruleLine) {
	for i := range r.Controls {
		for _, rule := range r.Controls[i].Rules {
			lines = append(lines, ruleLine{r.Controls[i].ID, rule})
		}
	}
	return lines
}

func ruleColumns() []output.Column[ruleLine] {
	return []output.Column[ruleLine]{
		{Head: "CONTROL", Cell: func(l ruleLine) string { return l.control }},
		{Head: "RULE", Cell: func(l ruleLine) string { return l.RuleHash }},
		{Head: "BUNDLE", Cell: func(l ruleLine) string { return l.Bundle }},
		{Head: "ITEMS", Cell: func(l ruleLine) string { return count(l.Items) }},
		{Head: "FIRST", Cell: func(l ruleLine) string { return moment(l.First) }},
		{Head: "LAST", Cell: func(l ruleLine) string { return moment(l.Last) }},
	}
}

func madeColumns() []output.Column[Made] {
	return []output.Column[Made]{
		{Head: "QUERY", Cell: func(m Made) string { return m.Query }},
		{Head: "SHA-256", Cell: func(m Made) string { return m.SHA256[:16] }},
		{Head: "ROWS", Cell: func(m Made) string { return strconv.Itoa(m.Rows) }},
		{Head: "PARAMETERS", Cell: func(m Made) string { return m.parameters() }},
	}
}

func (m Made) parameters() string {
	told := make([]string, len(m.Parameters))
	for i, p := range m.Parameters {
		told[i] = p.Name + "=" + p.Value
	}
	return strings.Join(told, " ")
}
