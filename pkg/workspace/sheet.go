package workspace

import (
	"io"
	"slices"
	"strings"

	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report/table"
)

// WriteJSON writes the workspace as one JSON object.
func (w *Workspace) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(w) }

// WriteCSV writes the testing sheet: a row an item of each sample.
func (w *Workspace) WriteCSV(out output.Writer) error {
	return w.testing(w.Samples, "testing", "Testing sheet").WriteCSV(out)
}

// WriteRequestsCSV writes a row a request.
func (w *Workspace) WriteRequestsCSV(out output.Writer) error { return w.requests().WriteCSV(out) }

// WriteXLSX writes a sheet of the requests, and one a sample.
func (w *Workspace) WriteXLSX(out io.Writer) error {
	tables := []*table.Table{w.requests()}
	for i := range w.Samples {
		s := &w.Samples[i]
		tables = append(tables, w.testing(w.Samples[i:i+1], s.ID+" "+s.Control, "Testing sheet of "+s.ID+", "+s.Control))
	}
	return table.WriteWorkbook(out, tables)
}

// WriteText writes requests and samples for a terminal.
func (w *Workspace) WriteText(out output.Writer) error {
	for _, t := range []*table.Table{w.requests(), w.samples(), w.testing(w.Samples, "testing", "Testing sheet")} {
		t.Origin = table.Origin{}
		if err := t.WriteText(out); err != nil {
			return err
		}
	}
	return nil
}

func (w *Workspace) origin() table.Origin {
	return table.Origin{Text: Theirs, Facts: [][2]string{{"engagement", w.Engagement.Name}, {"tenant", w.Tenant}}}
}

func plain(name, head string) table.Column { return table.Column{Name: name, Head: head} }

func (w *Workspace) requests() *table.Table {
	t := table.Of("requests", "Requests of "+w.Engagement.Name, "What the auditors ask for, and what was answered.", w.Requests,
		table.Field[Request]{Column: plain("request", "Request"), Of: func(r *Request) any { return r.ID }},
		table.Field[Request]{Column: plain("title", "Title"), Of: func(r *Request) any { return r.Title }},
		table.Field[Request]{Column: table.Column{Name: "text", Head: "What is asked", More: true}, Of: func(r *Request) any { return r.Text }},
		table.Field[Request]{Column: plain("control", "Control"), Of: func(r *Request) any { return r.Control }},
		table.Field[Request]{Column: plain("due", "Due"), Of: func(r *Request) any { return r.Due }},
		table.Field[Request]{Column: table.Column{Name: "state", Head: "State", Kind: table.Word}, Of: func(r *Request) any { return string(r.State) }},
		table.Field[Request]{Column: plain("answer", "Answer"), Of: func(r *Request) any { return r.Answer }},
		table.Field[Request]{Column: plain("answered_by", "Answered by"), Of: func(r *Request) any { return r.AnsweredBy }},
		table.Field[Request]{Column: table.Column{Name: "answered_at", Head: "At", Kind: table.Moment}, Of: func(r *Request) any { return table.When(r.AnsweredAt) }},
		table.Field[Request]{Column: table.Column{Name: "version", Head: "Version", Kind: table.Count, More: true}, Of: func(r *Request) any { return int64(r.Version) }},
	)
	return t.Made(w.origin())
}

func (w *Workspace) samples() *table.Table {
	return table.Of("samples", "Samples", "What the auditors drew.", w.Samples,
		table.Field[Sample]{Column: plain("sample", "Sample"), Of: func(s *Sample) any { return s.ID }},
		table.Field[Sample]{Column: plain("control", "Control"), Of: func(s *Sample) any { return s.Control }},
		table.Field[Sample]{Column: plain("plan", "Plan"), Of: func(s *Sample) any { return s.Plan.Name }},
		table.Field[Sample]{Column: table.Column{Name: "population", Head: "Population", Kind: table.Count}, Of: func(s *Sample) any { return int64(s.PopulationSize) }},
		table.Field[Sample]{Column: table.Column{Name: "drawn", Head: "Drawn", Kind: table.Count}, Of: func(s *Sample) any { return int64(len(s.Items)) }},
		table.Field[Sample]{Column: table.Column{Name: "tested", Head: "Tested", Kind: table.Count}, Of: (*Sample).count},
		table.Field[Sample]{Column: table.Column{Name: "shared", Head: "Shared", Kind: table.Word}, Of: func(s *Sample) any { return string(s.Share) }},
	)
}

// tested is an item beside its sample.
type tested struct {
	of *Sample
	*Item
}

// said is the test, an empty one if there is none.
func (t *tested) said() *Test {
	if t.Test == nil {
		return &Test{Result: Untested}
	}
	return t.Test
}

// testing is the sheet that an auditor fills: the items of samples, and a column for each
// of their attributes.
func (w *Workspace) testing(samples []Sample, name, title string) *table.Table {
	var rows []tested
	var letters []string
	for i := range samples {
		for j := range samples[i].Items {
			rows = append(rows, tested{&samples[i], &samples[i].Items[j]})
		}
		for _, a := range samples[i].Attributes {
			letters = append(letters, a.Letter)
		}
	}
	slices.Sort(letters)
	fields := drawnFields()
	for _, l := range slices.Compact(letters) {
		fields = append(fields, attributeField(l))
	}
	return table.Of(name, title, Theirs, rows, append(fields, saidFields()...)...).Made(w.origin())
}

func drawnFields() []table.Field[tested] {
	return []table.Field[tested]{
		{Column: plain("sample", "Sample"), Of: func(t *tested) any { return t.of.ID }},
		{Column: plain("control", "Control"), Of: func(t *tested) any { return t.of.Control }},
		{Column: table.Column{Name: "plan", Head: "Plan", More: true}, Of: func(t *tested) any { return t.of.Plan.Name }},
		{Column: table.Column{Name: "population", Head: "Population", Kind: table.Count, More: true}, Of: func(t *tested) any { return int64(t.of.PopulationSize) }},
		{Column: table.Column{Name: "population_sha256", Head: "Population’s SHA-256", Kind: table.Code, More: true}, Of: func(t *tested) any { return t.of.PopulationSHA256.String() }},
		{Column: table.Column{Name: "as_of", Head: "As of", Kind: table.Moment, More: true}, Of: func(t *tested) any { return table.When(t.of.AsOf) }},
		{Column: table.Column{Name: "stratum", Head: "Stratum", More: true}, Of: func(t *tested) any { return t.Stratum }},
		{Column: table.Column{Name: "position", Head: "Position", Kind: table.Count, More: true}, Of: func(t *tested) any { return int64(t.Position) }},
		{Column: table.Column{Name: "item", Head: "Item", Kind: table.Code}, Of: func(t *tested) any { return t.ID }},
		{Column: table.Column{Name: "time", Head: "Time", Kind: table.Moment}, Of: func(t *tested) any { return table.When(t.Time) }},
	}
}

func attributeField(letter string) table.Field[tested] {
	return table.Field[tested]{
		Column: table.Column{Name: "attribute_" + letter, Head: letter, Kind: table.Word},
		Of: func(t *tested) any {
			if !slices.ContainsFunc(t.of.Attributes, func(a Attribute) bool { return a.Letter == letter }) {
				return nil // of another sample
			}
			if r := t.said().Attributes[letter]; r != "" {
				return string(r)
			}
			return string(Untested)
		},
	}
}

func saidFields() []table.Field[tested] {
	return []table.Field[tested]{
		{Column: table.Column{Name: "result", Head: "Result", Kind: table.Word}, Of: (*tested).result},
		{Column: plain("note", "Note"), Of: func(t *tested) any { return t.said().Note }},
		{Column: plain("tested_by", "Tested by"), Of: func(t *tested) any { return t.said().By }},
		{Column: table.Column{Name: "tested_at", Head: "At", Kind: table.Moment}, Of: func(t *tested) any { return table.When(t.said().At) }},
		{Column: table.Column{Name: "version", Head: "Version", Kind: table.Count, More: true}, Of: func(t *tested) any { return int64(t.said().Version) }},
		{Column: table.Column{Name: "attributes", Head: "What the attributes are", More: true}, Of: func(t *tested) any { return t.of.wording() }},
	}
}

// count is how many items were tested, nil if that isn't shown.
func (s *Sample) count() any {
	if s.TestsHidden {
		return nil
	}
	return int64(s.Tested())
}

// result is what was concluded, nil if that isn't shown.
func (t *tested) result() any {
	if t.of.TestsHidden {
		return nil
	}
	return string(t.said().Result)
}

// wording is the attributes in words: A: approved; B: by somebody else.
func (s *Sample) wording() string {
	said := make([]string, len(s.Attributes))
	for i, a := range s.Attributes {
		said[i] = a.Letter + ": " + a.Text
	}
	return strings.Join(said, "; ")
}
