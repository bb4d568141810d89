package page

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/sampling"
)

// draw is what a request asks to be drawn.
type draw struct {
	Control, Engagement, Plan, Frequency, Stratum, AsOf string
}

// pairs name it in an address.
func (d *draw) pairs() []string {
	return []string{"control", d.Control, "engagement", d.Engagement, "plan", d.Plan, "frequency", d.Frequency, "stratum", d.Stratum, "as_of", d.AsOf}
}

// samplesBody is the plans, and a draw if one is asked for.
type samplesBody struct {
	draw

	When        *when
	Plans       []planRow
	Controls    []controlChoice
	Frequencies []sampling.Frequency
	Sample      *sample.Sample
	// Open says that the population may still change.
	Open   bool
	Title  string
	Known  string
	Strata []stratumView
	Files  []navItem
	Again  []command
}

type controlChoice struct {
	navItem

	ID string
}

type planRow struct{ Name, Title, Source, Sizes, Draw string }

// stratumView is a part of the population, and what was drawn of it.
type stratumView struct {
	sample.Stratum

	Rows   []drawnRow
	Bounds []boundRow
}

type drawnRow struct {
	itemRow

	Run, Position int
	Evidence      []string
}

type boundRow struct {
	Found, Confidence, Most, Rate, Method string
}

func samplesPage(v *visit) (*sheet, error) {
	d, w, err := v.wishedDraw()
	if err != nil {
		return nil, err
	}
	b := &samplesBody{draw: *d, When: w, Frequencies: sampling.Frequencies()}
	if b.Plans, err = planRows(); err != nil {
		return nil, err
	}
	for _, c := range v.Bundle.Controls {
		at := *d
		at.Control = c.ID
		b.Controls = append(b.Controls, controlChoice{navItem{c.ID + " " + c.Title, v.to("/samples", w.with(at.pairs()...)...), c.ID == d.Control}, c.ID})
	}
	if d.Control != "" && d.Engagement != "" {
		if err := b.fill(v); err != nil {
			return nil, err
		}
	}
	return &sheet{Template: "samples", Title: "Samples", Body: b}, nil
}

// wishedDraw reads what is to be drawn, and of which time.
func (v *visit) wishedDraw() (*draw, *when, error) {
	d := &draw{}
	w, err := v.when("control", "engagement", "plan", "frequency", "stratum", "as_of")
	if err != nil {
		return nil, nil, err
	}
	err = v.filters(map[string]*string{
		"control": &d.Control, "engagement": &d.Engagement, "plan": &d.Plan, "frequency": &d.Frequency, "stratum": &d.Stratum, "as_of": &d.AsOf,
	})
	if d.Plan == "" {
		d.Plan = "chiaro"
	}
	return d, w, err
}

// drawn makes the sample as the command and the API do.
func (v *visit) drawn(d *draw, p ask.Period) (*sample.Sample, error) {
	if v.Bundle.Control(d.Control) == nil {
		return nil, errNoControl
	}
	f := sampling.Frequency(d.Frequency)
	if f != "" && !slices.Contains(sampling.Frequencies(), f) {
		return nil, compliance.Errorf(compliance.Invalid, "the frequency %q is unknown; choose one of %v", d.Frequency, sampling.Frequencies())
	}
	plan, err := sampling.Named(d.Plan)
	if err != nil {
		return nil, err
	}
	asOf, err := ask.ParseAsOf(d.AsOf)
	if err != nil {
		return nil, err
	}
	return sample.Make(v.ctx(), v.Conn, v.Bundle, sample.Params{
		Tenant: v.Tenant, Control: d.Control, Engagement: d.Engagement, Period: p, AsOf: asOf, Now: v.now, Plan: plan, Frequency: f, Stratum: d.Stratum,
	})
}

func (b *samplesBody) fill(v *visit) error {
	s, err := v.drawn(&b.draw, b.When.Period)
	if err != nil {
		return err
	}
	b.Sample, b.Title, b.Known = s, s.Title, moment(s.AsOf)
	b.Open = s.Open(v.now, v.Bundle.Control(s.Control).CorrectUntil)
	for i := range s.Strata {
		b.Strata = append(b.Strata, v.stratum(&s.Strata[i]))
	}
	for _, f := range []navItem{{Text: "CSV of the items", Link: "sample.csv"}, {Text: "JSON", Link: "sample.json"}, {Text: "The bytes that are hashed", Link: "population.txt"}} {
		b.Files = append(b.Files, navItem{f.Text, v.to(path("samples", f.Link), b.When.with(b.pairs()...)...), false})
	}
	b.Again = v.sampleCommands(&b.draw, b.When.Period)
	return nil
}

func (v *visit) stratum(s *sample.Stratum) stratumView {
	out := stratumView{Stratum: *s}
	for i := range s.Items {
		it := &s.Items[i]
		row := drawnRow{itemRow: v.itemRow(&it.Verdict), Run: it.Run, Position: it.Position}
		for _, e := range it.Evidence {
			row.Evidence = append(row.Evidence, e.Expectation+": "+e.Source+" "+e.ID)
		}
		out.Rows = append(out.Rows, row)
	}
	for _, x := range s.Bounds {
		out.Bounds = append(out.Bounds, boundRow{count(x.Found), x.Confidence.String(), count(x.Deviations), fmt.Sprintf("%.1f %%", 100*x.Rate), x.Method})
	}
	return out
}

func (v *visit) sampleCommands(d *draw, p ask.Period) []command {
	line := append([]string{"assay", "sample", "--control", d.Control, "--engagement", d.Engagement, "--plan", d.Plan}, flagsOf(p)...)
	for _, f := range [][2]string{{"--frequency", d.Frequency}, {"--stratum", d.Stratum}, {"--as-of", d.AsOf}} {
		if f[1] != "" {
			line = append(line, f[0], f[1])
		}
	}
	again := []command{{"With Assay", shell(append(line, v.common()...)...)}}
	if hasName(p) {
		again = append(again, command{"From the API", v.curl(
			path("api", "v1", "periods", p.Label, "samples", d.Control, d.Engagement), "plan", d.Plan, "frequency", d.Frequency, "stratum", d.Stratum, "as_of", d.AsOf,
		)})
	}
	return again
}

// sampleFile sends a draw as a file to keep.
func sampleFile(v *visit) (*sheet, error) {
	name := v.request.PathValue("file")
	format, ok := map[string]sampleFormat{
		"sample.csv":     {csvMedia, func(s *sample.Sample, out io.Writer) error { return s.WriteCSV(output.Writer{Out: out}) }},
		"sample.json":    {"application/json", (*sample.Sample).WriteJSON},
		"population.txt": {"text/plain; charset=utf-8", func(s *sample.Sample, out io.Writer) error { _, err := out.Write(s.PopulationBytes()); return err }},
	}[name]
	if !ok {
		return nil, compliance.Errorf(compliance.NotFound, "A sample comes as sample.csv, sample.json, and the bytes that are hashed as population.txt.")
	}
	d, w, err := v.wishedDraw()
	if err != nil {
		return nil, err
	}
	s, err := v.drawn(d, w.Period)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := format.write(s, &content); err != nil {
		return nil, err
	}
	return &sheet{File: &file{"assay-" + s.Control + "-" + name, format.media, content.Bytes()}}, nil
}

// sampleFormat is how a sample is written as a file.
type sampleFormat struct {
	media string
	write func(*sample.Sample, io.Writer) error
}

// planRows are the plans that come with the program, in words.
func planRows() (rows []planRow, err error) {
	for _, name := range sampling.Names() {
		p, err := sampling.Named(name)
		if err != nil {
			return nil, err
		}
		rows = append(rows, planRow{p.Name, p.Title, p.Source, sizesOf(p), string(p.Draw)})
	}
	return rows, nil
}

func sizesOf(p *sampling.Plan) string {
	if s := p.Statistical; s != nil {
		return fmt.Sprintf("the least that bounds the rate to %s at a confidence of %s, with %d expected", s.Tolerable, s.Confidence, s.Expected)
	}
	var parts []string
	for _, f := range sampling.Frequencies() {
		if n, ok := p.ByFrequency[f]; ok {
			parts = append(parts, fmt.Sprintf("%s %d", words(f), n))
		}
	}
	for _, s := range p.ByPopulation {
		size := strconv.Itoa(s.Size)
		switch {
		case s.All:
			size = "all"
		case s.Percent > 0:
			size = fmt.Sprintf("%d %%", s.Percent)
		}
		if s.UpTo > 0 {
			size += fmt.Sprintf(" of up to %d", s.UpTo)
		} else if len(p.ByPopulation) > 1 {
			size += " of more"
		}
		parts = append(parts, size)
	}
	return strings.Join(parts, ", ")
}
