package console_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// parameter is one of an operation in the OpenAPI document.
type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
	Example  any    `json:"example"`
	Schema   struct {
		Examples []any `json:"examples"`
	} `json:"schema"`
}

func (p parameter) example() any {
	if p.Example == nil && len(p.Schema.Examples) > 0 {
		return p.Schema.Examples[0]
	}
	return p.Example
}

// route is one of the API, as its description has it.
type route struct {
	path, id   string
	parameters []parameter
	// methods are those that it takes, as Allow has them.
	methods string
}

// routes are those of the OpenAPI document, sorted.
func (r *running) routes() (list []route) {
	r.Helper()
	a := r.get("/openapi.json")
	require.Equal(r, http.StatusOK, a.status)
	require.Equal(r, "application/openapi+json", a.header.Get("Content-Type"))
	var doc struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			ID         string      `json:"operationId"`
			Parameters []parameter `json:"parameters"`
		} `json:"paths"`
	}
	require.NoError(r, json.Unmarshal([]byte(a.body), &doc))
	require.True(r, strings.HasPrefix(doc.OpenAPI, "3.1"), doc.OpenAPI)
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		get, ok := doc.Paths[path]["get"]
		if !ok {
			continue // something is sent there, and nothing read
		}
		found := route{path: path, id: get.ID, parameters: get.Parameters, methods: "GET, HEAD"}
		for _, method := range []string{"post", "put", "patch"} {
			if _, ok := doc.Paths[path][method]; ok {
				found.methods += ", " + strings.ToUpper(method)
			}
		}
		list = append(list, found)
	}
	require.GreaterOrEqual(r, len(list), 15)
	return list
}

// with is the address of a route: values for what varies in it, else the examples.
func (r route) with(t testing.TB, values map[string]string) string {
	t.Helper()
	path := r.path
	for _, p := range r.parameters {
		if p.In != "path" {
			continue
		}
		value, ok := values[p.Name]
		if !ok {
			require.NotNil(t, p.example(), "%s: {%s} has no example", r.path, p.Name)
			value = fmt.Sprint(p.example())
		}
		path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
	}
	return path
}

// needsTime says whether a route wants to be told which time is meant.
func (r route) needsTime() bool {
	return r.id == "control-days" || r.id == "sources" || r.id == "coverage"
}

// address is one that the route answers.
func (r route) address(t testing.TB) string {
	t.Helper()
	if r.needsTime() {
		return r.with(t, nil) + "?period=2026-Q3"
	}
	return r.with(t, nil)
}

func (r route) takes(name string) bool {
	return slices.ContainsFunc(r.parameters, func(p parameter) bool { return p.In == "query" && p.Name == name })
}

// Every route that is described is there, and answers its examples: those of the path,
// and each of the query's.
func TestRoutesAnswerTheirExamples(t *testing.T) {
	r := reading(t).start()
	for _, route := range r.routes() {
		a := r.get(route.address(t), r.as("engineer"))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", route.path, a.body)
		require.Equal(t, "application/json", a.header.Get("Content-Type"), route.path)
		require.True(t, json.Valid([]byte(a.body)), route.path)
		for _, p := range route.parameters {
			if p.In != "query" || p.example() == nil || route.needsTime() {
				continue
			}
			a := r.get(route.with(t, nil)+"?"+url.Values{p.Name: {fmt.Sprint(p.example())}}.Encode(), r.as("engineer"))
			require.Equal(t, http.StatusOK, a.status, "%s, %s: %s", route.path, p.Name, a.body)
		}
	}
}

// The description is there for everybody, in both forms, and says how to get in.
func TestDescription(t *testing.T) {
	r := reading(t).start()
	a := r.get("/openapi.yaml")
	require.Equal(t, http.StatusOK, a.status)
	require.Equal(t, "application/openapi+yaml", a.header.Get("Content-Type"))
	require.Contains(t, a.body, "openapi: 3.1")
	require.Contains(t, a.body, "name: assay\n", "the cookie's name without TLS")
	secure := r.start(withTLSInFront)
	require.Contains(t, secure.get("/openapi.yaml").body, "name: __Host-assay\n")
	require.Contains(t, secure.get("/openapi.yaml").body, "url: https://assay.example.com")
}

// Every refusal of the API is a problem with the type of its status.
func TestProblems(t *testing.T) {
	r := reading(t).start()
	for _, c := range []struct {
		path, kind string
		status     int
		changes    []change
	}{
		{"/api/v1/me", "unauthorized", http.StatusUnauthorized, nil},
		{"/api/v1/items?period=2026-13", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?period=2026&from=2026-01-01", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?from=2026-02-01&to=2026-01-01", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?from=tomorrow", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/items?cursor=x", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?period=%zz", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?tenant=default&tenant=default", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?period=2026&control=", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?to", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?control=CH-01&control=IN-01", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?period=9999", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/periods/0001/report", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?from=2026-02-30", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/periods/soon/report", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/periods/2026-Q3/report?as_of=9998-01-01", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/periods/2026-Q3/report?as_of=soon", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/sources", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/controls/CH-01/days?from=2026-07-01T01:00:00Z&to=2026-08-01", "invalid", http.StatusBadRequest, []change{r.as("engineer")}},
		{"/api/v1/items?limit=0", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/items?limit=1001", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/items?limit=many", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/items?outcome=good", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/items?perod=2026", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/events/t/-1/0", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/events/t/0/x", "invalid_parameters", http.StatusUnprocessableEntity, []change{r.as("engineer")}},
		{"/api/v1/health", "forbidden", http.StatusForbidden, []change{r.as("approver")}},
		{"/api/v1/items?tenant=none", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/v1/controls/XX-99", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/v1/controls/XX-99/days?period=2026", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/v1/items/CH-01/none", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/v1/items/XX-99/DEP-1", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/v1/events/none/0/1", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/v1/none", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
		{"/api/", "not_found", http.StatusNotFound, []change{r.as("engineer")}},
	} {
		p := r.get(c.path, c.changes...).problem(t, c.status, c.path)
		require.Equal(t, "https://assay.example/problems/"+c.kind, p.Type, c.path)
		require.Equal(t, http.StatusText(c.status), p.Title, c.path)
	}
}

// Who asks for what is no JSON gets JSON: a problem stays a problem.
func TestAccept(t *testing.T) {
	r := reading(t).start()
	for _, accept := range []string{"text/html", "application/xml", "*/*;q=0", "nonsense", "application/cbor"} {
		a := r.get("/api/v1/me", r.as("engineer"), header("Accept", accept))
		require.Equal(t, http.StatusOK, a.status, accept)
		require.Equal(t, "application/json", a.header.Get("Content-Type"), accept)
		r.get("/api/v1/items?limit=0", r.as("engineer"), header("Accept", accept)).problem(t, http.StatusUnprocessableEntity, accept)
	}
}
