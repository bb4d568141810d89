package login

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Lifetime is how long a session lasts.
const Lifetime = 12 * time.Hour

// session is what a cookie says.
type session struct {
	ID   string `json:"id"`
	User string `json:"user"`
	// Bind changes with the user's password.
	Bind string `json:"bind"`
	// Until is its end, in seconds since 1970.
	Until int64 `json:"until"`
}

// sealed is a session as a cookie: its JSON, and an HMAC-SHA256 of that.
func (s session) sealed(key []byte) (string, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	return b64(raw) + "." + b64(mac(key, raw)), nil
}

// unsealed reads a cookie that this key made; ok is false for any other.
func unsealed(key []byte, cookie string) (s session, ok bool) {
	text, sum, _ := strings.Cut(cookie, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return session{}, false
	}
	given, err := base64.RawURLEncoding.Strict().DecodeString(sum)
	if err != nil || !hmac.Equal(given, mac(key, raw)) {
		return session{}, false
	}
	return s, json.Unmarshal(raw, &s) == nil
}

func mac(key, raw []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte("assay console session v1\x00"))
	h.Write(raw)
	return h.Sum(nil)
}

// bindOf is a mark of a user's hash that tells nothing of it.
func bindOf(key []byte, h Hash) string {
	return base64.RawURLEncoding.EncodeToString(mac(key, []byte("bind\x00"+h.String()))[:16])
}

func newSession(key []byte, u *User, now time.Time) session {
	return session{ID: rand.Text(), User: u.Name, Bind: bindOf(key, u.Hash), Until: now.Add(Lifetime).Unix()}
}

// ended remembers the sessions that were ended by logout, until they would have
// ended anyway. Only a session that is good can be added, so strangers can't fill it.
type ended struct {
	mu    sync.Mutex
	until map[string]int64
}

func (e *ended) add(s session, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	maps.DeleteFunc(e.until, func(_ string, until int64) bool { return until <= now.Unix() })
	e.until[s.ID] = s.Until
}

func (e *ended) has(id string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	_, ok := e.until[id]
	return ok
}

// cookie carries a session; an empty value takes it away. Over TLS its name makes
// browsers refuse one that a neighbouring host has set.
func (g *Gate) cookie(value string, age time.Duration) *http.Cookie {
	c := &http.Cookie{ //nolint:gosec // G124: without TLS a Secure one would be lost; the console warns where others reach it so
		Name: CookieName(g.Secure), Value: value, Path: "/", HttpOnly: true, Secure: g.Secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(age.Seconds()),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}

// CookieName is what the session's cookie is called; secure says that browsers come
// over TLS.
func CookieName(secure bool) string {
	if secure {
		return "__Host-assay"
	}
	return "assay"
}
