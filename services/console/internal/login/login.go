package login

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// User is somebody with a password.
type User struct {
	Grant

	Hash Hash
}

// Token lets a program in.
type Token struct {
	Grant

	SHA256 compliance.Hash
}

// Grant is what a user or a token is given.
type Grant struct {
	Name    string
	Role    access.Role
	Tenants []string
	Periods []ask.Period
	// Expires is when it ends; 0 is never.
	Expires compliance.Instant
}

// Valid says whether it hasn't ended.
func (g *Grant) Valid(now time.Time) bool {
	return g.Expires == 0 || compliance.InstantOf(now) < g.Expires
}

func (g *Grant) viewer(token bool) access.Viewer {
	return access.Viewer{User: g.Name, Role: g.Role, Tenant: g.Tenants[0], Tenants: g.Tenants, Periods: g.Periods, Token: token}
}

// Options are what a Gate is made from.
type Options struct {
	Users  []User
	Tokens []Token
	// Key signs sessions.
	Key []byte
	// Secure says that browsers come over TLS, here or at a proxy in front.
	Secure bool
	// Proxies may say for whom they ask (X-Forwarded-For).
	Proxies []netip.Prefix
	Now     func() time.Time
	Log     zerolog.Logger
	// Count hears the outcome of each attempt: in, wrong, throttled.
	Count func(outcome string)
}

// Gate lets people and programs in. It is safe for concurrent use.
type Gate struct {
	Options

	users  map[string]*User
	decoys []Hash
	bench  bench
	byUser *throttle
	byHost *throttle
	ended  *ended
}

// Attempts: ten for a user and thirty for an address at once, then one in a while.
const (
	userBurst, userEvery = 10, 30 * time.Second
	hostBurst, hostEvery = 30, 2 * time.Second
)

// New makes a gate. Users and tokens have been checked.
func New(o Options) *Gate {
	g := &Gate{
		Options: o, users: map[string]*User{}, bench: make(bench, benchSize), ended: &ended{until: map[string]int64{}},
		byUser: newThrottle(userBurst, userEvery), byHost: newThrottle(hostBurst, hostEvery),
	}
	for i := range o.Users {
		g.users[o.Users[i].Name] = &o.Users[i]
		g.decoys = append(g.decoys, decoy(o.Users[i].Hash))
	}
	if len(g.decoys) == 0 {
		g.decoys = []Hash{decoy(Hash{memory: memory, passes: passes, lanes: lanes, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)})}
	}
	return g
}

// hashOf is the hash of a user; of a name that nobody has, always the same decoy. There
// is one like each user's, so that what a name costs doesn't tell whether it is known.
func (g *Gate) hashOf(name string) Hash {
	if u, known := g.users[name]; known {
		return u.Hash
	}
	pick := binary.BigEndian.Uint64(mac(g.Key, []byte("decoy\x00"+name)))
	return g.decoys[pick%uint64(len(g.decoys))]
}

// ErrNobody says that a request has neither a session nor a token.
var ErrNobody = compliance.Errorf(compliance.Forbidden, "sign in, or send Authorization: Bearer <token>")

// TooOften says when to come back.
type TooOften struct{ Wait time.Duration }

// Error says what to do.
func (e *TooOften) Error() string {
	return "too many attempts; try again in " + e.Wait.Round(time.Second).String()
}

// Viewer finds out who asks. A token that is sent counts, whatever cookie is there.
// The error is ErrNobody or a *TooOften.
func (g *Gate) Viewer(r *http.Request) (access.Viewer, error) {
	token, none := bearer(r.Header)
	if none {
		if _, u, ok := g.session(r); ok {
			return u.viewer(false), nil
		}
		return access.Viewer{}, ErrNobody
	}
	if t := g.token(token); t != nil {
		return t.viewer(true), nil
	}
	client := g.client(r)
	if wait, ok := g.byHost.take(client, g.Now()); !ok {
		g.Count("throttled")
		return access.Viewer{}, &TooOften{wait}
	}
	g.turnedAway(client, nil)
	return access.Viewer{}, ErrNobody
}

// turnedAway counts and logs an attempt that failed; the throttles bound how many. A
// name that nobody has isn't logged: people type passwords there.
func (g *Gate) turnedAway(client string, u *User) {
	g.Count("wrong")
	line := g.Log.Warn().Str("client", client)
	if u != nil {
		line = line.Str("user", u.Name)
	}
	line.Msg("somebody was not let in")
}

// token looks at every token, whichever matches, and compares digests in constant time.
// A right one is let in however often its address guessed wrong: 256 random bits can't
// be guessed, and a program isn't locked out by its neighbours.
func (g *Gate) token(token string) *Token {
	if !wellFormed(token) {
		return nil
	}
	digest, found := sha256.Sum256([]byte(token)), -1
	for i := range g.Tokens {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(digest[:], g.Tokens[i].SHA256[:]), i, found)
	}
	if found < 0 || !g.Tokens[found].Valid(g.Now()) {
		return nil
	}
	return &g.Tokens[found]
}

// session is that of the request's cookie, if it is still good.
func (g *Gate) session(r *http.Request) (session, *User, bool) {
	c, err := r.Cookie(CookieName(g.Secure))
	if err != nil {
		return session{}, nil, false
	}
	s, ok := unsealed(g.Key, c.Value)
	if !ok || s.Until <= g.Now().Unix() || g.ended.has(s.ID) {
		return session{}, nil, false
	}
	u := g.users[s.User]
	if u == nil || !u.Valid(g.Now()) || s.Bind != bindOf(g.Key, u.Hash) {
		return session{}, nil, false
	}
	return s, u, true
}

// errWrong is the same for an unknown user, a wrong password and a user whose time is over.
var errWrong = compliance.Errorf(compliance.Forbidden, "the name or the password is wrong")

// check is nil, and the user, for the right name and password.
func (g *Gate) check(ctx context.Context, client, name, password string) (*User, error) {
	// An address that may not try doesn't use up the attempts of a name, nor make room
	// for new ones.
	if wait, ok := g.byHost.take(client, g.Now()); !ok {
		g.Count("throttled")
		return nil, &TooOften{wait}
	}
	key := throttleKey(name)
	if wait, ok := g.byUser.take(key, g.Now()); !ok {
		g.Count("throttled")
		return nil, &TooOften{wait}
	}
	right, err := g.bench.matches(ctx, g.hashOf(name), password)
	if err != nil {
		return nil, err
	}
	u, known := g.users[name]
	if !right || !known || !u.Valid(g.Now()) {
		g.turnedAway(client, u)
		return nil, errWrong
	}
	g.byUser.forgive(key)
	g.Count("in")
	return u, nil
}

// throttleKey is short, however long a name somebody invents.
func throttleKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return string(sum[:16])
}
