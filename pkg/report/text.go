package report

import (
	"fmt"
	"io"
	"strings"

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
	t := output.Printer{To: w}
	t.Say("Controls, tests performed and results of tests\nTenant %s, %s to %s (not included), UTC\n", r.Tenant, r.Period.From, r.Period.To)
	if r.AsOf != 0 {
		t.Say("As it was known at %s; what came later is left out.\n", r.AsOf)
	}
	t.Say("No opinion and no conclusion on any criterion is given here: they are the auditor's.\n")
	for _, note := range r.Notes {
		t.Say("\n%s\n", note)
	}
	for _, of := range r.Tables() {
		switch {
		case t.Err != nil:
		case of.Long:
			t.Say("\n%s: %d rows, with --table %s\n", of.Title, len(of.Rows), of.Name)
		case of.Name == "deviations":
			t.Err = listedOnly(of).WriteText(w)
		default:
			t.Err = of.WriteText(w)
		}
	}
	t.Say("\nMade at %s from %d events and %d verdict revisions on record, by bundle %s\n", r.MadeAt, r.Record.Events, r.Record.Revisions, r.Bundle)
	t.Say("Again: %s\n", r.Command)
	return t.Err
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

func coveredWord(covered bool) string {
	if covered {
		return "covered"
	}
	return "not covered"
}

// Basis says what the proof rests on.
func (c *PopulationCoverage) Basis() string {
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
