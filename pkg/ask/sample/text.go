package sample

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/sampling"
)

// WriteJSON writes the sample as one JSON object.
func (s *Sample) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(s) }

// drawnLine is an item beside the stratum that it was drawn of.
type drawnLine struct {
	*Drawn
	of *Stratum
}

func (s *Sample) lines() []drawnLine {
	var lines []drawnLine
	for i := range s.Strata {
		of := &s.Strata[i]
		for j := range of.Items {
			lines = append(lines, drawnLine{&of.Items[j], of})
		}
	}
	return lines
}

// WriteCSV writes a row an item, each with the hashes that the draw hangs on.
func (s *Sample) WriteCSV(w output.Writer) error {
	w.Format = output.CSV
	columns := []output.Column[drawnLine]{
		{Head: "CONTROL", Cell: func(drawnLine) string { return s.Control }},
		{Head: "ENGAGEMENT", Cell: func(drawnLine) string { return s.Engagement }},
		{Head: "PLAN", Cell: func(drawnLine) string { return s.Plan.Name }},
		{Head: "POPULATION", Cell: func(l drawnLine) string { return strconv.Itoa(l.of.Size) }},
		{Head: "POPULATION SHA-256", Cell: func(l drawnLine) string { return l.of.SHA256.String() }},
		{Head: "SEED", Cell: func(l drawnLine) string { return l.of.Seed.String() }},
	}
	columns = append(columns, drawnColumns(s)...)
	columns = append(columns,
		output.Column[drawnLine]{Head: "RULE", Cell: func(l drawnLine) string { return l.RuleHash }},
		output.Column[drawnLine]{Head: "EVIDENCE", Cell: func(l drawnLine) string { return l.evidence() }})
	return output.Write(w, s.lines(), columns)
}

// evidence names each event by its source and id, as quoted text where it needs that.
func (l drawnLine) evidence() string {
	names := make([]string, len(l.Evidence))
	for i, e := range l.Evidence {
		names[i] = fmt.Sprintf("%s=%s %s", e.Expectation, e.Source, e.ID)
	}
	return strings.Join(names, "; ")
}

func drawnColumns(s *Sample) []output.Column[drawnLine] {
	columns := []output.Column[drawnLine]{
		{Head: "RUN", Cell: func(l drawnLine) string { return strconv.Itoa(l.Run) }},
		{Head: "POSITION", Cell: func(l drawnLine) string { return strconv.Itoa(l.Position) }},
		{Head: "ITEM", Cell: func(l drawnLine) string { return l.Item.ID }},
		{Head: "TIME", Cell: func(l drawnLine) string { return l.Item.Time.String() }},
		{Head: "OUTCOME", Cell: func(l drawnLine) string { return string(l.Outcome) }},
		{Head: "REASON", Cell: func(l drawnLine) string { return l.Reason }},
		{Head: "REVISION", Cell: func(l drawnLine) string { return strconv.Itoa(l.Revision) }},
	}
	if s.Stratum != "" {
		columns = append([]output.Column[drawnLine]{{Head: "STRATUM", Cell: func(l drawnLine) string { return l.of.Name }}}, columns...)
	}
	return columns
}

// WriteTable writes the sample for a terminal.
func (s *Sample) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := output.Printer{To: w}
	t.Say("%s %s\n", s.Control, s.Title)
	t.Say("Tenant %s, %s to %s (not included), UTC\n", s.Tenant, s.Period.From, s.Period.To)
	if s.AsOf != 0 {
		t.Say("As it was known at %s\n", s.AsOf)
	}
	t.Say("Population of %d, SHA-256 %s\n", s.Population.Size, s.Population.SHA256)
	t.Say("Engagement %s, plan %s: %s; the control operates %s\n\n", s.Engagement, s.Plan.Name, s.Plan.Title, strings.ReplaceAll(string(s.Frequency), "_", " "))
	s.sayCompleteness(&t)
	if s.Population.Size == 0 {
		t.Say("There is nothing to draw.\n")
		return t.Err
	}
	output.Rows(&t, s.Strata, stratumColumns(s))
	t.Say("\n")
	columns := append(drawnColumns(s), output.Column[drawnLine]{Head: "EVIDENCE", Cell: func(l drawnLine) string { return l.evidence() }})
	output.Rows(&t, s.lines(), columns)
	s.sayBounds(&t)
	t.Say("\nHow to draw it again: docs/formats/sampling.md\n")
	return t.Err
}

func stratumColumns(s *Sample) []output.Column[Stratum] {
	columns := []output.Column[Stratum]{
		{Head: "POPULATION", Cell: func(u Stratum) string { return strconv.Itoa(u.Size) }},
		{Head: "DRAWN", Cell: func(u Stratum) string { return strconv.Itoa(u.Sizing.Size) }},
		{Head: "BY", Cell: func(u Stratum) string { return u.Sizing.Rule }},
		{Head: "POPULATION SHA-256", Cell: func(u Stratum) string { return u.SHA256.String() }},
		{Head: "SEED", Cell: func(u Stratum) string { return u.Seed.String() }},
	}
	if s.Stratum != "" {
		columns = append([]output.Column[Stratum]{{Head: "STRATUM", Cell: func(u Stratum) string { return u.Name }}}, columns...)
	}
	return columns
}

// sayCompleteness says that a draw from what may not be all proves less than it seems.
func (s *Sample) sayCompleteness(t *output.Printer) {
	c := &s.Completeness
	if !c.Proven {
		t.Say("The population's completeness isn't proven, for %s: %s\n\n", reasonCount(len(c.NotProven)), c.Command)
	}
}

func reasonCount(n int) string {
	if n == 1 {
		return "1 reason"
	}
	return strconv.Itoa(n) + " reasons"
}

// sayBounds says what each draw proves, and of a census that it leaves nothing to chance.
func (s *Sample) sayBounds(t *output.Printer) {
	for i := range s.Strata {
		of := &s.Strata[i]
		name := ""
		if of.Name != "" {
			name = of.Name + ": "
		}
		if of.Census {
			t.Say("\n%sEvery item is in the sample, so no bound belongs to it.\n", name)
			continue
		}
		t.Say("\n%sWhat the sample proves of %d items\n", name, of.Size)
		output.Rows(t, of.Bounds, boundColumns())
	}
}

func boundColumns() []output.Column[sampling.Bound] {
	return []output.Column[sampling.Bound]{
		{Head: "DEVIATIONS FOUND", Cell: func(b sampling.Bound) string { return strconv.Itoa(b.Found) }},
		{Head: "CONFIDENCE", Cell: func(b sampling.Bound) string { return b.Confidence.String() }},
		{Head: "AT MOST", Cell: func(b sampling.Bound) string { return strconv.Itoa(b.Deviations) }},
		{Head: "RATE", Cell: func(b sampling.Bound) string { return fmt.Sprintf("%.1f %%", 100*b.Rate) }},
		{Head: "DISTRIBUTION", Cell: func(b sampling.Bound) string { return b.Method }},
	}
}
