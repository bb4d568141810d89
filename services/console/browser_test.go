package console_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/console"
)

// No other site can make somebody's browser sign in or out.
func TestOtherSitesCannotAct(t *testing.T) {
	r := reading(t).start(withTLSInFront)
	tab := newTable(t)
	session := r.session("engineer")
	host := strings.TrimPrefix(r.url, "http://")
	for _, c := range []struct {
		tried    string
		passes   bool
		contents []change
	}{
		{"Sec-Fetch-Site: cross-site", false, []change{header("Sec-Fetch-Site", "cross-site")}},
		{"Sec-Fetch-Site: same-site, a neighbouring host", false, []change{header("Sec-Fetch-Site", "same-site")}},
		{"Sec-Fetch-Site: cross-site, with our Origin", false, []change{header("Sec-Fetch-Site", "cross-site"), header("Origin", r.url)}},
		{"Sec-Fetch-Site: nonsense", false, []change{header("Sec-Fetch-Site", "nonsense")}},
		{"Origin of another host", false, []change{header("Origin", "https://evil.example")}},
		{"Origin: null", false, []change{header("Origin", "null")}},
		{"Origin with our name in it", false, []change{header("Origin", "http://"+host+".evil.example")}},
		{"Origin with our port only", false, []change{header("Origin", "http://evil.example:"+strings.Split(host, ":")[1])}},
		{"Sec-Fetch-Site: same-origin", true, []change{header("Sec-Fetch-Site", "same-origin"), header("Origin", r.url)}},
		{"Sec-Fetch-Site: none, an address typed in", true, []change{header("Sec-Fetch-Site", "none")}},
		{"our Origin", true, []change{header("Origin", r.url)}},
		{"publicURL as Origin", true, []change{header("Origin", "https://assay.example.com")}},
		{"neither, which is no browser", true, nil},
	} {
		in := r.post("/login", signIn("engineer", password), c.contents...)
		out := r.post("/logout", nil, append([]change{cookie(session)}, c.contents...)...)
		tab.row("POST of another site", c.tried, fmt.Sprintf("login %d, logout %d", in.status, out.status))
		if c.passes {
			require.Equal(t, []int{http.StatusSeeOther, http.StatusSeeOther}, []int{in.status, out.status}, c.tried)
			session = in.cookie(t)
			continue
		}
		in.problem(t, http.StatusForbidden, c.tried)
		out.problem(t, http.StatusForbidden, c.tried)
		require.Empty(t, in.header.Get("Set-Cookie"), c.tried)
		require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(session)).status, "%s: still signed in", c.tried)
	}
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(session), header("Sec-Fetch-Site", "cross-site")).status, "reading changes nothing; no other site gets to see it")
	a := r.get("/api/v1/me", cookie(session), header("Origin", "https://evil.example"))
	for name := range a.header {
		require.NotContains(t, name, "Access-Control", "no other site may read")
	}
}

// After signing in, a browser stays on this server, whatever next says.
func TestRedirectsStayHere(t *testing.T) {
	r := reading(t).start()
	tab := newTable(t)
	base, err := url.Parse(r.url)
	require.NoError(t, err)
	for _, next := range []string{
		"https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", `\\evil.example`, `/\evil.example`, `/\/evil.example`,
		"/\t/evil.example", "/\n/evil.example", "/%0a/evil.example", "/%2f/evil.example", "/.//evil.example", "/..//evil.example", "/x/..//evil.example",
		"javascript:alert(1)", "data:text/html,x", " https://evil.example", "\x00//evil.example", "https:evil.example", "evil.example", "@evil.example",
		":80@evil.example", ".evil.example", "", "?x", "#x", "/\u2028/evil.example", "/\xffevil", "//" + base.Host + "@evil.example", "/ok\r\nX-Injected: yes",
	} {
		r.clock.Add(int64(time.Minute)) // many sign in from here
		form := signIn("engineer", password)
		form.Set("next", next)
		a := r.post("/login", form)
		require.Equal(t, http.StatusSeeOther, a.status)
		location := a.header.Get("Location")
		target, err := base.Parse(strings.NewReplacer(`\`, "/", "\t", "", "\n", "", "\r", "").Replace(location)) // as browsers read it
		require.NoError(t, err, next)
		require.Equal(t, base.Scheme+base.Host, target.Scheme+target.Host, "%q leads to %q", next, location)
		require.True(t, strings.HasPrefix(location, "/") && !strings.HasPrefix(location, "//"), "%q leads to %q", next, location)
		require.Empty(t, a.header.Get("X-Injected"))
		tab.row("open redirect", fmt.Sprintf("next=%q", next), location)

		page := r.get("/login?" + url.Values{"next": {next}}.Encode())
		require.Equal(t, http.StatusOK, page.status)
		require.NotRegexp(t, `value="(//|https?:|javascript:|data:|\\|/\\)`, page.body)
	}
	form := signIn("engineer", password)
	form.Set("next", "/controls/CH-01?period=2026-Q3")
	require.Equal(t, "/controls/CH-01?period=2026-Q3", r.post("/login", form).header.Get("Location"))
	asked := r.get("/controls/CH-01?period=2026-Q3")
	require.Equal(t, "/login?next=%2Fcontrols%2FCH-01%3Fperiod%3D2026-Q3", asked.header.Get("Location"))
}

// requireSecured holds an answer to the headers that each has.
func requireSecured(t *testing.T, a answer, context string) {
	t.Helper()
	policy := a.header.Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"} {
		require.Contains(t, policy, part, context)
	}
	require.NotContains(t, policy, "unsafe", context)
	require.NotContains(t, policy, "script-src", context)
	require.Equal(t, "nosniff", a.header.Get("X-Content-Type-Options"), context)
	require.Equal(t, "DENY", a.header.Get("X-Frame-Options"), context)
	require.Equal(t, "same-origin", a.header.Get("Cross-Origin-Resource-Policy"), context)
	require.Equal(t, "same-origin", a.header.Get("Cross-Origin-Opener-Policy"), context)
	require.Equal(t, "same-origin", a.header.Get("Referrer-Policy"), context)
	require.Equal(t, "no-store", a.header.Get("Cache-Control"), context)
}

// Each answer forbids frames, scripts, guesses of its type and copies of it: errors too.
func TestEveryAnswerIsSecured(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	session := r.session("engineer")
	seen := map[int]bool{}
	check := func(a answer, tried string) {
		requireSecured(t, a, tried)
		require.Empty(t, a.header.Get("Strict-Transport-Security"), "not without TLS")
		seen[a.status] = true
		tab.row("frame, sniff, cache, script", tried, fmt.Sprint(a.status, ", all headers"))
	}
	for _, route := range r.routes() {
		check(r.get(route.address(t), r.as("engineer")), route.path)
	}
	for _, path := range []string{"/", "/login", "/login?next=/x", "/openapi.json", "/openapi.yaml", "/api", "/api/", "/api/v1/none", "/none", "/assets/none", "/assets", "//x", "/a/../b", "/logout"} {
		check(r.get(path), path+" of nobody")
		check(r.get(path, cookie(session)), path)
	}
	for _, path := range []string{"/api/v1/items?limit=0", "/api/v1/items?period=x", "/api/v1/items?x=%zz", "/api/v1/health?tenant=x"} {
		check(r.get(path, r.as("engineer")), path)
	}
	check(r.get("/api/v1/health", r.as("auditor")), "a role that may not")
	check(r.ask(http.MethodPost, "/api/v1/items", http.NoBody, r.as("engineer")), "POST to a read")
	check(r.post("/login", signIn("engineer", "wrong horse")), "a wrong password")
	check(r.post("/login", url.Values{"user": {strings.Repeat("x", 9<<10)}}), "a large form")
	check(r.post("/login", signIn("engineer", password)), "signing in")
	check(r.post("/logout", nil, cookie(session)), "signing out")
	check(r.post("/login", nil, header("Origin", "https://evil.example")), "a form of another site")
	for range 40 {
		check(r.get("/api/v1/me", bearer("x")), "a wrong token, often")
	}
	away := w.launch(func(c *console.Config) { c.ClickHouse.Address = "http://" + nowhere(t) })
	check(away.get("/"), "while ClickHouse is away")
	for _, status := range []int{200, 303, 307, 400, 401, 403, 404, 405, 413, 422, 429, 503} {
		require.True(t, seen[status], "no answer had %d", status)
	}
	secure := w.start(withTLSInFront)
	require.NotEmpty(t, secure.get("/login").header.Get("Strict-Transport-Security"))
}

// nowhere is an address at which nobody listens.
func nowhere(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}

// Reads are read with GET and HEAD. Any other method is refused, and says what would do.
func TestMethods(t *testing.T) {
	r := reading(t).start()
	tab := newTable(t)
	session := r.session("engineer")
	others := []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodPatch, http.MethodOptions, http.MethodTrace, "PROPFIND", "get"}
	for _, route := range r.routes() {
		got := tally{}
		for _, method := range others {
			if strings.Contains(route.methods, method) {
				continue // TestWhoMayWriteInWorkspaces
			}
			a := r.ask(method, route.address(t), http.NoBody, r.as("engineer"))
			a.problem(t, http.StatusMethodNotAllowed, method, route.path)
			require.Equal(t, route.methods, a.header.Get("Allow"), route.path)
			got[a.status]++
			r.ask(method, route.address(t), http.NoBody).problem(t, http.StatusUnauthorized, "who isn't known isn't told", method)
			overridden := r.get(route.address(t), r.as("engineer"), header("X-HTTP-Method-Override", method))
			require.Equal(t, http.StatusOK, overridden.status)
		}
		tab.row("other methods", strings.Join(others, " ")+" "+route.path, got.String())
		a := r.ask(http.MethodHead, route.address(t), http.NoBody, r.as("engineer"))
		require.Equal(t, http.StatusOK, a.status, route.path)
		require.Empty(t, a.body)
		require.Equal(t, http.StatusUnauthorized, r.ask(http.MethodHead, route.address(t), http.NoBody).status)
	}
	for path, allowed := range map[string]string{
		"/openapi.json": "GET, HEAD", "/openapi.yaml": "GET, HEAD", "/login": "GET, HEAD, POST", "/logout": "POST", "/assets/x.css": "GET, HEAD",
	} {
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodPatch} {
			a := r.ask(method, path, http.NoBody, cookie(session))
			a.problem(t, http.StatusMethodNotAllowed, method, path)
			require.Equal(t, allowed, a.header.Get("Allow"), path)
		}
		tab.row("other methods", "PUT DELETE PATCH "+path, "405")
	}
	r.get("/logout", cookie(session)).problem(t, http.StatusMethodNotAllowed, "a link or a picture can't sign somebody out")
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(session)).status)
	r.ask(http.MethodPost, "/api/v1/none", http.NoBody, r.as("engineer")).problem(t, http.StatusNotFound)
}

// What is sent is bounded: headers, addresses, bodies of reads.
func TestOversizedRequests(t *testing.T) {
	r := reading(t).start()
	tab := newTable(t)
	huge := strings.Repeat("x", 64<<10)
	for tried, a := range map[string]answer{
		"a header of 64 KiB":   r.get("/api/v1/me", r.as("engineer"), header("X-Large", huge)),
		"an address of 64 KiB": r.get("/api/v1/items?source="+huge, r.as("engineer")),
		"a cookie of 64 KiB":   r.get("/api/v1/me", cookie(&http.Cookie{Name: "assay", Value: huge})),
		"a token of 64 KiB":    r.get("/api/v1/me", bearer(huge)),
	} {
		require.Equal(t, http.StatusRequestHeaderFieldsTooLarge, a.status, tried)
		tab.row("oversized request", tried, strconv.Itoa(a.status))
	}
	large := strings.Repeat("x", 20<<10)
	for tried, a := range map[string]answer{
		"a cursor of 20 KiB": r.get("/api/v1/items?cursor="+large, r.as("engineer")),
		"a filter of 20 KiB": r.get("/api/v1/events?source="+large, r.as("engineer")),
		"an id of 20 KiB":    r.get("/api/v1/items/CH-01/"+large, r.as("engineer")),
		"a name of 20 KiB":   r.get("/api/v1/items?"+large+"=x", r.as("engineer")),
	} {
		a.problem(t, http.StatusUnprocessableEntity, tried)
		tab.row("oversized request", tried, strconv.Itoa(a.status))
	}
	many := r.get("/api/v1/items?"+strings.Repeat("a&", 5_000), r.as("engineer"))
	require.Equal(t, http.StatusBadRequest, many.status)
	tab.row("oversized request", "5,000 parameters", strconv.Itoa(many.status))
	body := r.ask(http.MethodGet, "/api/v1/me", strings.NewReader(strings.Repeat("x", 8<<20)), r.as("engineer"))
	require.Equal(t, http.StatusOK, body.status, "nobody reads it")
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", r.as("engineer")).status)
}

// raw sends bytes as they are, and reads one answer.
func (r *running) raw(request string) answer {
	r.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(r, err)
	defer conn.Close()
	require.NoError(r, conn.SetDeadline(time.Now().Add(patience)))
	_, err = conn.Write([]byte(request))
	require.NoError(r, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(r, err, request)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r, err, request)
	return answer{resp.StatusCode, resp.Header, string(body)}
}

// Paths lead nowhere but to routes: not out of the assets, nor past the login.
func TestPathsLeadNowhereElse(t *testing.T) {
	r := reading(t).start()
	tab := newTable(t)
	for _, path := range []string{
		"/assets/../api/v1/me", "/assets/..%2fapi/v1/me", "/assets/%2e%2e/api/v1/me", "/assets/%2e%2e%2fapi%2fv1%2fme", `/assets/..\api\v1\me`, "/assets/..%5capi%5cv1%5cme",
		"/assets/../../../../etc/passwd", "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/assets/....//....//etc/passwd", "/assets/..%252f..%252fetc/passwd", "/assets//etc/passwd",
		"/assets/%00", "/assets/x%00.css", "/assets/", "/assets/.", "//api/v1/me", "/./api/v1/me", "/login/../api/v1/me", "/login/..%2fapi/v1/me", "/login;/api/v1/me",
		"/api/v1/../v1/me", "/api//v1/me", "/API/v1/me", "/api/v1/me/", "/api/v1/me%00", "/api/v1/me;x", "/openapi.json/../api/v1/me", "/openapi.json/api/v1/me", "/%61pi/v1/me",
		"http://evil.example/api/v1/me", "/api/v1/me#/login", "*",
	} {
		a := r.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		require.NotEqual(t, http.StatusOK, a.status, "%s: %s", path, a.body)
		require.Less(t, a.status, http.StatusInternalServerError, path)
		require.NotContains(t, a.body, "root:", path)
		require.NotContains(t, a.body, `"user"`, path)
		location := a.header.Get("Location")
		require.False(t, strings.HasPrefix(location, "//") || strings.Contains(location, "://"), "%s leads to %s", path, location)
		tab.row("path", path, strings.TrimSpace(fmt.Sprint(a.status, " ", location)))
	}
}

// Whatever a request says of the host, no answer sends anybody there.
func TestHostHeaders(t *testing.T) {
	r := reading(t).start()
	tab := newTable(t)
	for _, headers := range []string{
		"Host: evil.example", "Host: evil.example:80@localhost", "Host: ", "Host: localhost\r\nHost: evil.example", "X: y", "Host: localhost\r\nX-Forwarded-Host: evil.example",
		"Host: localhost/../evil", "Host: [::1", "Host: evil.example\r\nForwarded: host=evil.example;proto=https", "Host: ev\til.example", "Host: localhost\r\nX-Forwarded-Proto: https",
		"Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5",
	} {
		for _, path := range []string{"/", "/controls/CH-01", "/a/../b", "/api", "/login"} {
			a := r.raw("GET " + path + " HTTP/1.1\r\n" + headers + "\r\nConnection: close\r\n\r\n0\r\n\r\n")
			require.NotContains(t, a.header.Get("Location"), "evil", headers)
			require.NotContains(t, a.body, "evil", headers)
			require.Less(t, a.status, http.StatusInternalServerError, headers)
			if path == "/" {
				tab.row("host header", fmt.Sprintf("%q", headers), strconv.Itoa(a.status))
			}
		}
	}
}
