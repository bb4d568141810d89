package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// visit is one request for a page.
type visit struct {
	*Pages
	access.Viewer

	request *http.Request
	asker   *ask.Asker
	now     compliance.Instant
}

// handler answers a route's requests: it finds the viewer's tenant, refuses who may
// not, bounds the time and writes the page.
func (p *Pages) handler(r route) http.HandlerFunc {
	return func(w http.ResponseWriter, request *http.Request) {
		ctx, cancel := context.WithTimeout(request.Context(), answerWithin)
		defer cancel()
		v := p.visit(request.WithContext(ctx))
		s, err := v.admitted(r)
		if err != nil {
			v.fail(w, r.path, err)
			return
		}
		v.write(w, http.StatusOK, s)
	}
}

func (p *Pages) visit(r *http.Request) *visit {
	return &visit{Pages: p, Viewer: access.From(r.Context()), request: r, now: compliance.InstantOf(p.Now())}
}

func (v *visit) admitted(r route) (*sheet, error) {
	if err := v.admit(r.needs); err != nil {
		return nil, err
	}
	return r.show(v)
}

// admit finds the viewer's tenant, and refuses who may not.
func (v *visit) admit(needs access.Action) error {
	tenant := v.param("tenant")
	if len(tenant) > 128 {
		return compliance.Errorf(compliance.Invalid, "the name of the tenant is too long")
	}
	viewer, err := v.In(tenant)
	if err != nil {
		return err
	}
	v.Viewer = viewer
	if !v.May(needs) {
		return compliance.Errorf(compliance.Forbidden, "the role %s may not do that; it needs %q", viewer.Role, needs)
	}
	v.asker = ask.New(v.Conn, viewer.Tenant, v.now)
	return nil
}

// ctx ends with the request, or when answering takes too long.
func (v *visit) ctx() context.Context { return v.request.Context() }

// param is a parameter of the query, empty without one.
func (v *visit) param(name string) string { return v.request.URL.Query().Get(name) }

// mostParam is as long as a parameter may be.
const mostParam = 1024

// filters reads parameters that choose rows.
func (v *visit) filters(into map[string]*string) error {
	for name, to := range into {
		if *to = v.param(name); len(*to) > mostParam {
			return compliance.Errorf(compliance.Invalid, "the parameter %s is too long", name)
		}
	}
	return nil
}

// to is an address on this console, with parameters in pairs; empty ones are left out.
// It stays with the tenant where there are several.
func (v *visit) to(path string, pairs ...string) string {
	values := url.Values{}
	if len(v.Tenants) > 1 {
		values.Set("tenant", v.Tenant)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// path is an address of segments, each escaped.
func path(segments ...string) string {
	var b strings.Builder
	for _, s := range segments {
		b.WriteString("/" + url.PathEscape(s))
	}
	return b.String()
}

// together does things at once; the first error ends the others.
func (v *visit) together(do ...func(context.Context) error) error {
	group, ctx := errgroup.WithContext(v.ctx())
	for _, f := range do {
		group.Go(func() error { return f(ctx) })
	}
	return group.Wait()
}

// asked puts the answer to a question into a place, for together.
func asked[Row any](into *ask.Answer[Row], ask func(context.Context) (ask.Answer[Row], error)) func(context.Context) error {
	return func(ctx context.Context) (err error) {
		*into, err = ask(ctx)
		return err
	}
}

// timedOut says whether an answer wasn't there in time.
func (v *visit) timedOut() bool { return errors.Is(v.ctx().Err(), context.DeadlineExceeded) }

// extent is how much is on record.
func (v *visit) extent(ctx context.Context) (ask.Answer[listing.Record], error) {
	return listing.Extent(ctx, v.asker)
}
