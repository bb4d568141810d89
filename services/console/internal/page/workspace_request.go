package page

import (
	"net/url"
	"strconv"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
)

// requestBody is one request, with its history.
type requestBody struct {
	workspace.Request

	Name, Link, ControlLink string
	Overdue                 bool
	// Post is where an auditor's change goes, PostAnswer the entity's answer; either may be
	// empty.
	Post, PostAnswer string
	Versions         []workspace.Request
}

func requestPage(v *visit) (*sheet, error) {
	w, err := v.shop()
	if err != nil {
		return nil, err
	}
	r, err := w.Request(v.request.PathValue("request"))
	if err != nil {
		return nil, err
	}
	at := path("workspace", w.Engagement.Name)
	b := &requestBody{Request: *r, Name: w.Engagement.Name, Link: v.to(at), Overdue: r.Overdue(v.now), Post: v.post(at + path("requests", r.ID))}
	if v.Bundle.Control(r.Control) != nil {
		b.ControlLink = v.to(path("controls", r.Control), pairsOf(w.Engagement.Period())...)
	}
	if v.May(access.AnswerRequests) && r.State != workspace.Closed {
		b.PostAnswer = v.to(at + path("requests", r.ID, "answer"))
	}
	b.Versions, err = w.Versions(r.ID)
	return &sheet{Template: "workspace_request", Title: r.ID + " " + r.Title, Body: b}, err
}

// requestAt is where a request of the form's engagement is.
func (v *visit) requestAt(id string) string {
	return v.to(path("workspace", v.request.PathValue("engagement"), "requests", id))
}

func askRequest(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	id, err := d.Ask(v.ctx(), v.request.PathValue("engagement"), workspace.Request{
		Title: f.Get("title"), Text: f.Get("text"), Control: f.Get("control"), Due: f.Get("due"),
	})
	return v.requestAt(id), err
}

// version is the one that a form was made from.
func version(f url.Values) (uint32, error) {
	n, err := strconv.ParseUint(f.Get("version"), 10, 31)
	if err != nil {
		return 0, compliance.Errorf(compliance.Invalid, "the form doesn't say which version it is of; open the page anew")
	}
	return uint32(n), nil
}

func changeRequest(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	n, err := version(f)
	if err != nil {
		return "", err
	}
	c := &workspace.RequestChange{Version: n}
	for name, to := range map[string]**string{"title": &c.Title, "text": &c.Text, "control": &c.Control, "due": &c.Due} {
		if f.Has(name) {
			*to = new(f.Get(name))
		}
	}
	if f.Has("state") {
		c.State = new(workspace.State(f.Get("state")))
	}
	id := v.request.PathValue("request")
	return v.requestAt(id), d.ChangeRequest(v.ctx(), v.request.PathValue("engagement"), id, c)
}

func answerRequest(v *visit, d *workspace.Desk, f url.Values) (string, error) {
	n, err := version(f)
	if err != nil {
		return "", err
	}
	id := v.request.PathValue("request")
	return v.requestAt(id), d.Answer(v.ctx(), v.request.PathValue("engagement"), id, &workspace.Answer{Version: n, Answer: f.Get("answer")})
}
