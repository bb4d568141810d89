package page_test

import (
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/api"
	"assay.example/assay/services/console/internal/basis"
)

// curled finds the address in a command for curl, quoted for a shell or not.
var curled = regexp.MustCompile(`Bearer \$ASSAY_TOKEN" (?:'((?:[^']|'\\'')*)'|(\S+))`)

// Every command for curl that a page shows is one that the API answers.
func TestCurlCommandsAreAnswered(t *testing.T) {
	w := filled(t)
	answers, err := api.New(basis.Basis{
		Conn: w.Conn, Bundle: w.Bundle, Files: library(), Types: w.types, Log: zerolog.Nop(), Now: asktest.At("2026-11-01").Time, Program: "test",
	}, "assay")
	require.NoError(t, err)
	asked := map[string]bool{}
	for _, address := range []string{
		"/controls/CH-01", "/items/CH-01/" + url.PathEscape(hostile), "/events/assay.events.access/0/1", "/sources?from=2026-07-01&to=2026-07-15",
		"/reports/2026-Q3", "/query/extent", "/query/day_counts?control=CH-01", "/query/page_items?control=CH-01&outcome=pass&reason=x",
		"/query/page_events?source=%2Fidp&type=access.*", "/query/page_rejected?code=x&from=2026-07-01T10:00:00Z&to=2026-07-02", "/query/page_conflicts?source=%2Fidp",
		"/query/page_violations?item=" + url.QueryEscape(hostile), "/query/deliveries_before?target=pager&outcome=retry&from=2026-07-01&to=2026-10-01",
		"/query/history?control=CH-01&item=" + url.QueryEscape(hostile), "/query/source_days",
	} {
		commands := curled.FindAllStringSubmatch(html.UnescapeString(w.body(engineer(), address)), -1)
		require.NotEmpty(t, commands, address)
		for _, c := range commands {
			u, err := url.Parse(strings.ReplaceAll(c[1], `'\''`, "'") + c[2])
			require.NoError(t, err)
			r := httptest.NewRequestWithContext(access.With(t.Context(), engineer()), http.MethodGet, u.RequestURI(), nil)
			rec := httptest.NewRecorder()
			answers.Mux().ServeHTTP(rec, r)
			require.Equal(t, http.StatusOK, rec.Code, "%s on %s: %s", u, address, rec.Body)
			asked[u.Path] = true
		}
	}
	require.Greater(t, len(asked), 10)
}
