package login

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/services/console/internal/access"
)

func TestHash(t *testing.T) {
	h, err := NewHash("correct horse")
	require.NoError(t, err)
	again, err := ParseHash(h.String())
	require.NoError(t, err)
	require.Equal(t, h, again)
	require.True(t, again.Matches("correct horse"))
	require.False(t, again.Matches("correct horsf"))
	other, err := NewHash("correct horse")
	require.NoError(t, err)
	require.NotEqual(t, h.String(), other.String(), "each has a salt of its own")
	d := decoy(h)
	require.Equal(t, []any{h.memory, h.passes, h.lanes, len(h.key)}, []any{d.memory, d.passes, d.lanes, len(d.key)}, "a decoy costs the same")
	require.False(t, d.Matches("correct horse"))
	for _, short := range []string{"", "123456789", strings.Repeat("x", 257)} {
		_, err := NewHash(short)
		require.Error(t, err)
	}
}

func TestParseHashRefuses(t *testing.T) {
	const salt, key = "c2FsdHNhbHQ", "c2FsdHNhbHRzYWx0c2FsdA"
	for _, c := range []struct{ text, want string }{
		{"hunter2", "no argon2id hash"},
		{"$argon2i$v=19$m=19456,t=2,p=1$" + salt + "$" + key, "no argon2id hash"},
		{"$argon2id$v=16$m=19456,t=2,p=1$" + salt + "$" + key, "no argon2id hash"},
		{"$argon2id$v=19$m=19456,t=2$" + salt + "$" + key, "no parameters"},
		{"$argon2id$v=19$m=19456,t=2,p=1 $" + salt + "$" + key, "no parameters"},
		{"$argon2id$v=19$m=1024,t=2,p=1$" + salt + "$" + key, "KiB"},
		{"$argon2id$v=19$m=4194304,t=2,p=1$" + salt + "$" + key, "KiB"},
		{"$argon2id$v=19$m=19456,t=0,p=1$" + salt + "$" + key, "t=0"},
		{"$argon2id$v=19$m=19456,t=99,p=1$" + salt + "$" + key, "t=99"},
		{"$argon2id$v=19$m=19456,t=2,p=99$" + salt + "$" + key, "p=99"},
		{"$argon2id$v=19$m=19456,t=2,p=1$!$" + key, "no base64"},
		{"$argon2id$v=19$m=19456,t=2,p=1$c2Fs$" + key, "wrong length"},
		{"$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$c2Fs", "wrong length"},
	} {
		_, err := ParseHash(c.text)
		require.ErrorContains(t, err, c.want, c.text)
		require.NotContains(t, err.Error(), "hunter2")
	}
	require.NotPanics(t, func() {
		h, err := ParseHash("$argon2id$v=19$m=8192,t=1,p=1$" + salt + "$" + key)
		require.NoError(t, err)
		h.Matches("x")
	})
}

func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := newThrottle(3, time.Minute)
		take := func(key string) bool {
			_, ok := th.take(key, time.Now())
			return ok
		}
		for range 3 {
			require.True(t, take("a"))
		}
		require.False(t, take("a"))
		require.True(t, take("b"), "another key has its own")
		time.Sleep(time.Minute)
		require.True(t, take("a"), "one in a while")
		require.False(t, take("a"))
		th.forgive("a")
		require.True(t, take("a"))
		for i := range 2 * mostBuckets {
			take(strconv.Itoa(i))
		}
		require.Len(t, th.buckets, mostBuckets, "what strangers invent takes bounded room")
		require.Equal(t, mostBuckets, th.order.Len())
	})
}

func TestClient(t *testing.T) {
	g := &Gate{Options: Options{Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}}}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "", "192.0.2.1"},
		{"192.0.2.1:5", "198.51.100.7", "192.0.2.1"},
		{"10.0.0.1:5", "198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "203.0.113.9, 198.51.100.7", "198.51.100.7"},
		{"10.0.0.1:5", "198.51.100.7, 10.0.0.2", "198.51.100.7"},
		{"10.0.0.1:5", "198.51.100.7, nonsense", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:5", "198.51.100.7", "198.51.100.7"},
		{"[2001:db8::1]:5", "", "2001:db8::/64"},
		{"[2001:db8::2]:5", "", "2001:db8::/64"},
		{"[fd00::1]:5", "2001:db8:1::9", "2001:db8:1::/64"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		require.Equal(t, c.want, g.client(r), c)
	}
}

// newGate has one user, u-alice, and one token, which is returned.
func newGate(t *testing.T) (*Gate, string) {
	t.Helper()
	hash, err := NewHash("correct horse")
	require.NoError(t, err)
	token, digest := NewToken()
	grant := Grant{Name: "u-alice", Role: access.Engineer, Tenants: []string{"default"}}
	g := New(Options{
		Users: []User{{grant, hash}}, Tokens: []Token{{grant, digest}}, Key: []byte(strings.Repeat("k", 32)),
		Now: time.Now, Count: func(string) {},
	})
	return g, token
}

// Guesses of tokens are looked at as often as the address may, and no more: in an hour,
// that is. A right one is let in all the while.
func TestGuessedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, token := newGate(t)
		ask := func(authorization string) error {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Header.Set("Authorization", authorization)
			_, err := g.Viewer(r)
			return err
		}
		looked := 0
		for range 3600 {
			if errors.Is(ask("Bearer assay_wrong"), ErrNobody) {
				looked++
			}
			require.NoError(t, ask("Bearer "+token))
			time.Sleep(time.Second)
		}
		require.InDelta(t, hostBurst+int(time.Hour/hostEvery), looked, 2)
		require.NoError(t, ask("Bearer "+token))
		require.NoError(t, ask("bearer  "+token))
		for _, other := range []string{"", "Bearer", "Basic " + token, token, "Bearer " + token + "x", "Bearer " + fmt.Sprintf("%x", sha256.Sum256([]byte(token)))} {
			require.Error(t, ask(other), other)
		}
	})
}

// What can be guessed is no token, even if a configuration has its digest.
func TestTokensAreRandom(t *testing.T) {
	g, token := newGate(t)
	for _, weak := range []string{"", "hunter2", "assay_hunter2", tokenPrefix, token + "A", token[:len(token)-1], token[1:]} {
		g.Tokens[0].SHA256 = sha256.Sum256([]byte(weak))
		require.Nil(t, g.token(weak), weak)
	}
	g.Tokens[0].SHA256 = sha256.Sum256([]byte(token))
	require.NotNil(t, g.token(token))
}

// An address that may not try any more doesn't use up what others may.
func TestThrottledAddressesLockNobodyOut(t *testing.T) {
	g, _ := newGate(t)
	now := time.Now()
	g.Now = func() time.Time { return now }
	for range hostBurst {
		g.byHost.take("192.0.2.1", now)
	}
	for i := range 5000 {
		_, err := g.check(t.Context(), "192.0.2.1", fmt.Sprint("u-alice", i%2), "wrong horse")
		require.ErrorAs(t, err, new(*TooOften))
	}
	require.Empty(t, g.byUser.buckets)
}

// A name is locked for a while by guesses from many addresses, however many they are.
func TestGuessedPasswords(t *testing.T) {
	g, _ := newGate(t)
	right := 0
	for i := range 40 {
		_, err := g.check(t.Context(), fmt.Sprintf("192.0.2.%d", i), "u-alice", "wrong horse")
		if _, often := errors.AsType[*TooOften](err); !often {
			right++
		}
	}
	require.Equal(t, userBurst, right)
	_, err := g.check(t.Context(), "192.0.2.99", "u-alice", "correct horse")
	require.ErrorAs(t, err, new(*TooOften))
}

// An unknown name costs as much as a known one: the same number of hashes.
func TestUnknownNamesCostTheSame(t *testing.T) {
	g, _ := newGate(t)
	spent := func(name string) time.Duration {
		best := time.Hour
		for i := range 5 {
			began := time.Now()
			_, err := g.check(t.Context(), fmt.Sprint(name, i), name, "wrong horse")
			require.Equal(t, error(errWrong), err)
			best = min(best, time.Since(began))
		}
		return best
	}
	known, unknown := spent("u-alice"), spent("u-bob")
	require.Less(t, max(known, unknown), 3*min(known, unknown), "%s and %s", known, unknown)
}

// The hashes of users may differ in what they cost. So do those of names that nobody has.
func TestDecoysCostWhatUsersDo(t *testing.T) {
	g, _ := newGate(t)
	cheap := decoy(Hash{memory: leastMemory, passes: 1, lanes: 1, salt: make([]byte, 16), key: make([]byte, 32)})
	g = New(Options{Key: g.Key, Users: []User{g.Users[0], {Grant: Grant{Name: "u-bob"}, Hash: cheap}}})
	costs := map[uint32]int{}
	for i := range 200 {
		name := fmt.Sprint("nobody-", i)
		first, again := g.hashOf(name), g.hashOf(name)
		require.Equal(t, first, again, "the same each time")
		costs[first.memory]++
	}
	require.InDelta(t, 100, costs[memory], 50)
	require.InDelta(t, 100, costs[leastMemory], 50)
}

func TestExpiredGrants(t *testing.T) {
	g, token := newGate(t)
	now := time.Now()
	g.Now = func() time.Time { return now }
	g.Tokens[0].Expires, g.Users[0].Expires = 1, 1
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	_, err := g.Viewer(r)
	require.Equal(t, error(ErrNobody), err)
	_, err = g.check(t.Context(), "a", "u-alice", "correct horse")
	require.Equal(t, error(errWrong), err)
}
