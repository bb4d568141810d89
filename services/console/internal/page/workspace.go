package page

import (
	"bytes"
	"io"
	"net/url"
	"slices"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/sampling"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
)

// workspacesBody lists the engagements.
type workspacesBody struct {
	Engagements []engagementRow
	// Post is where an auditor opens another; empty for others.
	Post, Note string
	Periods    []string
	Again      []command
}

type engagementRow struct{ Name, From, To, By, At, Link string }

func workspaceList(v *visit) (*sheet, error) {
	all, err := workspace.Engagements(v.ctx(), v.Conn, v.Tenant)
	if err != nil {
		return nil, err
	}
	b := &workspacesBody{Note: workspace.Theirs, Post: v.post("/workspace"), Periods: periodLabels(v.Periods), Again: v.workspaceCommands("")}
	for _, e := range v.Engaged(all) {
		b.Engagements = append(b.Engagements, engagementRow{e.Name, moment(e.From), moment(e.To), e.By, moment(e.At), v.to(path("workspace", e.Name))})
	}
	return &sheet{Template: "workspaces", Title: "Workspaces", Body: b}, nil
}

// post is where an auditor's form goes; empty for others.
func (v *visit) post(to string) string {
	if !v.May(access.Examine) {
		return ""
	}
	return v.to(to)
}

func (v *visit) workspaceCommands(engagement string) []command {
	if engagement == "" {
		return []command{{"With Assay", "assay workspace list --tenant " + shellWord(v.Tenant)}, {"From the API", v.curl("/api/v1/workspaces")}}
	}
	return []command{
		{"With Assay", shell("assay", "workspace", "show", engagement, "--tenant", v.Tenant)},
		{"From the API", v.curl(path("api", "v1", "workspaces", engagement))},
	}
}

// workspaceOf is what the viewer may see of a workspace.
func (v *visit) workspaceOf(engagement string) (*workspace.Workspace, error) {
	w, err := workspace.Read(v.ctx(), v.Conn, v.Tenant, engagement)
	if err != nil {
		return nil, err
	}
	return v.Workspace(w)
}

// shop is the workspace that an address names.
func (v *visit) shop() (*workspace.Workspace, error) {
	return v.workspaceOf(v.request.PathValue("engagement"))
}

// workspaceBody is one workspace.
type workspaceBody struct {
	Name, Period, Note   string
	Requests             []requestRow
	Samples              []keptRow
	Files                []navItem
	History, Examination string
	// PostRequest and PostSample are where an auditor's forms go; empty for others.
	PostRequest, PostSample string
	Auditor                 bool
	Controls                []controlChoice
	Plans                   []string
	Frequencies             []sampling.Frequency
	Again                   []command
}

type requestRow struct {
	workspace.Request

	Link    string
	Overdue bool
}

type keptRow struct {
	ID, Control, Plan, Link, Shared, By, At string
	Population, Drawn, Tested               int
	Hidden                                  bool
}

func workspacePage(v *visit) (*sheet, error) {
	w, err := v.shop()
	if err != nil {
		return nil, err
	}
	e := &w.Engagement
	at := path("workspace", e.Name)
	b := &workspaceBody{
		Name: e.Name, Period: moment(e.From) + " to " + moment(e.To), Note: w.Note, Auditor: v.Role == access.Auditor,
		History: v.to(at + "/history"), PostRequest: v.post(at + "/requests"), PostSample: v.post(at + "/samples"),
		Frequencies: sampling.Frequencies(), Plans: sampling.Names(), Again: v.workspaceCommands(e.Name),
	}
	for _, r := range w.Requests {
		b.Requests = append(b.Requests, requestRow{r, v.to(at + path("requests", r.ID)), r.Overdue(v.now)})
	}
	for i := range w.Samples {
		s := &w.Samples[i]
		b.Samples = append(b.Samples, keptRow{
			s.ID, s.Control, s.Plan.Name, v.to(at + path("samples", s.ID)), words(s.Share), s.By, moment(s.At), s.PopulationSize, len(s.Items), s.Tested(), s.TestsHidden,
		})
	}
	for _, c := range v.Bundle.Controls {
		b.Controls = append(b.Controls, controlChoice{navItem{Text: c.ID + " " + c.Title}, c.ID})
	}
	for _, f := range []navItem{{Text: "Testing sheet, CSV", Link: "testing.csv"}, {Text: "Testing sheets, Excel", Link: "testing.xlsx"}, {Text: "Requests, CSV", Link: "requests.csv"}, {Text: "All of it, JSON", Link: "workspace.json"}} {
		b.Files = append(b.Files, navItem{Text: f.Text, Link: v.to(at + path("files", f.Link))})
	}
	return &sheet{Template: "workspace", Title: "Workspace of " + e.Name, Body: b}, nil
}

// historyBody is every change of a workspace.
type historyBody struct {
	Name, Link, Note string
	Changes          []historyRow
}

type historyRow struct {
	At, By, Role, Kind, ID, Body string
	Version                      uint32
}

func historyPage(v *visit) (*sheet, error) {
	w, err := v.shop()
	if err != nil {
		return nil, err
	}
	b := &historyBody{Name: w.Engagement.Name, Link: v.to(path("workspace", w.Engagement.Name)), Note: w.Note}
	for _, c := range w.History() {
		b.Changes = append(b.Changes, historyRow{moment(c.At), c.By, c.Role, c.Kind, c.ID, cut(string(c.Body)), c.Version})
	}
	return &sheet{Template: "workspace_history", Title: "History of " + b.Name, Body: b}, nil
}

// workspaceFile sends a workspace as a file to keep.
func workspaceFile(v *visit) (*sheet, error) {
	w, err := v.shop()
	if err != nil {
		return nil, err
	}
	name := v.request.PathValue("file")
	format, ok := map[string]workspaceFormat{
		"testing.csv":    {csvMedia, func(out io.Writer) error { return w.WriteCSV(output.Writer{Out: out}) }},
		"requests.csv":   {csvMedia, func(out io.Writer) error { return w.WriteRequestsCSV(output.Writer{Out: out}) }},
		"testing.xlsx":   {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", w.WriteXLSX},
		"workspace.json": {"application/json", w.WriteJSON},
	}[name]
	if !ok {
		return nil, compliance.Errorf(compliance.NotFound, "A workspace comes as testing.csv, testing.xlsx, requests.csv or workspace.json.")
	}
	var content bytes.Buffer
	if err := format.write(&content); err != nil {
		return nil, err
	}
	return &sheet{File: &file{"assay-" + name, format.media, content.Bytes()}}, nil
}

type workspaceFormat struct {
	media string
	write func(io.Writer) error
}

func openWorkspace(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	var p ask.Period
	var err error
	if label := f.Get("period"); label != "" {
		p, err = ask.ParsePeriod(label)
	} else {
		p, err = ask.Between(f.Get("from"), f.Get("to"))
	}
	if err == nil {
		err = v.Within(p)
	}
	if err == nil {
		err = d.Engage(v.ctx(), workspace.Engagement{Name: f.Get("name"), From: p.From, To: p.To})
	}
	return v.to("/workspace"), err
}

func drawSample(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	if v.Bundle.Control(f.Get("control")) == nil {
		return "", errNoControl
	}
	wish := &workspace.Wish{Control: f.Get("control"), Frequency: sampling.Frequency(f.Get("frequency")), Stratum: f.Get("stratum")}
	if wish.Frequency != "" && !slices.Contains(sampling.Frequencies(), wish.Frequency) {
		return "", compliance.Errorf(compliance.Invalid, "the frequency %q is unknown; choose one of %v", wish.Frequency, sampling.Frequencies())
	}
	var err error
	if wish.Plan, err = sampling.Named(f.Get("plan")); err != nil {
		return "", err
	}
	if wish.AsOf, err = ask.ParseAsOf(f.Get("as_of")); err != nil {
		return "", err
	}
	id, err := d.Draw(v.ctx(), v.request.PathValue("engagement"), v.Bundle, wish)
	return v.to(path("workspace", v.request.PathValue("engagement"), "samples", id)), err
}
