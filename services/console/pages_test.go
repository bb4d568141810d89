package console_test

import (
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"assay.example/assay/services/console/internal/page"
)

// pageValues are what the addresses of pages are made from.
func pageValues(tenant, quarter string, offset int) map[string]string {
	mark := tenant + "-" + quarter
	item := map[bool]string{true: "DEP-1", false: mark}[offset == 1]
	return map[string]string{
		"control": "CH-01", "id": "CH-01", "item": item, "topic": topic, "partition": "0", "offset": strconv.Itoa(offset),
		"period": map[string]string{"q2": "2026-Q2", "q3": "2026-Q3"}[quarter], "file": "report.json", "source": "/" + mark, "examination": mark,
		"engagement": map[string]string{"q2": mark, "q3": "soc2-2026"}[quarter], "request": "R-1", "sample": "S-1",
	}
}

// pages are the addresses of all pages that speak of some values; every question is
// among them, whether there is a page of it or not.
func (r *running) pages(values map[string]string) (list []string) {
	r.Helper()
	questions, err := filepath.Glob("../../pkg/ask/sql/*.sql")
	require.NoError(r, err)
	require.GreaterOrEqual(r, len(questions), 10)
	for _, pattern := range new(page.Pages).Routes() {
		address := strings.TrimSuffix(pattern, "{$}")
		for name, value := range values {
			address = strings.ReplaceAll(address, "{"+name+"}", url.PathEscape(value))
		}
		if !strings.Contains(address, "{name}") {
			list = append(list, address, address+"?"+url.Values{"period": {values["period"]}, "source": {values["source"]}}.Encode())
			continue
		}
		for _, file := range questions {
			q := strings.TrimSuffix(filepath.Base(file), ".sql")
			query := url.Values{}
			for name, value := range values {
				query.Set(name, value)
			}
			list = append(list, strings.ReplaceAll(address, "{name}", q)+"?"+query.Encode())
			query.Del("period") // so that it isn't refused for the time alone
			list = append(list, strings.ReplaceAll(address, "{name}", q)+"?"+query.Encode())
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// Pages hold to what the API holds to: nobody, other tenants, other periods, roles, what
// is on record of auditors, and what browsers are told.
func TestPagesAreHeldToTheSame(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	engineer, auditor := r.session("engineer"), r.session("auditor")
	shown, own, admin := 0, tally{}, kadm.NewClient(r.client())
	for _, address := range r.pages(pageValues("default", "q3", 1)) {
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := r.ask(method, address, http.NoBody)
			require.Equal(t, http.StatusSeeOther, a.status, address)
			require.Equal(t, "/login", strings.Split(a.header.Get("Location"), "?")[0], address)
		}
		a := r.get(address, cookie(engineer))
		own[a.status]++
		require.Contains(t, []int{http.StatusOK, http.StatusSeeOther, http.StatusBadRequest, http.StatusNotFound}, a.status, "%s: %s", address, a.body)
		require.NotContains(t, a.body, "other-", address)
		if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
			require.NotContains(t, a.body, "<script>", address)
		}
		requireSecured(t, a, address)
		shown += strings.Count(a.body, "DEP-1")
		if a.status != http.StatusOK {
			continue
		}
		theirs, nobodys := r.get(with(address, "tenant=other"), cookie(engineer)), r.get(with(address, "tenant=none"), cookie(engineer))
		require.Equal(t, http.StatusNotFound, theirs.status, address)
		require.Equal(t, strings.ReplaceAll(nobodys.body, "tenant=none", ""), strings.ReplaceAll(theirs.body, "tenant=other", ""), address)
		posted := r.ask(http.MethodPost, address, http.NoBody, cookie(engineer)).status
		require.True(t, posted == http.StatusMethodNotAllowed || posted == http.StatusForbidden && strings.HasPrefix(address, "/workspace"), "%s: %d", address, posted)
		want := r.readCount(admin)
		a = r.get(address, cookie(auditor))
		require.Contains(t, []int{http.StatusOK, http.StatusForbidden}, a.status, "%s: %s", address, a.body)
		if a.status == http.StatusOK {
			want++
		}
		require.Equal(t, want, r.readCount(admin), address)
	}
	require.Positive(t, shown)
	tab.row("pages", "nobody; POST; tenant=other", "303 to /login; 405; 404 as for none")
	tab.row("pages", "the own ones", own.String())
	for _, c := range []struct {
		who, whose, mark string
		values           map[string]string
	}{
		{"engineer", "olga", "other-", pageValues("other", "q3", 3)},
		{"auditor", "engineer", "-q2", pageValues("default", "q2", 2)},
		{"bound", "engineer", "-q2", pageValues("default", "q2", 2)},
	} {
		// What a page repeats of its own address is no news to who sent it.
		session, got, seen := r.session(c.who), tally{}, 0
		var statuses []int
		echo := regexp.MustCompile(`(?s)<pre.*?</pre>|<code.*?</code>|(value|href|content)="[^"]*"`)
		for _, address := range r.pages(c.values) {
			a := r.get(address, cookie(session))
			got[a.status]++
			statuses = append(statuses, a.status)
			require.Less(t, a.status, http.StatusInternalServerError, "%s: %s", address, a.body)
			if a.status == http.StatusOK {
				require.NotContains(t, echo.ReplaceAllString(a.body, ""), c.mark, "%s: %s", c.who, address)
			}
			seen += strings.Count(echo.ReplaceAllString(r.get(address, r.as(c.whose)).body, ""), c.mark)
		}
		require.Positive(t, seen, "others see it, or this tests nothing")
		nothing := maps.Clone(c.values)
		nothing["item"], nothing["offset"], nothing["source"] = "item-of-nobody", "999", "/source-of-nobody"
		for i, address := range r.pages(nothing) {
			require.Equal(t, r.get(address, cookie(session)).status, statuses[i], "%s: %s is told from what isn't there", c.who, address)
		}
		tab.row("pages", c.who+" asks for what only "+c.whose+" may see", got.String())
	}
}

func with(address, parameter string) string {
	if strings.Contains(address, "?") {
		return address + "&" + parameter
	}
	return address + "?" + parameter
}

// Nothing that is sent to a page is more than text.
func TestHostileTextsOnPages(t *testing.T) {
	r := reading(t).start()
	tab, got := newTable(t), tally{}
	for _, text := range hostile() {
		values := pageValues("default", "q3", 1)
		for _, name := range []string{"control", "id", "item", "topic", "offset", "period", "file", "source", "examination"} {
			changed := maps.Clone(values)
			changed[name] = text
			for _, pattern := range []string{"/controls/{id}", "/items/{control}/{item}", "/events/{topic}/{partition}/{offset}", "/reports/{period}/{file}", "/periods/{examination}", "/events"} {
				address := pattern
				for k, v := range changed {
					address = strings.ReplaceAll(address, "{"+k+"}", url.PathEscape(v))
				}
				if pattern == "/events" {
					address += "?" + url.Values{name: {text}}.Encode()
				} else if !strings.Contains(pattern, "{"+name+"}") {
					continue
				}
				a := r.get(address, r.as("engineer"))
				got[a.status]++
				require.Less(t, a.status, http.StatusInternalServerError, "%s: %s", address, a.body)
				require.NotContains(t, a.body, "other-", address)
				require.NotContains(t, a.body, "<script>", address)
				require.NotContains(t, a.body, "<img src=x", address)
				require.Empty(t, a.header.Get("Set-Cookie"), address)
			}
		}
	}
	tab.row("hostile texts", "in the addresses of pages", got.String())
}
