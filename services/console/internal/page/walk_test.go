package page_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"assay.example/assay/services/console/internal/access"
)

// walk follows every link from the overview, also of times without a name, and looks at
// every page.
func walk(w *world, v access.Viewer, look func(address, body string)) (seen map[string]bool) {
	w.Helper()
	queue := []string{"/", "/?from=2026-07-01&to=2026-07-15", "/sources?from=2026-07-01T12:00:00Z&to=2026-07-15", "/?period=2026-08-05"}
	seen = map[string]bool{}
	for _, address := range queue {
		seen[address] = true
	}
	for ; len(queue) > 0; queue = queue[1:] {
		address := queue[0]
		rec := w.get(w.Context(), v, address)
		if rec.Code == http.StatusSeeOther {
			rec = w.get(w.Context(), v, rec.Header().Get("Location"))
		}
		require.Equal(w, http.StatusOK, rec.Code, address)
		if !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") || rec.Header().Get("Content-Disposition") != "" {
			continue
		}
		look(address, rec.Body.String())
		for _, link := range linksOf(w, address, rec.Body.String()) {
			if !seen[link] {
				seen[link] = true
				queue = append(queue, link)
			}
		}
	}
	return seen
}

// linksOf are the addresses of this console that a page leads to, forms included.
func linksOf(t testing.TB, address, body string) (links []string) {
	t.Helper()
	base, err := url.Parse(address)
	require.NoError(t, err)
	for n := range parsed(t, body).Descendants() {
		name := map[string]string{"a": "href", "link": "href"}[n.Data]
		href, ok := attribute(n, name)
		if name == "" || !ok {
			continue
		}
		u, err := base.Parse(href)
		require.NoError(t, err, "%s leads to %s", address, href)
		require.Empty(t, u.Host, "%s leads elsewhere, to %s", address, href)
		u.Fragment = ""
		links = append(links, u.String())
	}
	return links
}

func parsed(t testing.TB, body string) *html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(body))
	require.NoError(t, err)
	return root
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	w := filled(t)
	seen := walk(w, engineer(), func(address, body string) {
		without(t, address, body, theirs, unshared)
		checkPage(t, address, body)
	})
	for _, part := range []string{"/controls/", "/completeness", "/items/", "/events/", "/sources", "/boundary", "/drift", "/samples?", "/samples/sample.csv", "/samples/population.txt", "/rejected", "/reports/", "/periods/soc2-q3", "/workspace/soc2-q3/requests/R-1", "/workspace/soc2-q3/samples/S-1/items/", "/workspace/soc2-q3/samples/S-2", "/workspace/soc2-q3/files/testing.xlsx", "/deliveries", "/query/", "/help", "/assets/", "/raw", "report.csv", "report.xlsx", "deviations.csv"} {
		require.True(t, slices.ContainsFunc(mapsKeys(seen), func(a string) bool { return strings.Contains(a, part) }), "no link leads to %s", part)
	}
	t.Logf("%d addresses", len(seen))
}

func mapsKeys(m map[string]bool) (keys []string) {
	for k := range m {
		keys = append(keys, k)
	}
	return keys
}

// Whatever an auditor follows, nothing of another time or tenant is on it.
func TestAuditorSeesOwnPeriod(t *testing.T) {
	w := filled(t)
	seen := walk(w, auditor(t), func(address, body string) {
		without(t, address, body, theirs, outside)
		checkPage(t, address, body)
	})
	require.Greater(t, len(seen), 20)
	require.True(t, seen["/workspace/soc2-q3/samples/S-3/items/d2"])
	for address := range seen {
		require.False(t, strings.HasPrefix(address, "/deliveries"), address)
	}
}

// A viewer of several tenants stays with the one that was chosen.
func TestLinksStayWithTheTenant(t *testing.T) {
	w := filled(t)
	both := engineer()
	both.Tenants = []string{"default", "other"}
	body := w.body(both, "/?tenant=other&period=2026-Q3")
	for _, link := range linksOf(t, "/", body) {
		switch {
		case strings.HasPrefix(link, "/assets/"), link == "/", link == "/?tenant=default":
		default:
			require.Contains(t, link, "tenant=other")
		}
	}
	require.Contains(t, w.body(both, "/controls/CH-01?tenant=other&period=2026-Q3"), theirs)
	without(t, "default", w.body(both, "/controls/CH-01?tenant=default&period=2026-Q3"), theirs)
}

// without says that none of some words is on a page.
func without(t testing.TB, address, body string, words ...string) {
	t.Helper()
	for _, word := range words {
		if i := strings.Index(body, word); i >= 0 {
			require.Fail(t, "what may not be seen is on a page", "%s has %q: …%s…", address, word, body[max(0, i-200):min(len(body), i+100)])
		}
	}
}

// checkPage holds a page to what every page must be.
func checkPage(t testing.TB, address, body string) {
	t.Helper()
	require.True(t, strings.HasPrefix(body, "<!doctype html>"), address)
	c := &checker{TB: t, address: address, ids: map[string]bool{}, count: map[string]int{}, regions: map[string]int{}}
	for n := range parsed(t, body).Descendants() {
		if n.Type == html.ElementNode {
			c.element(n)
		}
	}
	for name, least := range map[string]int{"title": 1, "h1": 1, "main": 1, "nav": 1, "header": 1, "footer": 1} {
		require.GreaterOrEqual(t, c.count[name], least, "%s has no <%s>", address, name)
	}
	require.Equal(t, 1, c.count["h1"], "%s: one h1", address)
	for name, n := range c.regions {
		require.Equal(t, 1, n, "%s has several regions named %q", address, name)
	}
	for name := range c.references {
		require.True(t, c.ids[name], "%s names #%s, which is not there", address, name)
	}
}

type checker struct {
	testing.TB
	address    string
	ids        map[string]bool
	references map[string]bool
	count      map[string]int
	regions    map[string]int
	heading    int
}

func (c *checker) element(n *html.Node) {
	c.Helper()
	c.count[n.Data]++
	require.NotContains(c, []string{"script", "style", "iframe", "object", "base", "b", "i"}, n.Data, "%s has a <%s>", c.address, n.Data)
	for _, a := range n.Attr {
		require.NotEqual(c, "style", a.Key, "%s has an inline style", c.address)
		require.False(c, strings.HasPrefix(a.Key, "on"), "%s has an inline script", c.address)
		if strings.HasSuffix(a.Key, "href") || a.Key == "action" {
			require.Regexp(c, `^(/([^/]|$)|#|\?)`, a.Val, "%s leads to %s", c.address, a.Val)
		}
		switch a.Key {
		case "id":
			require.False(c, c.ids[a.Val], "%s has the id %s twice", c.address, a.Val)
			c.ids[a.Val] = true
		case "aria-labelledby", "for":
			c.refer(a.Val)
		case "aria-label":
			c.regions[a.Val]++
		}
	}
	if n.Data == "h2" && n.FirstChild != nil {
		c.regions[n.FirstChild.Data]++
	}
	switch n.Data {
	case "html":
		lang, _ := attribute(n, "lang")
		require.Equal(c, "en", lang, c.address)
	case "h1", "h2", "h3", "h4":
		level := int(n.Data[1] - '0')
		require.LessOrEqual(c, level, c.heading+1, "%s skips a heading", c.address)
		c.heading = level
	case "th":
		_, scoped := attribute(n, "scope")
		require.True(c, scoped, "%s has a th without a scope", c.address)
	case "input":
		if kind, _ := attribute(n, "type"); kind != "hidden" {
			_, named := attribute(n, "id")
			require.True(c, named, "%s has a field without a label", c.address)
		}
	case "svg":
		_, hidden := attribute(n, "aria-hidden")
		require.True(c, hidden || n.Parent.Data == "svg", "%s has a drawing that is neither told nor hidden", c.address)
	}
}

func (c *checker) refer(name string) {
	if c.references == nil {
		c.references = map[string]bool{}
	}
	c.references[name] = true
}
