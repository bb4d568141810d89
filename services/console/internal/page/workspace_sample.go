package page

import (
	"net/url"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
)

// keptBody is a sample that an auditor drew, beside what Assay says of its items.
type keptBody struct {
	*workspace.Sample

	Name, Link, ControlLink, Note string
	Rows                          []keptItem
	// Again says what came of drawing it again: the same, or why not.
	Same  bool
	Redo  string
	Post  string
	Share string
	// Letters are the attributes as an auditor edits them, a line each.
	Letters   string
	Shares    []workspace.Share
	Auditor   bool
	Questions []ask.Made
}

// keptItem is an item: what Assay says, and what the auditors say.
type keptItem struct {
	workspace.Item

	Row    itemRow
	Known  bool
	Link   string
	Cells  []string
	Result string
}

func keptSamplePage(v *visit) (*sheet, error) {
	w, s, err := v.keptSample()
	if err != nil {
		return nil, err
	}
	at := path("workspace", w.Engagement.Name, "samples", s.ID)
	b := &keptBody{
		Sample: s, Name: w.Engagement.Name, Link: v.to(path("workspace", w.Engagement.Name)), Note: w.Note,
		Post: v.post(at + "/attributes"), Share: v.post(at + "/share"), Shares: workspace.Shares(), Auditor: v.Role == access.Auditor,
	}
	if v.Bundle.Control(s.Control) != nil {
		b.ControlLink = v.to(path("controls", s.Control), pairsOf(w.Engagement.Period())...)
	}
	for _, a := range s.Attributes {
		b.Letters += a.Letter + " " + a.Text + "\n"
	}
	said, err := b.redraw(v, w.Engagement.Name)
	if err != nil {
		return nil, err
	}
	for i := range s.Items {
		b.Rows = append(b.Rows, v.keptItem(s, &s.Items[i], said, at))
	}
	return &sheet{Template: "workspace_sample", Title: s.ID + " of " + b.Name, Body: b}, nil
}

// keptSample is the one that an address names, with its workspace.
func (v *visit) keptSample() (*workspace.Workspace, *workspace.Sample, error) {
	w, err := v.shop()
	if err != nil {
		return nil, nil, err
	}
	s, err := w.Sample(v.request.PathValue("sample"))
	return w, s, err
}

// redraw makes the draw again, and is what Assay says of its items.
func (b *keptBody) redraw(v *visit, engagement string) (map[string]listing.Verdict, error) {
	drawn, same, err := b.Again(v.ctx(), v.Conn, v.Bundle, v.Tenant, engagement, v.now)
	switch {
	case compliance.CodeOf(err) == compliance.NotFound || compliance.CodeOf(err) == compliance.Invalid:
		b.Redo = "It can’t be drawn again: " + err.Error() + "."
		return nil, nil //nolint:nilnil // the page says so
	case err != nil:
		return nil, err
	}
	b.Same, b.Questions = same, drawn.Made
	said := map[string]listing.Verdict{}
	for i := range drawn.Strata {
		for j := range drawn.Strata[i].Items {
			it := &drawn.Strata[i].Items[j]
			said[it.Item.ID] = it.Verdict
		}
	}
	return said, nil
}

func (v *visit) keptItem(s *workspace.Sample, it *workspace.Item, said map[string]listing.Verdict, at string) keptItem {
	row := keptItem{Item: *it, Link: v.to(at + path("items", it.ID)), Result: string(workspace.Untested)}
	if verdict, ok := said[it.ID]; ok {
		row.Row, row.Known = v.itemRow(&verdict), true
	}
	for _, a := range s.Attributes {
		cell := workspace.Untested
		if it.Test != nil && it.Test.Attributes[a.Letter] != "" {
			cell = it.Test.Attributes[a.Letter]
		}
		row.Cells = append(row.Cells, string(cell))
	}
	if it.Test != nil {
		row.Result = string(it.Test.Result)
	}
	if s.TestsHidden {
		row.Result, row.Link = "not shared", ""
	}
	return row
}

// testBody is how an auditor tested one item.
type testBody struct {
	workspace.Item

	Name, Sample, Link, ItemLink, Note string
	Attributes                         []attributeRow
	Results                            []workspace.Result
	Said                               workspace.Test
	Post                               string
	Versions                           []workspace.Test
}

type attributeRow struct {
	workspace.Attribute

	Result workspace.Result
}

func testPage(v *visit) (*sheet, error) {
	w, s, err := v.keptSample()
	if err != nil {
		return nil, err
	}
	it := s.Item(v.request.PathValue("item"))
	if it == nil || s.TestsHidden {
		return nil, compliance.Errorf(compliance.NotFound, "There is no such test in this workspace, or you may not see it.")
	}
	at := path("workspace", w.Engagement.Name, "samples", s.ID)
	b := &testBody{
		Item: *it, Name: w.Engagement.Name, Sample: s.ID, Link: v.to(at), ItemLink: v.to(path("items", s.Control, it.ID)), Note: w.Note,
		Results: workspace.Results(), Post: v.post(at + path("items", it.ID)), Said: workspace.Test{Result: workspace.Untested},
	}
	if it.Test != nil {
		b.Said = *it.Test
	}
	for _, a := range s.Attributes {
		b.Attributes = append(b.Attributes, attributeRow{a, b.Said.Attributes[a.Letter]})
	}
	b.Versions, err = w.Tests(s.ID, it.ID)
	return &sheet{Template: "workspace_test", Title: s.ID + " " + it.ID, Body: b}, err
}

func (v *visit) keptAt() string {
	return v.to(path("workspace", v.request.PathValue("engagement"), "samples", v.request.PathValue("sample")))
}

func changeAttributes(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	n, err := version(f)
	if err != nil {
		return "", err
	}
	all := []workspace.Attribute{}
	for text := range strings.Lines(f.Get("attributes")) {
		if letter, words, _ := strings.Cut(strings.TrimSpace(text), " "); letter != "" {
			all = append(all, workspace.Attribute{Letter: letter, Text: strings.TrimSpace(words)})
		}
	}
	c := &workspace.SampleChange{Version: n, Attributes: &all}
	return v.keptAt(), d.ChangeSample(v.ctx(), v.request.PathValue("engagement"), v.request.PathValue("sample"), c)
}

func shareSample(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	n, err := version(f)
	if err != nil {
		return "", err
	}
	c := &workspace.SampleChange{Version: n, Share: new(workspace.Share(f.Get("share")))}
	return v.keptAt(), d.ChangeSample(v.ctx(), v.request.PathValue("engagement"), v.request.PathValue("sample"), c)
}

func testItem(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	n, err := version(f)
	if err != nil {
		return "", err
	}
	c := &workspace.TestChange{Version: n, Result: workspace.Result(f.Get("result")), Attributes: map[string]workspace.Result{}, Note: f.Get("note")}
	for name, values := range f {
		if letter, ok := strings.CutPrefix(name, "attribute_"); ok {
			c.Attributes[letter] = workspace.Result(values[0])
		}
	}
	return v.keptAt(), d.Test(v.ctx(), v.request.PathValue("engagement"), v.request.PathValue("sample"), v.request.PathValue("item"), c)
}
