package page

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/output"
)

// driftBody is a window beside a baseline.
type driftBody struct {
	*drifts.Drift

	When             *when
	Before           string
	AsOf, FDR        string
	Findings         []findingView
	Tested           []testedRow
	Questions        []ask.Made
	Hidden           []fact
	AsOfAsked, Asked string
	Again            []command
}

// findingView is a control that drifted, in words.
type findingView struct {
	Control, Title, Link string
	Measure, Cause       string
	Was, Is              string
	Since, SinceRange    string
	Before, After, P     string
	Causes               []causeRow
	Changes              []precedingRow
}

type causeRow struct {
	Cause, Share, Count string
	What                []string
	Alone               bool
}

type precedingRow struct{ At, What, Kind, Weight, Link string }

type testedRow struct {
	Control, Link, Measure string
	Baseline, Window, P, Q string
	Found                  bool
}

func driftPage(v *visit) (*sheet, error) {
	w, err := v.when("baseline", "baseline_from", "baseline_to", "as_of")
	if err != nil {
		return nil, err
	}
	p := drifts.Params{Tenant: v.Tenant, FDR: drift.DefaultFDR, Now: v.now}
	if p.Window, p.Baseline, err = v.compared(w.Period); err != nil {
		return nil, err
	}
	w.Period, w.Pairs = p.Window, pairsOf(p.Window)
	if p.AsOf, err = ask.ParseAsOf(v.param("as_of")); err != nil {
		return nil, err
	}
	d, err := drifts.Make(v.ctx(), v.Conn, v.Bundle, p)
	if err != nil {
		return nil, err
	}
	v.Cut(d)
	b := &driftBody{
		Drift: d, When: w, Before: titleOf(d.Baseline), AsOf: moment(d.AsOf), AsOfAsked: v.param("as_of"), Asked: v.param("baseline"),
		FDR: output.Percent(&d.FDR), Questions: d.Made, Hidden: w.Hidden(), Again: v.driftCommands(&p),
	}
	found := map[string]bool{}
	for i := range d.Findings {
		f := &d.Findings[i]
		found[f.Control+" "+string(f.Measure)] = true
		b.Findings = append(b.Findings, v.finding(w, f))
	}
	for _, t := range d.Tested {
		b.Tested = append(b.Tested, testedRow{
			t.Control, v.controlLink(w, t.Control), string(t.Measure), counted(t.Baseline), counted(t.Window), drifts.Chance(t.P), drifts.Chance(t.Q),
			found[t.Control+" "+string(t.Measure)],
		})
	}
	return &sheet{Template: "drift", Title: "Drift", Body: b}, nil
}

// compared are the window and its baseline: the one that is asked for, or what came right
// before and is as long. Where that may not be seen, the window is cut into halves.
func (v *visit) compared(w ask.Period) (window, baseline ask.Period, err error) {
	label, from, to := v.param("baseline"), v.param("baseline_from"), v.param("baseline_to")
	switch {
	case label != "" && (from != "" || to != ""):
		return w, w, compliance.Errorf(compliance.Invalid, "baseline and baseline_from, baseline_to say the same thing twice: use one of them")
	case label != "":
		baseline, err = ask.ParsePeriod(label)
	case from != "" || to != "":
		baseline, err = ask.Between(from, to)
	default:
		return v.preceded(w)
	}
	if err == nil {
		err = v.Within(baseline)
	}
	if err == nil {
		err = drift.Check(drift.Window{From: baseline.From, To: baseline.To}, drift.Window{From: w.From, To: w.To}, drift.DefaultFDR)
	}
	return w, baseline, err
}

func (v *visit) preceded(w ask.Period) (window, baseline ask.Period, err error) {
	if baseline = before(w); v.Within(baseline) == nil {
		return w, baseline, nil
	}
	middle := w.From.Add((w.To.Sub(w.From) / 2).Truncate(24 * time.Hour))
	if middle <= w.From {
		return w, w, compliance.Errorf(compliance.Invalid, "%s is too short to compare its halves, and nothing before it may be seen: ask for a longer time", w.Label)
	}
	return spanned(middle, w.To), spanned(w.From, middle), nil
}

// before is the month, quarter or year before one, and else as long a time.
func before(w ask.Period) ask.Period {
	from := w.From.Time().UTC()
	for months, layout := range map[int]string{1: "2006-01", 12: "2006"} {
		if earlier := from.AddDate(0, -months, 0); hasName(w) && compliance.InstantOf(from.AddDate(0, months, 0)) == w.To {
			return ask.Period{Label: earlier.Format(layout), From: compliance.InstantOf(earlier), To: w.From}
		}
	}
	if w == quarter(from) {
		return quarter(from.AddDate(0, -1, 0))
	}
	return spanned(w.From.Add(-w.To.Sub(w.From)), w.From)
}

func spanned(from, to compliance.Instant) ask.Period {
	return ask.Period{Label: exact(from) + "/" + exact(to), From: from, To: to}
}

func (v *visit) finding(w *when, f *drift.Finding) findingView {
	day := func(t compliance.Instant) string { return t.Time().Format(time.DateOnly) }
	out := findingView{
		Control: f.Control, Title: v.words[f.Control].Title, Link: v.controlLink(w, f.Control), Measure: string(f.Measure), Cause: string(f.Cause),
		Was: counted(f.Baseline), Is: counted(f.Window), Since: day(f.Onset.Day), SinceRange: day(f.Onset.From) + " to " + day(f.Onset.To),
		Before: counted(f.Onset.Before), After: counted(f.Onset.After), P: drifts.Chance(f.Onset.P),
	}
	for _, c := range f.Causes {
		out.Causes = append(out.Causes, causeRow{string(c.Cause), fmt.Sprintf("%.0f %%", 100*c.Share), counted(c.Count), c.What, c.Alone})
	}
	for _, c := range f.Changes {
		row := precedingRow{moment(c.At), c.What, string(c.Kind), fmt.Sprintf("%.0f %%", 100*c.Weight), ""}
		if c.ID != "" {
			row.Link = v.to("/events", "type", c.Type, "source", c.Source, "id", c.ID, "from", c.At.String(), "to", c.At.Add(time.Microsecond).String())
		}
		out.Changes = append(out.Changes, row)
	}
	return out
}

// controlLink leads to a control, if it is one of the bundle's.
func (v *visit) controlLink(w *when, id string) string {
	if v.Bundle.Control(id) == nil {
		return ""
	}
	return v.to(path("controls", id), w.Pairs...)
}

func (v *visit) driftCommands(p *drifts.Params) []command {
	line := append([]string{"assay", "drift"}, flagsOf(p.Window)...)
	line = append(line, "--baseline-from", p.Baseline.From.String(), "--baseline-to", p.Baseline.To.String())
	if p.AsOf != 0 {
		line = append(line, "--as-of", p.AsOf.String())
	}
	again := []command{{"With Assay", shell(append(line, v.common()...)...)}}
	if hasName(p.Window) && hasName(p.Baseline) {
		again = append(again, command{"From the API", v.curl(path("api", "v1", "periods", p.Window.Label, "drift", p.Baseline.Label), "as_of", v.param("as_of"))})
	}
	return again
}

// hasName says whether a period has a name of the calendar.
func hasName(p ask.Period) bool { return pairsOf(p)[0] == "period" }

func counted(c drift.Count) string {
	return fmt.Sprintf("%s of %s (%s)", count(c.Bad), count(c.Of), output.Percent(new(c.Rate())))
}
