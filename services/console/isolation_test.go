package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// hostile are texts that other programs have taken for more than text.
func hostile() []string {
	return []string{
		`' OR '1'='1`, `'; DROP TABLE events; --`, `\'`, `\`, "`", `{tenant:String}`, `default' UNION ALL SELECT * FROM events --`,
		`%`, `_`, `*`, `other*`, `$(id)`, `${jndi:ldap://x}`, `{{7*7}}`, `<script>alert(1)</script>`, `"><img src=x>`, `../../etc/passwd`, `..%2f..%2f`,
		"\x00", "a\x00b", "\n", "\r\nSet-Cookie: x=y", "\xff\xfe", "\u202eevil", "\ufeff", "ä\u0301", "1e999", "-1", "NaN", "null", "true", "[]",
		strings.Repeat("x", 128),
	}
}

// questions are the addresses of a route: bare, and with what the query may filter by.
func (r route) questions(t testing.TB, values map[string]string, filters url.Values) (list []string) {
	t.Helper()
	list = append(list, r.with(t, values))
	for name := range filters {
		if r.takes(name) {
			list = append(list, r.with(t, values)+"?"+url.Values{name: filters[name]}.Encode())
		}
	}
	if r.needsTime() {
		list = list[1:]
	}
	return list
}

// Every answer is about the viewer's own tenant. What another tenant has is not found,
// as is what nobody has.
func TestTenantsAreApart(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	ids := map[string]string{"item": "other-q3", "offset": "3"} // they are there, and olga sees them
	filters := url.Values{
		"item": {"other-q3"}, "source": {"/other-q3"}, "id": {"other-q3"}, "control": {"CH-01"}, "period": {"2026"}, "from": {"2026-01-01"},
		"type": {"deploy.*"}, "target": {"slack"}, "outcome": {"deviation"}, "code": {"bad"}, "limit": {"1000"},
	}
	for _, route := range r.routes() {
		seen, got := 0, tally{}
		for _, address := range route.questions(t, ids, filters) {
			a := r.get(address, r.as("engineer"))
			got[a.status]++
			require.NotContains(t, a.body, "other-", address)
			require.Contains(t, []int{http.StatusOK, http.StatusNotFound}, a.status, "%s: %s", address, a.body)
			seen += strings.Count(r.get(address, r.as("olga")).body, "other-")
		}
		tab.row("another tenant's ids", route.path, got.String()+"; without them")
		if route.takes("cursor") || route.id == "item" || route.id == "event" {
			require.Positive(t, seen, "%s: the tenant itself sees them, or this tests nothing", route.path)
		}

		address := route.address(t)
		separator := map[bool]string{true: "&", false: "?"}[strings.Contains(address, "?")]
		theirs := r.get(address+separator+"tenant=other", r.as("engineer"))
		nobodys := r.get(address+separator+"tenant=none", r.as("engineer"))
		theirs.problem(t, http.StatusNotFound, address)
		require.Equal(t, nobodys.body, theirs.body, "a tenant that is there is told from one that isn't")
		tab.row("another tenant by name", route.path+"?tenant=other", "404, as for one that isn't there")
	}
	require.Equal(t, r.get("/api/v1/items/CH-01/none", r.as("engineer")).body, r.get("/api/v1/items/CH-01/other-q3", r.as("engineer")).body)
	require.Equal(t, r.get("/api/v1/events/assay.events.access/0/999", r.as("engineer")).body, r.get("/api/v1/events/assay.events.access/0/3", r.as("engineer")).body)
	for _, query := range []string{"?tenant=default&tenant=other", "?tenant=other&tenant=default", "?%74enant=other", "?tenant=default%00other", "?tenant=DEFAULT", "?tenant=*", "?tenant=default,other", "?tenant=default;other", "?tenant[]=other", "?Tenant=other"} {
		a := r.get("/api/v1/items"+query, r.as("engineer"))
		require.GreaterOrEqual(t, a.status, http.StatusBadRequest, query)
		require.NotContains(t, a.body, "other-", query)
		tab.row("another tenant in disguise", query, strconv.Itoa(a.status))
	}
	for _, query := range []string{"?tenant=default&tenant=other", "?tenant=default;other", "?tenant=%zz"} {
		r.get("/"+query, cookie(r.session("engineer"))).problem(t, http.StatusBadRequest, "pages read it once, too: "+query)
	}
	var page struct{ Tenant string }
	require.NoError(t, json.Unmarshal([]byte(r.get("/api/v1/items?tenant=other", r.as("both")).body), &page))
	require.Equal(t, "other", page.Tenant, "who may see both chooses")
}

// A cursor opens nothing: of another tenant, another question or another period it is refused.
func TestCursorsOfOthersAreRefused(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	next := func(path, name string) string {
		var page struct{ Next string }
		a := r.get(path, r.as(name))
		require.NoError(t, json.Unmarshal([]byte(a.body), &page), a.body)
		require.NotEmpty(t, page.Next, path)
		return page.Next
	}
	for _, route := range r.routes() {
		if !route.takes("cursor") {
			continue
		}
		path := route.path
		theirs := next(path+"?limit=1", "olga")
		require.Equal(t, http.StatusOK, r.get(path+"?limit=1&cursor="+theirs, r.as("olga")).status)
		r.get(path+"?limit=1&cursor="+theirs, r.as("engineer")).problem(t, http.StatusBadRequest, path)
		own := next(path+"?limit=1", "engineer")
		r.get(path+"?limit=1&period=2026-Q3&cursor="+own, r.as("engineer")).problem(t, http.StatusBadRequest, path)
		if route.id != "deliveries" {
			r.get(path+"?limit=1&cursor="+own, r.as("auditor")).problem(t, http.StatusBadRequest, path)
		}
		r.get("/api/v1/"+map[bool]string{true: "items", false: "events"}[path != "/api/v1/items"]+"?cursor="+own, r.as("engineer")).problem(t, http.StatusBadRequest, path)
		tab.row("a cursor of another's", path+": tenant, period, list", "400")
	}
}

// Nothing that is sent is more than text: it is neither SQL nor a pattern, and is
// answered with no more than an empty list or a refusal.
func TestHostileTexts(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	asked, got := 0, tally{}
	for _, route := range r.routes() {
		for _, text := range hostile() {
			var addresses []string
			for _, p := range route.parameters {
				if p.In == "path" {
					addresses = append(addresses, route.with(t, map[string]string{p.Name: text}))
				}
			}
			together := url.Values{}
			for _, name := range []string{"control", "item", "reason", "type", "source", "id", "code", "target"} {
				if route.takes(name) {
					together.Set(name, text)
				}
			}
			addresses = append(addresses, route.with(t, nil)+"?"+together.Encode())
			for _, name := range []string{"tenant", "period", "from", "to", "cursor", "outcome", "limit"} {
				if route.takes(name) {
					addresses = append(addresses, route.with(t, nil)+"?"+url.Values{name: {text}}.Encode())
				}
			}
			for _, address := range addresses {
				asked++
				a := r.get(address, r.as("engineer"))
				got[a.status]++
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s", address, a.body)
				require.NotContains(t, a.body, "other-", address)
				require.Empty(t, a.header.Get("Set-Cookie"), address)
				if a.status == http.StatusMovedPermanently {
					continue // a path with .. in it, made clean
				}
				require.True(t, json.Valid([]byte(a.body)), address)
				require.Contains(t, []string{"application/json", "application/problem+json"}, a.header.Get("Content-Type"), address)
			}
		}
	}
	tab.row("hostile texts", fmt.Sprintf("%d addresses: %d texts in every parameter", asked, len(hostile())), got.String()+"; nobody else's rows")
	var rows uint64
	require.NoError(t, w.conn.QueryRow(t.Context(), "SELECT count() FROM events").Scan(&rows))
	require.Equal(t, uint64(13), rows, "everything is still there")
	require.NotContains(t, r.log.String(), "panic")
}

// An auditor sees what happened in the own periods, and nothing else, by no route. So
// does anybody else whose periods are bound.
func TestAuditorsSeeOnlyTheirPeriods(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	outside := url.Values{
		"period": {"2026-Q2"}, "item": {"default-q2"}, "source": {"/default-q2"}, "id": {"default-q2"}, "control": {"CH-01"}, "type": {"deploy.*"},
		"from": {"2026-01-01"}, "to": {"2026-07-01"}, "outcome": {"deviation"}, "limit": {"1000"},
	}
	for _, name := range []string{"auditor", "bound"} {
		for _, route := range r.routes() {
			theirs, got := 0, tally{}
			for _, address := range route.questions(t, map[string]string{"item": "default-q2", "offset": "2", "period": "2026-Q2"}, outside) {
				a := r.get(address, r.as(name))
				got[a.status]++
				require.NotContains(t, a.body, "-q2", address)
				require.Contains(t, []int{http.StatusOK, http.StatusForbidden, http.StatusNotFound}, a.status, "%s: %s", address, a.body)
				theirs += strings.Count(r.get(address, r.as("engineer")).body, "-q2")
			}
			tab.row(name+" outside the period", route.path, got.String()+"; without it")
			if route.takes("cursor") || route.id == "item" || route.id == "event" {
				require.Positive(t, theirs, "%s: others see it, or this tests nothing", route.path)
			}
			if route.takes("period") && route.id != "deliveries" {
				for _, query := range []string{"?period=2026-Q2", "?period=2026-10", "?from=2026-05-01&to=2026-06-01", "?from=2026-10-01", "?to=2026-07-01"} {
					if route.needsTime() && !strings.Contains(query, "period") && !strings.Contains(query, "&") {
						continue
					}
					r.get(route.with(t, nil)+query, r.as(name)).problem(t, http.StatusForbidden, route.path+query)
				}
				within := r.get(route.with(t, nil)+"?period=2026", r.as(name))
				require.Equal(t, http.StatusOK, within.status, within.body)
				require.Contains(t, within.body, `"from":"2026-07-01T00:00:00Z","to":"2026-10-01T00:00:00Z"`, "what is wider is cut")
			}
		}
		require.Contains(t, r.get("/api/v1/sources?period=2026-Q3", r.as("engineer")).body, `"last_received":"2026-05-15T00:00:00Z"`)
		require.NotContains(t, r.get("/api/v1/sources?period=2026-Q3", r.as(name)).body, "last_received", "when a source was heard last may be outside")
		r.get("/api/v1/health", r.as(name)).problem(t, http.StatusForbidden, "it counts all of time")
		for _, period := range []string{"2026", "2026-Q2", "2026-06", "2026-10-01", "2025-Q3"} {
			r.get("/api/v1/periods/"+period+"/report", r.as(name)).problem(t, http.StatusForbidden, period)
		}
		require.Equal(t, http.StatusOK, r.get("/api/v1/periods/2026-08/report", r.as(name)).status)
		require.Equal(t, r.get("/api/v1/items/CH-01/none", r.as(name)).body, r.get("/api/v1/items/CH-01/default-q2", r.as(name)).body, "it isn't told that it is there")
		require.Equal(t, r.get("/api/v1/events/assay.events.access/0/999", r.as(name)).body, r.get("/api/v1/events/assay.events.access/0/2", r.as(name)).body)
		tab.row(name+" outside the period", "reports of 2026, 2026-Q2, 2026-06, 2026-10-01, 2025-Q3", "403")
	}
}

// may says what each role may ask for; the rest is refused.
var may = map[string]string{
	"me": "engineer approver auditor admin", "controls": "engineer approver auditor admin", "control": "engineer approver auditor admin",
	"control-days": "engineer approver auditor admin", "items": "engineer approver auditor admin", "item": "engineer approver auditor admin",
	"violations": "engineer approver auditor admin", "events": "engineer approver auditor admin", "event": "engineer approver auditor admin",
	"rejected": "engineer approver auditor admin", "conflicts": "engineer approver auditor admin", "sources": "engineer approver auditor admin",
	"boundary":   "engineer approver auditor admin",
	"workspaces": "engineer approver auditor admin", "workspace": "engineer approver auditor admin", "workspace-history": "engineer approver auditor admin",
	"request": "engineer approver auditor admin", "workspace-sample": "engineer approver auditor admin",
	"sample": "engineer approver auditor admin", "drift": "engineer approver auditor admin",
	"completeness": "engineer approver auditor admin", "coverage": "engineer approver auditor admin",
	"period-report": "engineer approver auditor admin", "deliveries": "engineer approver admin", "pipeline-health": "engineer admin",
}

// Each role gets what it may, by session and by token, and a 403 for the rest.
func TestRolesAndRoutes(t *testing.T) {
	r := reading(t).start()
	roles := []string{"engineer", "approver", "auditor", "admin"}
	var rows strings.Builder
	sessions := map[string]*http.Cookie{}
	for _, role := range roles {
		sessions[role] = r.session(role)
	}
	for _, route := range r.routes() {
		require.Contains(t, may, route.id, "say here who may ask for %s", route.path)
		fmt.Fprintf(&rows, "\n%-48s", route.path)
		for _, role := range roles {
			want := http.StatusForbidden
			if strings.Contains(" "+may[route.id]+" ", " "+role+" ") {
				want = http.StatusOK
			}
			for _, as := range []change{r.as(role), cookie(sessions[role])} {
				a := r.get(route.address(t), as)
				require.Equal(t, want, a.status, "%s, %s: %s", role, route.path, a.body)
				if want != http.StatusOK {
					a.problem(t, want)
					require.NotContains(t, a.body, "default-")
				}
			}
			fmt.Fprintf(&rows, "  %-8s %d", role, want)
		}
	}
	t.Log(rows.String())
}
