// Package api is the console's HTTP API, version 1: what is on record, as JSON. It
// answers from the same questions as the pages and the commands (pkg/ask).
//
// It guarantees:
//   - Each answer is about one tenant, and that is one of the viewer's; but for how far
//     topics reach, which no tenant has to itself.
//   - A role that may not do something gets a 403 before anything is asked.
//   - What lies outside a viewer's periods is not in an answer.
//   - Every refusal is a problem (RFC 9457) with a type that stays.
//   - The OpenAPI document has every route, and no other.
package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/coverage"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/basis"
)

// Prefix is where the API lies.
const Prefix = "/api/v1"

// answerWithin bounds the work for one answer.
const answerWithin = 20 * time.Second

// API answers under Prefix, and with its description. Each request's context needs a
// viewer.
type API struct {
	basis.Basis

	// cookie is the name of the one that holds a session, for the description.
	cookie string

	mux   *http.ServeMux
	huma  huma.API
	words map[string]explain.Words
	// others are the controls that others must operate.
	others report.Complementary
	// actions are what each operation needs, by its id.
	actions map[string]access.Action

	specJSON, specYAML []byte
}

// New makes the API.
func New(b basis.Basis, cookie string) (*API, error) {
	others, err := report.ReadComplementary(b.Files)
	if err != nil {
		return nil, err
	}
	a := &API{
		Basis: b, cookie: cookie, others: others, mux: http.NewServeMux(), words: explain.WordsOfAll(b.Bundle, b.Files),
		actions: map[string]access.Action{},
	}
	a.huma = humago.New(a.mux, a.config())
	a.huma.UseMiddleware(a.unequivocal)
	a.register()
	if a.specJSON, err = json.Marshal(a.huma.OpenAPI()); err != nil {
		return nil, err
	}
	if a.specYAML, err = a.huma.OpenAPI().YAML(); err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /openapi.json", document("application/openapi+json", a.specJSON))
	a.mux.HandleFunc("GET /openapi.yaml", document("application/openapi+yaml", a.specYAML))
	a.mux.HandleFunc("/", a.missing)
	return a, nil
}

// Mux is the handler of everything.
func (a *API) Mux() *http.ServeMux { return a.mux }

func document(kind string, content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(content) // the reader has gone
	}
}

// missing is what answers where there is no route: another method may have one.
func (a *API) missing(w http.ResponseWriter, r *http.Request) {
	if allowed := a.allowed(r); allowed != "" {
		w.Header().Set("Allow", allowed)
		Refuse(w, http.StatusMethodNotAllowed, "use one of: "+allowed)
		return
	}
	Refuse(w, http.StatusNotFound, "there is nothing here; see /openapi.json")
}

// allowed are the methods that something at an address takes; empty if nothing is there.
func (a *API) allowed(r *http.Request) string {
	var methods []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			methods = append(methods, method)
		}
	}
	return strings.Join(methods, ", ")
}

// unequivocal refuses a parameter that is empty or comes twice: the one would be taken
// for absent, so that a variable that somebody forgot to set asks for everything, and of
// the other only the first would count.
func (a *API) unequivocal(ctx huma.Context, next func(huma.Context)) {
	u := ctx.URL()
	for name, values := range u.Query() {
		if len(values) > 1 || values[0] == "" {
			// What can't be written, the reader hasn't waited for.
			_ = huma.WriteErr(a.huma, ctx, http.StatusBadRequest, fmt.Sprintf("the parameter %q is empty or there twice: give it one value, or leave it out", name))
			return
		}
	}
	next(ctx)
}

func (a *API) config() huma.Config {
	c := huma.DefaultConfig("Assay", "1")
	c.Info.Description = "What Assay has on record: controls, verdicts with their evidence, events, and the reports of periods. Read only, but for the workspaces of engagements."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	c.NoFormatFallback = false
	asJSON := huma.DefaultJSONFormat
	asJSON.Unmarshal = unmarshal
	c.Formats = map[string]huma.Format{"application/json": asJSON, "json": asJSON}
	c.RejectUnknownQueryParameters = true
	c.Transformers = []huma.Transformer{typed}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "A token made with assay token new."},
		"session": {Type: "apiKey", In: "cookie", Name: a.cookie, Description: "The session of somebody who signed in."},
	}
	c.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	if a.PublicURL != "" {
		c.Servers = []*huma.Server{{URL: a.PublicURL}}
	}
	return c
}

// schemaName tells schemas apart that packages name alike: a day of what, a life of whom.
// Samples, items and changes are words of workspaces, and others' too.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[coverage.Day]():
		return "CoverageDay"
	case reflect.TypeFor[sources.Life]():
		return "SourceLife"
	}
	if t.PkgPath() == reflect.TypeFor[workspace.Workspace]().PkgPath() && !strings.HasPrefix(name, "Workspace") {
		return "Workspace" + name
	}
	return name
}

// call is what an operation is called with, beside its parameters.
type call struct {
	access.Viewer

	asker *ask.Asker
	now   compliance.Instant
}

// answer is the response of an operation.
type answer[Body any] struct{ Body Body }

// parameters are any that begin with a Scope.
type parameters[In any] interface {
	*In
	scope() Scope
}

// operation names a route and what it needs.
type operation struct {
	method, path, id, summary string
	needs                     access.Action
}

// add registers a route: it finds the viewer's tenant, refuses who may not, and bounds
// the time.
func add[In any, P parameters[In], Body any](a *API, op operation, answerTo func(context.Context, call, *In) (*Body, error)) {
	a.actions[op.id] = op.needs
	huma.Register(a.huma, huma.Operation{
		Method: op.method, Path: Prefix + op.path, OperationID: op.id, Summary: op.summary,
		Errors: []int{
			http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusRequestEntityTooLarge,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusGatewayTimeout,
		},
		Responses: map[string]*huma.Response{strconv.Itoa(http.StatusRequestHeaderFieldsTooLarge): {
			Description: "The address and the headers together are larger than 32 KiB. This alone is no problem document.",
			Content:     map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}, func(ctx context.Context, in *In) (*answer[Body], error) {
		ctx, cancel := context.WithTimeout(ctx, answerWithin)
		defer cancel()
		c, err := a.admit(ctx, op.needs, P(in).scope().Tenant)
		if err != nil {
			return nil, a.problem(ctx, op.id, err)
		}
		body, err := answerTo(ctx, c, in)
		if err != nil {
			return nil, a.problem(ctx, op.id, err)
		}
		return &answer[Body]{*body}, nil
	})
}

func (a *API) admit(ctx context.Context, needs access.Action, tenant string) (call, error) {
	viewer, err := access.From(ctx).In(tenant)
	if err != nil {
		return call{}, err
	}
	if !viewer.May(needs) {
		return call{}, compliance.Errorf(compliance.Forbidden, "the role %s may not do that; it needs %q", viewer.Role, needs)
	}
	now := compliance.InstantOf(a.Now())
	return call{viewer, ask.New(a.Conn, viewer.Tenant, now), now}, nil
}
