package drifts

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/output"
)

// WriteJSON writes the comparison as one JSON object.
func (d *Drift) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(d) }

// WriteTable writes the comparison for a terminal.
func (d *Drift) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := output.Printer{To: w}
	t.Say("Tenant %s, %s to %s against %s to %s (ends not included), UTC\n", d.Tenant, d.Window.From, d.Window.To, d.Baseline.From, d.Baseline.To)
	if d.AsOf != 0 {
		t.Say("As it was known at %s\n", d.AsOf)
	}
	t.Say("%s of %d comparisons drifted, at a false discovery rate of %s\n", plural(len(d.Findings), "none", "1"), len(d.Tested), output.Percent(new(d.FDR)))
	for i := range d.Findings {
		sayFinding(&t, &d.Findings[i])
	}
	t.Say("\nWhat was compared\n")
	output.Rows(&t, d.Tested, testedColumns())
	return t.Err
}

func plural(n int, none, one string) string {
	switch n {
	case 0:
		return none
	case 1:
		return one
	}
	return strconv.Itoa(n)
}

func sayFinding(t *output.Printer, f *drift.Finding) {
	t.Say("\n%s: %s went from %s to %s; cause: %s\n", f.Control, f.Measure, counted(f.Baseline), counted(f.Window), f.Cause)
	t.Say("  since %s (%s to %s would explain it, too); before %s, after %s; p %s\n",
		f.Onset.Day.Time().Format(time.DateOnly), f.Onset.From.Time().Format(time.DateOnly), f.Onset.To.Time().Format(time.DateOnly),
		counted(f.Onset.Before), counted(f.Onset.After), Chance(f.Onset.P))
	for _, c := range f.Causes {
		t.Say("  %s: %.0f %% of the difference, %s%s\n", c.Cause, 100*c.Share, counted(c.Count), what(c))
	}
	if len(f.Changes) == 0 {
		t.Say("  no change is on record in the week before\n")
		return
	}
	t.Say("  what was changed before, the likeliest first\n")
	for _, c := range f.Changes {
		t.Say("    %s  %s (%s; %.0f %%)\n", c.At, c.What, c.Kind, 100*c.Weight)
	}
}

func what(c drift.Share) string {
	said := ""
	if len(c.What) > 0 {
		said = ": " + strings.Join(c.What, ", ")
	}
	if c.Alone {
		said += "; every item since is of it, so counts can't tell it from behaviour (assay replay can)"
	}
	return said
}

func counted(c drift.Count) string {
	return fmt.Sprintf("%d of %d (%s)", c.Bad, c.Of, output.Percent(new(c.Rate())))
}

// Chance writes a p-value with three figures, and none that rounding could have made.
func Chance(p float64) string {
	const least = 1e-12
	if p < least {
		return "below 1e-12"
	}
	return strconv.FormatFloat(p, 'g', 3, 64)
}

func testedColumns() []output.Column[drift.Tested] {
	return []output.Column[drift.Tested]{
		{Head: "CONTROL", Cell: func(t drift.Tested) string { return t.Control }},
		{Head: "MEASURE", Cell: func(t drift.Tested) string { return string(t.Measure) }},
		{Head: "BASELINE", Cell: func(t drift.Tested) string { return counted(t.Baseline) }},
		{Head: "WINDOW", Cell: func(t drift.Tested) string { return counted(t.Window) }},
		{Head: "P", Cell: func(t drift.Tested) string { return Chance(t.P) }},
		{Head: "ADJUSTED", Cell: func(t drift.Tested) string { return Chance(t.Q) }},
	}
}
