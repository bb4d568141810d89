package api

import (
	"context"
	"net/http"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/sampling"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
)

func (a *API) registerWorkspace() {
	const one = "/workspaces/{engagement}"
	add(a, read("/workspaces", "workspaces", "The engagements that have a workspace", access.ReadWorkspace), a.workspaces)
	add(a, read(one, "workspace", "What auditors ask for, drew and tested in an engagement: their own words, as far as you may see them", access.ReadWorkspace), a.workspace)
	add(a, read(one+"/history", "workspace-history", "Every change of a workspace, the latest first", access.ReadWorkspace), a.history)
	add(a, read(one+"/requests/{request}", "request", "One request", access.ReadWorkspace), a.request)
	add(a, read(one+"/samples/{sample}", "workspace-sample", "One sample, with its items and their tests", access.ReadWorkspace), a.workspaceSample)

	add(a, operation{http.MethodPost, "/workspaces", "open-workspace", "Open the workspace of an engagement", access.Examine}, a.engage)
	add(a, operation{http.MethodPost, one + "/requests", "ask", "Ask the entity for something", access.Examine}, a.ask)
	add(a, operation{http.MethodPatch, one + "/requests/{request}", "change-request", "Change what is asked, close it or open it again", access.Examine}, a.changeRequest)
	add(a, operation{http.MethodPut, one + "/requests/{request}/answer", "answer", "Answer a request", access.AnswerRequests}, a.answerRequest)
	add(a, operation{http.MethodPost, one + "/samples", "draw", "Draw a sample and keep it", access.Examine}, a.draw)
	add(a, operation{http.MethodPatch, one + "/samples/{sample}", "change-sample", "Say what is tested of each item, and what the entity may see", access.Examine}, a.changeSample)
	add(a, operation{http.MethodPut, one + "/samples/{sample}/items/{item}", "test-item", "Say how an item was tested, and what was concluded", access.Examine}, a.test)
}

// Workspaces are the engagements that have one.
type Workspaces struct {
	Tenant string                 `json:"tenant"`
	Items  []workspace.Engagement `json:"items" nullable:"false"`
}

func (a *API) workspaces(ctx context.Context, c call, _ *struct{ Scope }) (*Workspaces, error) {
	all, err := workspace.Engagements(ctx, a.Conn, c.Tenant)
	return &Workspaces{c.Tenant, c.Engaged(all)}, err
}

// EngagementPath names an engagement. It is exported since the library looks into no other
// structs.
type EngagementPath struct {
	Scope

	Engagement string `path:"engagement" minLength:"1" maxLength:"128" example:"soc2-2026" doc:"The engagement's name, as its letter has it."`
}

// workspaceOf is what the viewer may see of a workspace.
func (a *API) workspaceOf(ctx context.Context, c call, engagement string) (*workspace.Workspace, error) {
	w, err := workspace.Read(ctx, a.Conn, c.Tenant, engagement)
	if err != nil {
		return nil, err
	}
	return c.Workspace(w)
}

func (a *API) workspace(ctx context.Context, c call, in *EngagementPath) (*workspace.Workspace, error) {
	return a.workspaceOf(ctx, c, in.Engagement)
}

// History is what changed in a workspace.
type History struct {
	Tenant     string             `json:"tenant"`
	Engagement string             `json:"engagement"`
	Items      []workspace.Change `json:"items" nullable:"false"`
}

func (a *API) history(ctx context.Context, c call, in *EngagementPath) (*History, error) {
	w, err := a.workspaceOf(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return &History{c.Tenant, in.Engagement, w.History()}, nil
}

// RequestPath names a request.
type RequestPath struct {
	EngagementPath

	Request string `path:"request" minLength:"1" maxLength:"16" example:"R-1"`
}

func (a *API) request(ctx context.Context, c call, in *RequestPath) (*workspace.Request, error) {
	w, err := a.workspaceOf(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return w.Request(in.Request)
}

// SamplePath names a sample.
type SamplePath struct {
	EngagementPath

	Sample string `path:"sample" minLength:"1" maxLength:"16" example:"S-1"`
}

func (a *API) workspaceSample(ctx context.Context, c call, in *SamplePath) (*workspace.Sample, error) {
	w, err := a.workspaceOf(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return w.Sample(in.Sample)
}

// Kept says what was kept, and under which version.
type Kept struct {
	ID      string `json:"id"`
	Version uint32 `json:"version"`
}

// desk is where the viewer writes, in an engagement that may be seen.
func (a *API) desk(ctx context.Context, c call, engagement string) (*workspace.Desk, error) {
	if engagement != "" {
		if _, err := a.workspaceOf(ctx, c, engagement); err != nil {
			return nil, err
		}
	}
	return &workspace.Desk{Conn: a.Writer, Tenant: c.Tenant, Person: c.Person(), Now: c.now}, nil
}

type engageIn struct {
	Scope

	Body struct {
		Name   string `json:"name" minLength:"1" maxLength:"128" doc:"The engagement's name, as its letter has it."`
		Period string `json:"period,omitempty" maxLength:"10" doc:"A calendar year, quarter, month or day; or else from and to."`
		From   string `json:"from,omitempty" maxLength:"40"`
		To     string `json:"to,omitempty" maxLength:"40"`
	}
}

func (a *API) engage(ctx context.Context, c call, in *engageIn) (*Kept, error) {
	b := in.Body
	p, err := examination(b.Period, b.From, b.To)
	if err != nil {
		return nil, err
	}
	if err := c.Within(p); err != nil {
		return nil, err
	}
	d, err := a.desk(ctx, c, "")
	if err != nil {
		return nil, err
	}
	return &Kept{b.Name, 1}, d.Engage(ctx, workspace.Engagement{Name: b.Name, From: p.From, To: p.To})
}

// examination is a period by its name, or by its ends.
func examination(period, from, to string) (ask.Period, error) {
	switch {
	case period != "" && (from != "" || to != ""):
		return ask.Period{}, compliance.Errorf(compliance.Invalid, "period and from, to say the same thing twice: use one of them")
	case period != "":
		return periodOf(period)
	}
	return ask.Between(from, to)
}

type askIn struct {
	EngagementPath

	Body struct {
		Title   string `json:"title" minLength:"1" maxLength:"200"`
		Text    string `json:"text,omitempty" maxLength:"8000"`
		Control string `json:"control,omitempty" maxLength:"128"`
		Due     string `json:"due,omitempty" maxLength:"10" doc:"A day, such as 2026-10-15."`
	}
}

func (a *API) ask(ctx context.Context, c call, in *askIn) (*Kept, error) {
	d, err := a.desk(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	b := in.Body
	id, err := d.Ask(ctx, in.Engagement, workspace.Request{Title: b.Title, Text: b.Text, Control: b.Control, Due: b.Due})
	return &Kept{id, 1}, err
}

type changeRequestIn struct {
	RequestPath

	Body workspace.RequestChange
}

func (a *API) changeRequest(ctx context.Context, c call, in *changeRequestIn) (*Kept, error) {
	d, err := a.desk(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return &Kept{in.Request, in.Body.Version + 1}, d.ChangeRequest(ctx, in.Engagement, in.Request, &in.Body)
}

type answerIn struct {
	RequestPath

	Body workspace.Answer
}

func (a *API) answerRequest(ctx context.Context, c call, in *answerIn) (*Kept, error) {
	d, err := a.desk(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return &Kept{in.Request, in.Body.Version + 1}, d.Answer(ctx, in.Engagement, in.Request, &in.Body)
}

type drawIn struct {
	EngagementPath

	Body struct {
		Control   string `json:"control" minLength:"1" maxLength:"128"`
		Plan      string `json:"plan,omitempty" maxLength:"64" default:"chiaro" doc:"A sampling plan that comes with the program."`
		Frequency string `json:"frequency,omitempty" enum:"annual,quarterly,monthly,weekly,daily,many_daily,ad_hoc"`
		Stratum   string `json:"stratum,omitempty" maxLength:"80" doc:"Draw of each part: month, member, rule, or a field such as event.component."`
		AsOf      string `json:"as_of,omitempty" maxLength:"40" doc:"Draw from what was known at this time, instead of now."`
	}
}

func (a *API) draw(ctx context.Context, c call, in *drawIn) (*Kept, error) {
	d, err := a.desk(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	b := in.Body
	wish := &workspace.Wish{Control: b.Control, Frequency: sampling.Frequency(b.Frequency), Stratum: b.Stratum}
	if wish.Plan, err = sampling.Named(b.Plan); err != nil {
		return nil, err
	}
	if wish.AsOf, err = ask.ParseAsOf(b.AsOf); err != nil {
		return nil, err
	}
	id, err := d.Draw(ctx, in.Engagement, a.Bundle, wish)
	return &Kept{id, 1}, err
}

type changeSampleIn struct {
	SamplePath

	Body workspace.SampleChange
}

func (a *API) changeSample(ctx context.Context, c call, in *changeSampleIn) (*Kept, error) {
	d, err := a.desk(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return &Kept{in.Sample, in.Body.Version + 1}, d.ChangeSample(ctx, in.Engagement, in.Sample, &in.Body)
}

type testIn struct {
	SamplePath

	Item string `path:"item" minLength:"1" maxLength:"1024" example:"DEP-1" doc:"The item's id, with / written as %2F."`
	Body workspace.TestChange
}

func (a *API) test(ctx context.Context, c call, in *testIn) (*Kept, error) {
	d, err := a.desk(ctx, c, in.Engagement)
	if err != nil {
		return nil, err
	}
	return &Kept{in.Sample + "/" + in.Item, in.Body.Version + 1}, d.Test(ctx, in.Engagement, in.Sample, in.Item, &in.Body)
}
