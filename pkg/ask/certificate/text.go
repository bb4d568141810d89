package certificate

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/output"
)

// WriteJSON writes the certificate as one JSON object.
func (c *Certificate) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(c) }

// statement is one of the certificate, proven or not.
type statement struct {
	source, what, rests string
	proven              bool
}

func (c *Certificate) statements() (list []statement) {
	for _, p := range c.Proven {
		list = append(list, statement{p.Source, p.What, p.By, true})
	}
	for _, u := range c.NotProven {
		list = append(list, statement{u.Source, u.What, u.Why, false})
	}
	return list
}

// WriteCSV writes a row a statement, each with what makes the certificate again.
func (c *Certificate) WriteCSV(w output.Writer) error {
	w.Format = output.CSV
	always := func(text string) func(statement) string { return func(statement) string { return text } }
	asOf := ""
	if c.AsOf != 0 {
		asOf = c.AsOf.String()
	}
	return output.Write(w, c.statements(), []output.Column[statement]{
		{Head: "control", Cell: always(c.Control)},
		{Head: "from", Cell: always(c.Period.From.String())},
		{Head: "to", Cell: always(c.Period.To.String())},
		{Head: "as_of", Cell: always(asOf)},
		{Head: "source", Cell: func(s statement) string { return s.source }},
		{Head: "proven", Cell: func(s statement) string { return strconv.FormatBool(s.proven) }},
		{Head: "what", Cell: func(s statement) string { return s.what }},
		{Head: "by_or_why_not", Cell: func(s statement) string { return s.rests }},
		{Head: "facts_sha256", Cell: always(c.SHA256)},
		{Head: "command", Cell: always(c.Command)},
	})
}

// WriteTable writes the certificate for a terminal.
func (c *Certificate) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := output.Printer{To: w}
	t.Say("%s %s\n", c.Control, c.Title)
	t.Say("Completeness of the population and its evidence, tenant %s, %s to %s (not included), UTC\n", c.Tenant, c.Period.From, c.Period.To)
	if c.AsOf != 0 {
		t.Say("As it was known at %s\n", c.AsOf)
	}
	t.Say("%d items on record\n", c.Facts.Items.N)
	var proven, open []statement
	for _, s := range c.statements() {
		if s.proven {
			proven = append(proven, s)
		} else {
			open = append(open, s)
		}
	}
	sayStatements(&t, "Proven", "BY", proven)
	sayStatements(&t, "Not proven", "WHY NOT", open)
	t.Say("\n%s\n", c.Beyond)
	t.Say("\nSources\n")
	output.Rows(&t, c.Facts.Sources, certifiedColumns())
	t.Say("\nWhat was read of the log; its clock is %s\n", clockTold(c.Facts.Clock))
	output.Rows(&t, c.Facts.Partitions, partitionColumns())
	t.Say("\nHow it was made, by bundle %s; the facts' SHA-256 is %s\n", c.Bundle, c.SHA256)
	output.Rows(&t, c.Made, ask.MadeColumns())
	t.Say("\nAgain: %s\n", c.Command)
	return t.Err
}

func clockTold(c completeness.Clock) string {
	if c.At == 0 {
		return "not on record"
	}
	return "at " + c.At.String() + " in the partition furthest behind"
}

func sayStatements(t *output.Printer, title, rests string, list []statement) {
	t.Say("\n%s\n", title)
	if len(list) == 0 {
		t.Say("nothing\n")
		return
	}
	output.Rows(t, list, []output.Column[statement]{
		{Head: "SOURCE", Cell: func(s statement) string { return s.source }},
		{Head: "WHAT", Cell: func(s statement) string { return s.what }},
		{Head: rests, Cell: func(s statement) string { return s.rests }},
	})
}

func certifiedColumns() []output.Column[completeness.SourceFacts] {
	number := func(head string, of func(completeness.SourceFacts) int64) output.Column[completeness.SourceFacts] {
		return output.Column[completeness.SourceFacts]{Head: head, Cell: func(s completeness.SourceFacts) string { return count(of(s)) }}
	}
	sum := func(counts []completeness.Tally) (n int64) {
		for _, c := range counts {
			n += c.N
		}
		return n
	}
	return []output.Column[completeness.SourceFacts]{
		{Head: "SOURCE", Cell: func(s completeness.SourceFacts) string { return s.Name }},
		{Head: "FEEDS", Cell: func(s completeness.SourceFacts) string { return strings.Join(s.Feeds, " ") }},
		number("RECORDS", func(s completeness.SourceFacts) int64 { return s.Records }),
		number("EVENTS", func(s completeness.SourceFacts) int64 { return s.Events }),
		number("AGAIN", func(s completeness.SourceFacts) int64 { return s.Repeats }),
		number("CONFLICTS", func(s completeness.SourceFacts) int64 { return s.Conflicts }),
		number("REFUSED", func(s completeness.SourceFacts) int64 { return sum(s.Refused) }),
		number("LATE", func(s completeness.SourceFacts) int64 { return s.Late }),
		number("QUARANTINED", func(s completeness.SourceFacts) int64 { return s.Quarantined }),
		number("UNMAPPED", func(s completeness.SourceFacts) int64 { return sum(s.Unmapped) }),
		{Head: "DAYS", Cell: daysTold},
		{Head: "SILENCES", Cell: func(s completeness.SourceFacts) string { return strconv.Itoa(len(s.Silences)) }},
		{Head: "HOLES", Cell: func(s completeness.SourceFacts) string { return strconv.Itoa(len(s.Holes)) }},
	}
}

// daysTold is on how many days of the period something came, such as 62 of 92.
func daysTold(s completeness.SourceFacts) string {
	with := 0
	for _, d := range s.Days {
		if d.Events > 0 {
			with++
		}
	}
	return fmt.Sprintf("%d of %d", with, len(s.Days))
}

func partitionColumns() []output.Column[completeness.Partition] {
	return []output.Column[completeness.Partition]{
		{Head: "TOPIC", Cell: func(p completeness.Partition) string { return p.Topic }},
		{Head: "PARTITION", Cell: func(p completeness.Partition) string { return strconv.Itoa(int(p.Partition)) }},
		{Head: "OFFSETS READ", Cell: func(p completeness.Partition) string { return fmt.Sprintf("%d–%d", p.First, p.End-1) }},
		{Head: "HOLES", Cell: func(p completeness.Partition) string { return strconv.Itoa(len(p.Holes)) }},
		{Head: "EVENTS OF THE PERIOD", Cell: func(p completeness.Partition) string {
			if p.FirstEvent < 0 {
				return "none"
			}
			return fmt.Sprintf("%d–%d", p.FirstEvent, p.LastEvent)
		}},
		{Head: "CLOCK", Cell: func(p completeness.Partition) string {
			if p.Clock == 0 {
				return ""
			}
			return p.Clock.String()
		}},
	}
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
