package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
)

// form is something that a page posts. It leads to the page that shows what became of it.
type form struct {
	path  string
	needs access.Action
	act   func(*visit, *workspace.Desk, url.Values) (to string, err error)
}

func (p *Pages) forms() []form {
	const one = "/workspace/{engagement}"
	return []form{
		{"/workspace", access.Examine, openWorkspace},
		{one + "/requests", access.Examine, askRequest},
		{one + "/requests/{request}", access.Examine, changeRequest},
		{one + "/requests/{request}/answer", access.AnswerRequests, answerRequest},
		{one + "/samples", access.Examine, drawSample},
		{one + "/samples/{sample}/attributes", access.Examine, changeAttributes},
		{one + "/samples/{sample}/share", access.Examine, shareSample},
		{one + "/samples/{sample}/items/{item}", access.Examine, testItem},
	}
}

// Forms are the paths that forms are posted to, as patterns.
func (p *Pages) Forms() (paths []string) {
	for _, f := range p.forms() {
		paths = append(paths, f.path)
	}
	return paths
}

// mostForm is as much as a form may hold: the longest texts, each byte written as three.
const mostForm = 128 << 10

// poster answers the requests of a form.
func (p *Pages) poster(f form) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(request.Context(), answerWithin)
		defer cancel()
		v := p.visit(request.WithContext(ctx))
		v.request.Body = http.MaxBytesReader(w, v.request.Body, mostForm)
		to, err := v.posted(f) //nolint:contextcheck // the visit has the request's
		if err != nil {
			v.fail(w, f.path, err)
			return
		}
		v.write(w, http.StatusOK, &sheet{Redirect: to})
	}
}

func (v *visit) posted(f form) (to string, err error) {
	if err := v.admit(f.needs); err != nil {
		return "", err
	}
	if err := v.request.ParseForm(); err != nil {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			return "", compliance.Errorf(compliance.TooLarge, "the form is too large: shorten what is in it")
		}
		return "", compliance.Errorf(compliance.Invalid, "the form can't be read")
	}
	if name := v.request.PathValue("engagement"); name != "" {
		if _, err := v.workspaceOf(name); err != nil {
			return "", err
		}
	}
	desk := &workspace.Desk{Conn: v.Writer, Tenant: v.Tenant, Person: v.Person(), Now: v.now}
	return f.act(v, desk, v.request.PostForm)
}
