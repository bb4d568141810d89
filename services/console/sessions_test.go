package console_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/console"
)

// Nothing but the login, its assets and the API's description is answered to nobody:
// the API refuses, pages lead to the form.
func TestNobodyIsLetIn(t *testing.T) {
	r := newWorld(t).start()
	tab := newTable(t)
	token, _ := console.NewToken() // well-formed, and nobody's
	for _, c := range []struct {
		tried   string
		changes []change
	}{
		{"nothing", nil},
		{"another's token", []change{bearer(token)}},
		{"no token after Bearer", []change{bearer("")}},
		{"a token without Bearer", []change{header("Authorization", r.tokens["engineer"])}},
		{"a token as Basic", []change{header("Authorization", "Basic "+r.tokens["engineer"])}},
		{"two tokens, one of them right", []change{bearer("x"), func(req *http.Request) { req.Header.Add("Authorization", "Bearer "+r.tokens["engineer"]) }}},
		{"a digest as token", []change{bearer(r.cfg.Tokens[0].SHA256)}},
		{"a token as cookie", []change{cookie(&http.Cookie{Name: "assay", Value: r.tokens["engineer"]})}},
		{"an empty cookie", []change{cookie(&http.Cookie{Name: "assay", Value: ""})}},
		{"headers that proxies set", []change{header("X-Forwarded-User", "admin"), header("X-Remote-User", "admin"), header("X-Original-URL", "/login")}},
	} {
		sendsToken := len(c.changes) > 0 && strings.Contains(c.tried, "token") && !strings.Contains(c.tried, "cookie")
		for _, route := range r.routes() {
			r.clock.Add(int64(time.Minute)) // what is refused for being often is another test's
			a := r.get(route.address(t), c.changes...)
			a.problem(t, http.StatusUnauthorized, route.path, c.tried)
			require.Contains(t, a.header.Get("WWW-Authenticate"), "Bearer", c.tried)
		}
		for _, page := range []string{"/", "/controls/CH-01", "/no/such/page"} {
			r.clock.Add(int64(time.Minute))
			a := r.get(page, c.changes...)
			if sendsToken {
				a.problem(t, http.StatusUnauthorized, page, c.tried)
				continue
			}
			require.Equal(t, http.StatusSeeOther, a.status, page)
			require.True(t, strings.HasPrefix(a.header.Get("Location"), "/login"), page)
			require.NotContains(t, a.body, "default-")
		}
		tab.row("no way in", c.tried+", on every route", "401; pages: to /login, or 401 with a token")
	}
	require.Equal(t, http.StatusUnauthorized, r.get("/api/v1/me?access_token="+r.tokens["engineer"]+"&token="+r.tokens["engineer"]).status, "a token in an address ends up in logs")
	require.Empty(t, r.reads())
}

// A session is good as it was given, and in no other form.
func TestForgedSessions(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	good, other := r.session("engineer"), r.session("auditor")
	text, sum, ok := strings.Cut(good.Value, ".")
	require.True(t, ok)
	otherText, otherSum, _ := strings.Cut(other.Value, ".")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	require.NoError(t, err)
	b64 := base64.RawURLEncoding.EncodeToString
	forgeries := map[string]string{
		"empty": "", "a dot": ".", "no signature": text, "an empty signature": text + ".", "half of a signature": text + "." + sum[:20],
		"another session's signature": text + "." + otherSum, "another session's text": otherText + "." + sum, "swapped parts": sum + "." + text,
		"the text signed with nothing": text + "." + b64(make([]byte, 32)), "twice": good.Value + "." + good.Value,
		"an administrator's name":   b64([]byte(strings.ReplaceAll(string(raw), "engineer", "admin"))) + "." + sum,
		"a later end":               b64([]byte(strings.ReplaceAll(string(raw), `"until":17`, `"until":99`))) + "." + sum,
		"padding":                   text + "=." + sum,
		"spaces":                    text + "." + sum + " x",
		"no JSON, signed with text": b64([]byte("x")) + "." + b64([]byte("x")),
	}
	for name, value := range forgeries {
		r.get("/api/v1/me", cookie(&http.Cookie{Name: "assay", Value: value})).problem(t, http.StatusUnauthorized, name)
	}
	for i := range good.Value { // each character counts
		flipped := []byte(good.Value)
		flipped[i] = map[bool]byte{true: 'B', false: 'A'}[flipped[i] == 'A']
		a := r.get("/api/v1/me", cookie(&http.Cookie{Name: "assay", Value: string(flipped)}))
		require.Equal(t, http.StatusUnauthorized, a.status, "character %d", i)
	}
	r.get("/api/v1/me", cookie(&http.Cookie{Name: "__Host-assay", Value: good.Value})).problem(t, http.StatusUnauthorized)
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(good)).status)
	tab.row("forged session", fmt.Sprintf("%d forgeries, %d with one character changed", len(forgeries), len(good.Value)), "401")

	another := w.start(func(c *console.Config) { c.SessionKey = settings.Secret(strings.Repeat("x", 32)) })
	another.get("/api/v1/me", cookie(good)).problem(t, http.StatusUnauthorized)
	none := w.start(func(c *console.Config) { c.SessionKey = "" })
	none.get("/api/v1/me", cookie(good)).problem(t, http.StatusUnauthorized)
	tab.row("session of another key", "another sessionKey, and none", "401")
	same := w.start()
	require.Equal(t, http.StatusOK, same.get("/api/v1/me", cookie(good)).status, "a console with the same key knows it")
}

// A session ends: after its time, at logout, with the password, with its user.
func TestSessionsEnd(t *testing.T) {
	w := reading(t)
	r, tab := w.start(), newTable(t)
	ended := func(r *running, c *http.Cookie, attack, tried string) {
		r.Helper()
		r.get("/api/v1/me", cookie(c)).problem(t, http.StatusUnauthorized, tried)
		require.Equal(t, http.StatusSeeOther, r.get("/", cookie(c)).status)
		tab.row(attack, tried, "401; pages: to /login")
	}
	gone := r.session("engineer")
	stays := r.session("engineer")
	a := r.post("/logout", nil, cookie(gone))
	require.Equal(t, http.StatusSeeOther, a.status)
	require.Negative(t, a.cookie(t).MaxAge, "the browser forgets it")
	ended(r, gone, "ended session", "the cookie after logout")
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(stays)).status, "another session of the same user goes on")

	changed, err := console.HashPassword("another password")
	require.NoError(t, err)
	ended(w.start(func(c *console.Config) {
		c.Users = append([]console.User{}, c.Users...)
		for i := range c.Users {
			c.Users[i].PasswordHash = settings.Secret(changed)
		}
	}), stays, "ended session", "after the password was changed")
	ended(w.start(func(c *console.Config) { c.Users = nil }), stays, "ended session", "after its user was removed")
	ended(w.start(func(c *console.Config) {
		c.Users = append([]console.User{}, c.Users...)
		for i := range c.Users {
			c.Users[i].Expires = "2026-10-01"
		}
	}), stays, "ended session", "after its user's time was over")

	w.clock.Add(int64(12*time.Hour - time.Second))
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", cookie(stays)).status)
	w.clock.Add(int64(time.Second))
	ended(r, stays, "ended session", "after 12 hours")
}

// A session's role, tenants and periods are those of the configuration now.
func TestSessionsHoldNoRights(t *testing.T) {
	w := reading(t)
	admin := w.start().session("admin")
	demoted := w.start(func(c *console.Config) {
		c.Users = append([]console.User{}, c.Users...)
		for i := range c.Users {
			c.Users[i].Role, c.Users[i].Periods = "auditor", []string{"2026-Q3"}
		}
	})
	demoted.get("/api/v1/health", cookie(admin)).problem(t, http.StatusForbidden)
}

// Cookies can be read by no script, and over TLS by no neighbour.
func TestCookies(t *testing.T) {
	w := reading(t)
	c := w.start().session("engineer")
	require.Equal(t, []any{"assay", "/", "", true, false, http.SameSiteLaxMode}, []any{c.Name, c.Path, c.Domain, c.HttpOnly, c.Secure, c.SameSite})
	require.Equal(t, 12*time.Hour, time.Duration(c.MaxAge)*time.Second)
	require.NotContains(t, c.Value, password)
	c = w.start(withTLSInFront).session("engineer")
	require.Equal(t, []any{"__Host-assay", "/", "", true, true, http.SameSiteLaxMode}, []any{c.Name, c.Path, c.Domain, c.HttpOnly, c.Secure, c.SameSite})
}

// Guesses of tokens are refused after a burst, whatever address they claim to be from.
func TestGuessedTokensAreThrottled(t *testing.T) {
	w := reading(t)
	tab := newTable(t)
	guess := func(r *running, tried string, claim func(i int) string) (answered int) {
		r.Helper()
		for i := range 60 {
			token, _ := console.NewToken()
			a := r.get("/api/v1/me", bearer(token), header("X-Forwarded-For", claim(i)))
			if a.status == http.StatusTooManyRequests {
				a.problem(t, http.StatusTooManyRequests)
				wait, err := strconv.Atoi(a.header.Get("Retry-After"))
				require.NoError(t, err)
				require.Positive(t, wait)
				continue
			}
			a.problem(t, http.StatusUnauthorized)
			answered++
		}
		tab.row("token guessing", tried, fmt.Sprintf("%d × 401, %d × 429", answered, 60-answered))
		return answered
	}
	r := w.start()
	require.Equal(t, 30, guess(r, "60 at once", func(int) string { return "" }))
	require.Equal(t, http.StatusOK, r.get("/api/v1/me", r.as("engineer")).status, "a right token is let in meanwhile")
	require.Equal(t, http.StatusTooManyRequests, r.get("/", bearer("assay_x")).status, "pages count too")
	lies := func(i int) string { return fmt.Sprintf("203.0.113.%d", i) }
	require.Equal(t, 30, guess(w.start(), "60 with as many X-Forwarded-For, from no proxy", lies))
	proxied := w.start(func(c *console.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} })
	require.Equal(t, 60, guess(proxied, "60 addresses that a trusted proxy vouches for", lies))
	require.Equal(t, 30, guess(proxied, "60 lies that a client sent to that proxy", func(i int) string { return lies(i) + ", 198.51.100.7" }))
	w.clock.Add(int64(time.Minute))
	require.Equal(t, 30, guess(r, "a minute later", func(int) string { return "" }), "half of them a second")
}

// Passwords of a user can be guessed ten times, from wherever, and then one in a while.
func TestGuessedPasswordsAreThrottled(t *testing.T) {
	w := reading(t)
	r := w.start(func(c *console.Config) { c.TrustedProxies = []string{"127.0.0.0/8"} })
	tab := newTable(t)
	try := func(user, with, from string) int {
		a := r.post("/login", signIn(user, with), header("X-Forwarded-For", from))
		if a.status == http.StatusTooManyRequests {
			require.NotEmpty(t, a.header.Get("Retry-After"))
			require.Empty(t, a.header.Get("Set-Cookie"))
		}
		return a.status
	}
	for i := range 10 {
		require.Equal(t, http.StatusUnauthorized, try("engineer", "wrong horse", fmt.Sprintf("192.0.2.%d", i)))
	}
	require.Equal(t, http.StatusTooManyRequests, try("engineer", "wrong horse", "192.0.2.77"))
	require.Equal(t, http.StatusTooManyRequests, try("engineer", password, "192.0.2.78"), "the right one is not told from a wrong one")
	tab.row("password guessing", "one user, from ten addresses", "10 × 401, then 429")
	require.Equal(t, http.StatusSeeOther, try("admin", password, "192.0.2.79"), "others sign in meanwhile")
	w.clock.Add(int64(30 * time.Second))
	require.Equal(t, http.StatusSeeOther, try("engineer", password, "192.0.2.80"))
	tab.row("password guessing", "the right password, 30 s later", "signed in")

	answered := 0
	for i := range 60 {
		if try(fmt.Sprint("nobody-", i), "wrong horse", "198.51.100.7") == http.StatusUnauthorized {
			answered++
		}
	}
	require.Equal(t, 30, answered)
	tab.row("password guessing", "60 names from one address", "30 × 401, 30 × 429")
}

// sentBack is the name in the form, which is shown again.
var sentBack = regexp.MustCompile(`value="[^"]*" autocomplete="username"`)

// Whether a name is known can't be seen from what is answered.
func TestNamesCannotBeToldApart(t *testing.T) {
	w := reading(t)
	r := w.start(func(c *console.Config) {
		c.Users = append([]console.User{}, c.Users...)
		c.Users[0].Expires = "2026-01-01"
	})
	tab := newTable(t)
	shape := func(user, with string) string {
		w.clock.Add(int64(time.Minute))
		a := r.post("/login", signIn(user, with))
		a.header.Del("Date")
		a.header.Del("Content-Length") // varies with the name, which is sent back
		return fmt.Sprint(a.status, a.header, sentBack.ReplaceAllString(a.body, "NAME"))
	}
	known := shape("engineer", "wrong horse")
	require.Contains(t, known, "the name or the password is wrong")
	for tried, c := range map[string][2]string{
		"a name that nobody has":          {"nobody-here", "wrong horse"},
		"one with another's password":     {"nobody-here", password},
		"a user whose time is over":       {r.cfg.Users[0].Name, password},
		"a token's name":                  {"engineer-program", password},
		"a name with a space at its end":  {"engineer ", password},
		"a name in another case":          {"ENGINEER", password},
		"a name with a zero byte":         {"engineer\x00", password},
		"a name as long as the form lets": {strings.Repeat("n", 4000), password},
	} {
		got := shape(c[0], c[1])
		require.Equal(t, known, got, tried)
		tab.row("user enumeration", tried, "401, as for a wrong password")
	}
}

// What is sent with a form is bounded, and read only from where it belongs.
func TestForms(t *testing.T) {
	r := reading(t).start()
	tab := newTable(t)
	large := r.post("/login", url.Values{"user": {"engineer"}, "password": {strings.Repeat("x", 9<<10)}})
	require.Equal(t, http.StatusRequestEntityTooLarge, large.status)
	tab.row("oversized form", "9 KiB", "413")
	for _, in := range []url.Values{signIn("engineer", password), {"password": {password}}, {"user": {"engineer"}}} {
		rest := signIn("engineer", password)
		for name := range in {
			rest.Del(name)
		}
		require.Equal(t, http.StatusUnauthorized, r.post("/login?"+in.Encode(), rest).status, "a password in an address ends up in logs")
	}
	tab.row("password in an address", "POST /login?user=…&password=…", "401")
	for _, kind := range []string{"application/json", "text/plain", "multipart/form-data", ""} {
		a := r.ask(http.MethodPost, "/login", strings.NewReader(signIn("engineer", password).Encode()), header("Content-Type", kind))
		require.Contains(t, []int{http.StatusUnauthorized, http.StatusBadRequest}, a.status, kind)
		tab.row("form of another type", kind, strconv.Itoa(a.status))
	}
	hostile := r.post("/login", signIn(`"><script>alert(1)</script>`, "wrong horse"))
	require.NotContains(t, hostile.body, "<script>")
	require.Contains(t, hostile.body, "&lt;script&gt;")
	require.NotContains(t, hostile.body, "wrong horse", "a password is not sent back")
	tab.row("script in a name", `"><script>alert(1)</script>`, "401, escaped")
	require.NotContains(t, r.log.String(), password)
}

// The log tells who was not let in, and from where; what was typed for a name or a
// password that nobody has is not in it.
func TestLogOfSignIns(t *testing.T) {
	r := reading(t).start()
	r.post("/login", signIn("engineer", "wrong horse"))
	require.Contains(t, r.log.String(), `"client":"127.0.0.1","user":"engineer","message":"somebody was not let in"`)
	r.post("/login", signIn("typed in the wrong field", "wrong horse"))
	token, _ := console.NewToken()
	r.get("/api/v1/me", bearer(token))
	r.session("engineer")
	require.Equal(t, 3, strings.Count(r.log.String(), "somebody was not let in"))
	require.Contains(t, r.log.String(), `"user":"engineer","role":"engineer","message":"somebody signed in"`)
	for _, secret := range []string{"typed in", "wrong horse", password, token, "argon2id"} {
		require.NotContains(t, r.log.String(), secret)
	}
}
