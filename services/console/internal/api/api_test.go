package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/danielgtaylor/huma/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/control"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/basis"
)

func newAPI(t *testing.T) *API {
	t.Helper()
	a, err := New(basis.Basis{Bundle: &control.Bundle{}, Files: fstest.MapFS{}, Log: zerolog.Nop()}, "assay")
	require.NoError(t, err)
	return a
}

// What the router has is described, and what is described the router has.
func TestDescriptionIsTheRouter(t *testing.T) {
	a := newAPI(t)
	operations := 0
	for path, item := range a.huma.OpenAPI().Paths {
		for method, op := range map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete} {
			if op == nil {
				continue
			}
			operations++
			needs := a.actions[op.OperationID]
			require.Equal(t, method != http.MethodGet, needs == access.Examine || needs == access.AnswerRequests, "%s %s: only two actions write, and only they", method, path)
			r := httptest.NewRequestWithContext(t.Context(), method, regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, "x"), nil)
			_, pattern := a.mux.Handler(r)
			require.Equal(t, method+" "+path, pattern)
		}
	}
	require.Len(t, a.actions, operations)
	// The router can't be asked for its patterns. So: nobody but add registers any, but
	// for the description itself and what isn't there.
	require.Equal(t, map[string]int{"huma.Register": 1, "mux.HandleFunc": 3}, registrations(t))
}

// registrations counts the calls in this package that add something to a router.
func registrations(t *testing.T) map[string]int {
	t.Helper()
	calls := map[string]int{}
	packages, err := parser.ParseDir(token.NewFileSet(), ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0) //nolint:staticcheck // no build tags here
	require.NoError(t, err)
	ast.Inspect(packages["api"], func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		f, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch f.Sel.Name {
		case "Register":
			calls["huma.Register"]++
		case "Handle", "HandleFunc":
			calls["mux."+f.Sel.Name]++
		}
		return true
	})
	return calls
}

// Every action that a role can be given guards a route.
func TestEveryActionGuardsSomething(t *testing.T) {
	guarded := map[access.Action]bool{}
	for _, action := range newAPI(t).actions {
		guarded[action] = true
	}
	for _, action := range access.Actions() {
		require.True(t, guarded[action], action)
	}
	require.Len(t, guarded, len(access.Actions()))
}

var order = []listing.Column{{Name: "time"}, {Name: "id", Text: true}}

func TestCursor(t *testing.T) {
	page := listing.Page{AsOf: 1_786_000_000_000_000, After: []any{int64(5), "<a>&\u2028"}}
	text, err := encodeCursor("q", page)
	require.NoError(t, err)
	require.Regexp(t, `^[\w-]+$`, text)
	got, err := decodeCursor("q", text, order)
	require.NoError(t, err)
	require.Equal(t, page, got)
	_, err = decodeCursor("another question", text, order)
	require.ErrorIs(t, err, errCursor)
	for i := range len(text) {
		for _, damaged := range []string{text[:i], text[:i] + "A" + text[i+1:], text[:i] + "!" + text[i+1:]} {
			if damaged == text {
				continue
			}
			_, err := decodeCursor("q", damaged, order)
			require.ErrorIs(t, err, errCursor, damaged)
		}
	}
}

// A cursor is no authority, and no way in: whoever forges one gets an answer or errCursor.
func TestForgedCursors(t *testing.T) {
	for _, after := range [][]any{
		nil,
		{int64(1)},
		{int64(1), "a", "b"},
		{"1", "a"},
		{int64(1), int64(2)},
		{1.5, "a"},
		{int64(1) << 62, "a"},
		{-int64(1) << 62, "a"},
		{map[string]any{}, "a"},
		{nil, nil},
		{int64(1), []any{"x"}},
	} {
		text, err := encodeCursor("q", listing.Page{AsOf: 1, After: after})
		require.NoError(t, err)
		_, err = decodeCursor("q", text, order)
		require.ErrorIs(t, err, errCursor, after)
	}
	first, last := ask.Always()
	for _, page := range []listing.Page{{AsOf: 0, After: []any{int64(1), "a"}}, {AsOf: first - 1, After: []any{int64(1), "a"}}, {AsOf: last + 1, After: []any{int64(1), "a"}}} {
		text, err := encodeCursor("q", page)
		require.NoError(t, err)
		_, err = decodeCursor("q", text, order)
		require.ErrorIs(t, err, errCursor, page)
	}
}

// The document's table of problems is that of the code.
func TestDocsListTheProblems(t *testing.T) {
	page, err := os.ReadFile("../../../../docs/api.md")
	require.NoError(t, err)
	listed := map[int]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (\\d{3}) \\| `(\\w+)` \\|").FindAllStringSubmatch(string(page), -1) {
		status, err := strconv.Atoi(row[1])
		require.NoError(t, err)
		listed[status] = row[2]
	}
	require.Equal(t, codes(), listed)
}
