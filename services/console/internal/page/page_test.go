package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// everyRoute is an address of each route that must be there for the engineer.
func everyRoute() map[string]string {
	return map[string]string{
		"/{$}":                                 "/",
		"/controls":                            "/controls",
		"/controls/{id}":                       "/controls/CH-01",
		"/controls/{id}/completeness":          "/controls/CH-01/completeness",
		"/items/{control}/{item}":              "/items/CH-01/d2",
		"/events":                              "/events",
		"/events/{topic}/{partition}/{offset}": "/events/assay.events.access/0/1",
		"/events/{topic}/{partition}/{offset}/raw": "/events/assay.events.access/0/1/raw",
		"/sources":                             "/sources",
		"/boundary":                            "/boundary",
		"/drift":                               "/drift",
		"/samples":                             "/samples",
		"/samples/{file}":                      "/samples/sample.csv?control=CH-01&engagement=soc2",
		"/rejected":                            "/rejected",
		"/reports":                             "/reports",
		"/reports/{period}":                    "/reports/2026-Q3",
		"/reports/{period}/{file}":             "/reports/2026-Q3/report.json",
		"/periods/{examination}":               "/periods/soc2-q3",
		"/workspace":                           "/workspace",
		"/workspace/{engagement}":              "/workspace/soc2-q3",
		"/workspace/{engagement}/history":      "/workspace/soc2-q3/history",
		"/workspace/{engagement}/files/{file}": "/workspace/soc2-q3/files/testing.csv",
		"/workspace/{engagement}/requests/{request}":            "/workspace/soc2-q3/requests/R-1",
		"/workspace/{engagement}/samples/{sample}":              "/workspace/soc2-q3/samples/S-1",
		"/workspace/{engagement}/samples/{sample}/items/{item}": "/workspace/soc2-q3/samples/S-1/items/d2",
		"/deliveries":   "/deliveries",
		"/query":        "/query",
		"/query/{name}": "/query/day_counts",
		"/help":         "/help",
	}
}

// Nobody sees nothing, a tenant that isn't the viewer's looks like none, and a role
// sees what it may: on every route.
func TestEveryRouteAsksWhoAsks(t *testing.T) {
	w := filled(t)
	routes := everyRoute()
	require.Len(t, w.pages.Routes(), len(routes), "a route without an address here")
	for _, route := range w.pages.Routes() {
		address, ok := routes[route]
		require.True(t, ok, "%s has no address here", route)
		require.Equal(t, http.StatusForbidden, w.get(t.Context(), access.Viewer{}, address).Code, "nobody at %s", address)
		require.Equal(t, http.StatusOK, w.get(t.Context(), engineer(), address).Code, "the engineer at %s", address)
		and := map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")]
		ghost, other := w.get(t.Context(), engineer(), address+and+"tenant=ghost"), w.get(t.Context(), engineer(), address+and+"tenant=other")
		require.Equal(t, http.StatusNotFound, other.Code, address)
		require.Equal(t, ghost.Body.String(), other.Body.String(), "%s tells of a tenant that may not be seen", address)
		want := http.StatusOK
		if address == "/deliveries" {
			want = http.StatusForbidden
		}
		require.Equal(t, want, w.get(t.Context(), auditor(t), address).Code, "the auditor at %s", address)
	}
}

// What may not be seen can't be told from what isn't there.
func TestUnseenLooksMissing(t *testing.T) {
	w := filled(t)
	for _, c := range []struct{ hidden, missing string }{
		{"/items/CH-01/" + outside, "/items/CH-01/nothing"},
		{"/items/CH-01/" + theirs, "/items/CH-01/nothing"},
		{"/events/assay.events.access/0/5", "/events/assay.events.access/0/99999"},
		{"/events/assay.events.access/0/6", "/events/assay.events.access/0/99999"},
		{"/events/assay.events.access/0/7", "/events/assay.events.access/0/99999"},
		{"/events/assay.events.access/0/5/raw", "/events/assay.events.access/0/99999/raw"},
		{"/query/event_at?topic=assay.events.access&partition=0&offset=5", "/query/event_at?topic=assay.events.access&partition=0&offset=99999"},
		{"/query/resting_on?topic=assay.events.access&partition=0&offset=5", "/query/resting_on?topic=assay.events.access&partition=0&offset=99999"},
		{"/query/history?control=CH-01&item=" + outside, "/query/history?control=CH-01&item=nothing"},
		{"/items/NO-01/d2", "/items/CH-01/nothing"},
		{"/workspace/" + outside + "-workspace", "/workspace/nothing"},
		{"/workspace/" + theirs, "/workspace/nothing"},
		{"/workspace/" + outside + "-workspace/history", "/workspace/nothing/history"},
	} {
		hidden, missing := w.get(t.Context(), auditor(t), c.hidden), w.get(t.Context(), auditor(t), c.missing)
		require.Equal(t, http.StatusNotFound, hidden.Code, c.hidden)
		require.Equal(t, hidden.Body.String(), missing.Body.String(), "%s differs from %s", c.hidden, c.missing)
	}
	require.Equal(t, http.StatusOK, w.get(t.Context(), engineer(), "/items/CH-01/"+outside).Code)
	require.Equal(t, http.StatusNotFound, w.get(t.Context(), engineer(), "/items/CH-01/"+theirs).Code)
}

// cursor is one as an address has it.
func cursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// Whatever is asked for, it is a page, with the right status and without a stack trace.
func TestRefusals(t *testing.T) {
	w := filled(t)
	both := auditor(t)
	q1, err := ask.ParsePeriod("2026-Q1")
	require.NoError(t, err)
	both.Periods = append(both.Periods, q1)
	none := auditor(t)
	none.Periods = nil
	for _, c := range []struct {
		viewer  access.Viewer
		address string
		status  int
	}{
		{engineer(), "/no/such/page", 404},
		{engineer(), "/controls/NO-01", 404},
		{engineer(), "/query/no_such", 404},
		{engineer(), "/reports/2026-Q3/report.exe", 404},
		{engineer(), "/reports/2026-Q3/nothing.csv", 404},
		{engineer(), "/reports/yesterday", 400},
		{engineer(), "/?period=yesterday", 400},
		{engineer(), "/?from=2026-07-01", 400},
		{engineer(), "/?period=2026&from=2026-07-01&to=2026-08-01", 400},
		{engineer(), "/?from=2026-08-01&to=2026-07-01", 400},
		{engineer(), "/?from=2020-01-01&to=2026-07-01", 400},
		{engineer(), "/?from=2026-07-01T12:00:00Z&to=2026-08-01", 400},
		{engineer(), "/?from=1000-01-01&to=1000-02-01", 400},
		{engineer(), "/controls/CH-01?outcome=fine", 400},
		{engineer(), "/controls/CH-01?period=2026-Q3&day=2026-11-01", 400},
		{engineer(), "/controls/CH-01?day=x", 400},
		{engineer(), "/controls/CH-01?reason=" + strings.Repeat("x", 2000), 400},
		{engineer(), "/events?cursor=damaged", 400},
		{engineer(), "/events?cursor=bnVsbA", 400},
		{engineer(), "/deliveries?cursor=bnVsbA", 400},
		{engineer(), "/events?cursor=" + cursor(`{"a":"2026-09-01T00:00:00Z","k":[]}`), 400},
		{engineer(), "/events?cursor=" + cursor(`{"a":"2026-09-01T00:00:00Z","k":[1,"s","i",5,0,1]}`), 400},
		{engineer(), "/events?cursor=" + cursor(`{"a":"2026-09-01T00:00:00Z","k":[1.5,"s","i","t",0,1]}`), 400},
		{engineer(), "/events?cursor=" + cursor(`{"a":"1970-01-01T00:00:00Z","k":[1,"s","i","t",0,1]}`), 400},
		{engineer(), "/events?cursor=" + cursor(`{"a":"2026-09-01T00:00:00Z","k":[1,"s","i","t",0,1]}`), 200},
		{engineer(), "/events/t/x/1", 404},
		{engineer(), "/drift?period=2026-Q3&baseline=2026-Q3", 400},
		{engineer(), "/drift?baseline=x", 400},
		{engineer(), "/drift?baseline=2026-Q2&baseline_from=2026-01-01", 400},
		{engineer(), "/drift?as_of=2030-01-01", 400},
		{engineer(), "/samples?control=NO-01&engagement=e", 404},
		{engineer(), "/samples?control=CH-01&engagement=e&plan=mine", 404},
		{engineer(), "/samples?control=CH-01&engagement=e&frequency=often", 400},
		{engineer(), "/samples?control=CH-01&engagement=e&stratum=colour", 400},
		{engineer(), "/samples/sample.exe?control=CH-01&engagement=e", 404},
		{engineer(), "/samples/sample.csv?control=CH-01", 400},
		{auditor(t), "/drift?period=2026-Q3&baseline=2026-Q2", 403},
		{auditor(t), "/samples?period=2026-10&control=CH-01&engagement=e", 403},
		{engineer(), "/events/t/0/99999999999999999999", 404},
		{engineer(), "/?tenant=" + strings.Repeat("x", 500), 400},
		{auditor(t), "/?period=2026-10", 403},
		{auditor(t), "/reports/2026", 403},
		{auditor(t), "/reports/2026/report.csv", 403},
		{auditor(t), "/reports/2026/report.xlsx", 403},
		{auditor(t), "/reports/2026/deviations.csv", 403},
		{auditor(t), "/query/extent", 403},
		{auditor(t), "/query/changes", 403},
		{auditor(t), "/query/deliveries_before", 403},
		{both, "/?from=2026-01-01&to=2026-12-31", 400},
		{none, "/", 403},
	} {
		rec := w.get(t.Context(), c.viewer, c.address)
		require.Equal(t, c.status, rec.Code, c.address)
		checkPage(t, c.address, rec.Body.String())
		without(t, c.address, rec.Body.String(), "goroutine", "ClickHouse exception", ".go:")
	}
	r := httptest.NewRequestWithContext(access.With(t.Context(), engineer()), http.MethodDelete, "/controls", nil)
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	require.Equal(t, http.StatusMethodNotAllowed, rec.Code)
}

// Whoever isn't signed in can be told so, by a page.
func TestRefuseANobody(t *testing.T) {
	w := newWorld(t)
	rec := httptest.NewRecorder()
	w.pages.Refuse(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/x", nil), http.StatusUnauthorized, hostile)
	require.Equal(t, http.StatusUnauthorized, rec.Code)
	require.Contains(t, rec.Body.String(), "You are not signed in")
	without(t, "/x", rec.Body.String(), "<script", "/controls")
}

// A database that is away is said in plain words, and nothing of it is told.
func TestDatabaseAway(t *testing.T) {
	w := filled(t)
	closed, err := clickhouse.Open(t.Context(), w.config)
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	w.serve(closed)
	for route, address := range everyRoute() {
		rec := w.get(t.Context(), engineer(), address)
		if route == "/query" || route == "/help" {
			require.Equal(t, http.StatusOK, rec.Code, address)
			continue
		}
		require.Equal(t, http.StatusServiceUnavailable, rec.Code, address)
		checkPage(t, address, rec.Body.String())
		without(t, address, rec.Body.String(), "127.0.0.1", "conn", "acquire")
	}
}

// An auditor who asks for more gets the part that may be seen, under its own name.
func TestWindowsAreCut(t *testing.T) {
	w := filled(t)
	body := w.body(auditor(t), "/events?from=2026-01-01&to=2026-12-31")
	without(t, "events", body, outside)
	require.Contains(t, body, "2026-07-01 00:00:00 to 2026-10-01 00:00:00")
	body = w.body(auditor(t), "/query/page_events?from=2020-01-01&to=2030-01-01")
	without(t, "query", body, outside)
	require.Contains(t, body, "2026-10-01T00:00:00Z", "the window that was asked")
}

var tagOf = regexp.MustCompile(`class="(tag|verdict|key|figure|state|is)[^"]*"`)

// What isn't known has no mark of a pass, anywhere.
func TestUnknownIsNeverAPass(t *testing.T) {
	w := newWorld(t)
	for i, outcome := range []compliance.Outcome{compliance.Inconclusive, compliance.Pending, "of_a_later_release"} {
		w.Say(asktest.Said{Control: "AC-01", Item: fmt.Sprint("u", i), At: fmt.Sprintf("2026-07-%02d", i+1), Outcome: outcome, Reason: "r"})
		for _, address := range []string{"/?period=2026-Q3", "/controls?period=2026-Q3", "/controls/AC-01?outcome=all&period=2026-Q3", fmt.Sprint("/items/AC-01/u", i)} {
			body := w.body(engineer(), address)
			main := body[strings.Index(body, "<main"):strings.Index(body, "</main>")]
			without(t, address, main, `class="pass"`, "tag-pass", "verdict-pass", "is-pass", "key-pass", "node-pass")
			if !strings.HasPrefix(address, "/controls?") {
				require.Contains(t, main, "unknown", address)
				require.NotEmpty(t, tagOf.FindString(main))
			}
		}
	}
	// Nor beside one, or beside a waived item.
	w.Say(asktest.Said{Control: "AC-01", Item: "good", At: "2026-07-01", Outcome: compliance.Pass}, asktest.Said{Control: "AC-01", Item: "let", At: "2026-07-02", Outcome: compliance.Waived})
	strip := w.body(engineer(), "/?period=2026-Q3")
	require.Equal(t, 3, strings.Count(strip, `<rect class="unknown" fill="url(#dAC-01-h)"`))
	without(t, "/", strip, `class="pass"`, `class="waived"`)
	// Beside a deviation it is still to be seen.
	w.Say(asktest.Said{Control: "AC-01", Item: "bad", At: "2026-07-01", Outcome: compliance.Deviation, Reason: "no_mfa"})
	body := w.body(engineer(), "/?period=2026-07")
	require.Contains(t, body, "1 deviation, 1 inconclusive")
	require.Regexp(t, `class="deviation"[^>]*/><rect class="unknown" fill="url\(#dAC-01-h\)"`, body)
}

func TestItemsPageByPage(t *testing.T) {
	w := newWorld(t)
	var all []asktest.Said
	for i := range 120 {
		all = append(all, asktest.Said{Control: "AC-01", Item: fmt.Sprintf("i%03d", i), At: "2026-07-01", Outcome: compliance.Deviation, Reason: "no_mfa"})
	}
	w.Say(all...)
	next := regexp.MustCompile(`href="([^"]+)" rel="next"`)
	row := regexp.MustCompile(`>(i\d\d\d)</a></th>`)
	seen := map[string]int{}
	address := "/controls/AC-01?period=2026-Q3&outcome=deviation&reason=no_mfa"
	for pages := 1; ; pages++ {
		body := w.body(engineer(), address)
		for _, m := range row.FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
		}
		m := next.FindStringSubmatch(body)
		if m == nil {
			require.Equal(t, 3, pages)
			break
		}
		address, _, _ = strings.Cut(html.UnescapeString(m[1]), "#")
		w.Say(asktest.Said{Control: "AC-01", Item: fmt.Sprint("later", pages), At: "2026-08-01", Outcome: compliance.Deviation, Reason: "no_mfa"})
	}
	require.Len(t, seen, 120)
	for id, n := range seen {
		require.Equal(t, 1, n, id)
	}
}

// Bytes come as they stand in the log.
func TestRawBytes(t *testing.T) {
	w := filled(t)
	rec := w.get(t.Context(), engineer(), "/events/assay.events.access/0/2/raw")
	require.Equal(t, "application/octet-stream", rec.Header().Get("Content-Type"))
	require.Equal(t, `attachment; filename="assay.events.access-0-2.bin"`, rec.Header().Get("Content-Disposition"))
	sum := sha256.Sum256(rec.Body.Bytes())
	page := w.body(engineer(), "/events/assay.events.access/0/2")
	require.Contains(t, page, hex.EncodeToString(sum[:]))
	require.Contains(t, page, "computed again just now, and the same")
	require.True(t, strings.Contains(page, `&lt;i&gt;bob`) || strings.Contains(page, `\u003ci\u003ebob`))

	w.exec(`ALTER TABLE events UPDATE data = unhex('FF00FE') WHERE offset = 2 SETTINGS mutations_sync = 2`)
	page = w.body(engineer(), "/events/assay.events.access/0/2")
	require.Contains(t, page, "another hash")
	require.Contains(t, page, "ff 00 fe")
	require.Equal(t, "\xff\x00\xfe", w.get(t.Context(), engineer(), "/events/assay.events.access/0/2/raw").Body.String())
}

func TestReportFiles(t *testing.T) {
	w := filled(t)
	for name, want := range map[string]string{"report.csv": "CH-01,", "report.json": `"schema": "report/v1"`, "report.html": "<!DOCTYPE html>", "report.xlsx": "PK\x03\x04", "deviations.csv": "control,item,happened"} {
		rec := w.get(t.Context(), engineer(), "/reports/2026-Q3/"+name)
		require.Contains(t, rec.Header().Get("Content-Disposition"), "attachment")
		require.Contains(t, rec.Body.String(), want)
	}
	rec := w.get(t.Context(), engineer(), "/reports?period=2026-08")
	require.Equal(t, http.StatusSeeOther, rec.Code)
	require.Equal(t, "/reports/2026-08", rec.Header().Get("Location"))
	evil := w.get(t.Context(), engineer(), "/reports?period="+url.QueryEscape("//evil.example"))
	require.Equal(t, "/reports/%2F%2Fevil.example", evil.Header().Get("Location"))
}

func TestAssets(t *testing.T) {
	w := newWorld(t)
	rec := w.get(t.Context(), access.Viewer{}, w.pages.Stylesheet())
	require.Equal(t, http.StatusOK, rec.Code)
	require.Contains(t, rec.Header().Get("Content-Type"), "text/css")
	require.Contains(t, rec.Header().Get("Cache-Control"), "immutable")
	require.Equal(t, http.StatusNotFound, w.get(t.Context(), access.Viewer{}, "/assets/style.css").Code)
	require.NotContains(t, rec.Body.String(), "url(http")
}

// A question by itself shows its own text, and how else to ask it.
func TestQueryShowsItsText(t *testing.T) {
	w := filled(t)
	body := w.body(engineer(), "/query/page_items?control=CH-01&outcome=deviation&period=2026-Q3&limit=10")
	sql, err := ask.SQL("page_items")
	require.NoError(t, err)
	require.Contains(t, body, html.EscapeString(sql))
	text := html.UnescapeString(body)
	require.Contains(t, text, "assay query verdicts --control CH-01 --outcome deviation --period 2026-Q3 --tenant default")
	require.Contains(t, text, `curl -H "Authorization: Bearer $ASSAY_TOKEN" 'http://example.com/api/v1/items?`)
	require.Contains(t, text, "--param_from=1782864000000000")
	require.Contains(t, text, "d2")
	body = w.body(engineer(), "/items/CH-01/"+url.PathEscape(hostile))
	require.Contains(t, html.UnescapeString(body), `assay explain 'CH-01/<script>alert(1)</script>"'\''&<b>/../x?y=#z' --tenant default --controls 'my controls'`)
}
