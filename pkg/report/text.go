package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report/table"
)

// WriteJSON writes the whole report as one JSON object.
func (r *Report) WriteJSON(out io.Writer) error {
	return output.Writer{Out: out}.Object(r)
}

// WriteTable writes the report for a terminal: its tables in their order, each with how
// it was made. Tables with many rows are named only.
func (r *Report) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := printer{w: w}
	t.say("Controls, tests performed and results of tests\nTenant %s, %s to %s (not included), UTC\n", r.Tenant, r.Period.From, r.Period.To)
	if r.AsOf != 0 {
		t.say("As it was known at %s; what came later is left out.\n", r.AsOf)
	}
	t.say("No opinion and no conclusion on any criterion is given here: they are the auditor's.\n")
	for _, note := range r.Notes {
		t.say("\n%s\n", note)
	}
	for _, of := range r.Tables() {
		switch {
		case t.err != nil:
		case of.Long:
			t.say("\n%s: %d rows, with --table %s\n", of.Title, len(of.Rows), of.Name)
		case of.Name == "deviations":
			t.err = listedOnly(of).WriteText(w)
		default:
			t.err = of.WriteText(w)
		}
	}
	t.say("\nMade at %s from %d events and %d verdict revisions on record, by bundle %s\n", r.MadeAt, r.Record.Events, r.Record.Revisions, r.Bundle)
	t.say("Again: %s\n", r.Command)
	return t.err
}

// listed is how many deviations of a control a terminal shows.
const listed = 10

// listedOnly is the table of deviations with the first of each control.
func listedOnly(t *table.Table) *table.Table {
	some, shown := *t, map[any]int{}
	some.Rows = nil
	for _, row := range t.Rows {
		if shown[row[0]]++; shown[row[0]] <= listed {
			some.Rows = append(some.Rows, row)
		}
	}
	if left := len(t.Rows) - len(some.Rows); left > 0 {
		some.Title += fmt.Sprintf(", the first %d of each control; %d more with --table %s", listed, left, t.Name)
	}
	return &some
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

func printable(text string) string { return table.Printable(text) }

func printRows[T any](p *printer, rows []T, columns []output.Column[T]) {
	if p.err == nil {
		p.err = output.Write(p.w, rows, columns)
	}
}

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

func (m Made) parameters() string {
	told := make([]string, len(m.Parameters))
	for i, p := range m.Parameters {
		told[i] = p.Name + "=" + p.Value
	}
	return strings.Join(told, " ")
}

// madeColumns say how the tables of an answer came about.
func madeColumns() []output.Column[Made] {
	const enough = 16
	return []output.Column[Made]{
		{Head: "QUERY", Cell: func(m Made) string { return m.Query }},
		{Head: "SHA-256", Cell: func(m Made) string { return m.SHA256[:enough] }},
		{Head: "ROWS", Cell: func(m Made) string { return strconv.Itoa(m.Rows) }},
		{Head: "PARAMETERS", Cell: func(m Made) string { return m.parameters() }},
	}
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
