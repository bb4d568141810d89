package console_test

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/argon2"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/console"
)

// good is a configuration without a fault, with one user and one token.
func good(t *testing.T) console.Config {
	t.Helper()
	hash, err := console.HashPassword(password)
	require.NoError(t, err)
	_, digest := console.NewToken()
	c := console.Default()
	grant := console.Grant{Role: "engineer", Tenants: []string{"default"}}
	c.Users = []console.User{{Name: "alice", PasswordHash: settings.Secret(hash), Grant: grant}}
	c.Tokens = []console.Token{{ID: "ci", SHA256: digest.String(), Grant: grant}}
	return c
}

func TestFaultsOfTheConfiguration(t *testing.T) {
	require.NoError(t, good(t).Validate())
	digest := good(t).Tokens[0].SHA256
	for _, c := range []struct {
		change func(*console.Config)
		want   string
	}{
		{func(c *console.Config) { c.Listen = "8080" }, `listen: "8080" is not host:port, such as 127.0.0.1:8080`},
		{func(c *console.Config) { c.Listen = "127.0.0.1:" }, `listen: "127.0.0.1:" is not host:port`},
		{func(c *console.Config) { c.CertFile = "cert.pem" }, "certFile: TLS needs certFile and keyFile; set both or neither"},
		{func(c *console.Config) { c.KeyFile = "key.pem" }, "certFile: TLS needs certFile and keyFile; set both or neither"},
		{func(c *console.Config) { c.PublicURL = "assay.example.com" }, "publicURL: is not such as https://assay.example.com"},
		{func(c *console.Config) { c.PublicURL = "https://assay.example.com/console" }, "publicURL: is not such as"},
		{func(c *console.Config) { c.PublicURL = "https://assay.example.com?x" }, "publicURL: is not such as"},
		{func(c *console.Config) { c.PublicURL = "https://u:s3cret@assay.example.com" }, "publicURL: is not such as"},
		{func(c *console.Config) { c.PublicURL = "javascript://assay.example.com" }, "publicURL: is not such as"},
		{func(c *console.Config) { c.TrustedProxies = []string{"10.0.0.1"} }, `trustedProxies[0]: "10.0.0.1" is no network, such as 10.0.0.0/8`},
		{func(c *console.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "0.0.0.0/0"} }, `trustedProxies[1]: "0.0.0.0/0" is everybody`},
		{func(c *console.Config) { c.TrustedProxies = []string{"::/0"} }, `trustedProxies[0]: "::/0" is everybody`},
		{func(c *console.Config) { c.SessionKey = "s3cret" }, "sessionKey: has less than 32 bytes; make one with openssl rand -hex 32"},
		{func(c *console.Config) {
			c.SessionKey, c.SessionKeyFile = settings.Secret(strings.Repeat("s3cret", 9)), "key"
		}, "sessionKey: set it or sessionKeyFile, not both"},
		{func(c *console.Config) { c.RecordTimeout = time.Millisecond }, "recordTimeout: is 1ms; choose 1s to 20s"},
		{func(c *console.Config) { c.RecordTimeout = time.Minute }, "recordTimeout: is 1m0s; choose 1s to 20s"},
		{func(c *console.Config) { c.ShutdownTimeout = 0 }, "shutdownTimeout: is 0s; choose a time above 0, such as 15s"},
		{func(c *console.Config) { c.Users, c.Tokens = nil, nil }, "users: there is none, and no token, so nobody could sign in"},
		{func(c *console.Config) { c.Users[0].Name = "" }, `users[0]: the name "" is empty, taken, or longer than 64 bytes`},
		{func(c *console.Config) { c.Users[0].Name = strings.Repeat("x", 65) }, "longer than 64 bytes"},
		{func(c *console.Config) { c.Users = append(c.Users, c.Users[0]) }, `users[1]: the name "alice" is empty, taken`},
		{func(c *console.Config) { c.Tokens[0].ID = "alice" }, `tokens[0]: the name "alice" is empty, taken`},
		{func(c *console.Config) { c.Users[0].PasswordHash = "s3cret" }, "users[0].passwordHash: is no argon2id hash in PHC form; make one with assay hash-password"},
		{func(c *console.Config) { c.Users[0].PasswordHash = "" }, "users[0].passwordHash: is no argon2id hash in PHC form"},
		{func(c *console.Config) { c.Users[0].Role = "root" }, `users[0].role: "root" is none; choose engineer, approver, auditor or admin`},
		{func(c *console.Config) { c.Users[0].Tenants = nil }, "users[0].tenants: there is none, or one is empty"},
		{func(c *console.Config) { c.Users[0].Tenants = []string{"a", ""} }, "users[0].tenants: there is none, or one is empty"},
		{func(c *console.Config) { c.Users[0].Tenants = []string{"a/b"} }, "holds '/', '#' or space"},
		{func(c *console.Config) { c.Users[0].Role = "auditor" }, "users[0].periods: an auditor is bound to periods; name one, such as 2026-Q3"},
		{func(c *console.Config) { c.Users[0].Periods = []string{"2026-Q5"} }, `users[0].periods[0]: period "2026-Q5" is no year, quarter, month or day`},
		{func(c *console.Config) { c.Users[0].Expires = "soon" }, `users[0].expires: "soon" is no time`},
		{func(c *console.Config) { c.Tokens[0].SHA256 = "assay_s3cret" }, "tokens[0].sha256: must be 64 hex digits; assay token new makes a token and its digest"},
		{func(c *console.Config) {
			c.Tokens = append(c.Tokens, console.Token{ID: "cd", SHA256: strings.ToUpper(digest), Grant: c.Tokens[0].Grant})
			c.Tokens[0].SHA256 = digest
		}, "tokens[1].sha256: another token has the same; make a token for each program"},
		{func(c *console.Config) { c.Tokens[0].Role = "" }, `tokens[0].role: "" is none`},
	} {
		cfg := good(t)
		c.change(&cfg)
		err := cfg.Validate()
		require.ErrorContains(t, err, c.want)
		require.Len(t, strings.Split(err.Error(), "\n"), 1, "one fault is told once: %v", err)
		require.NotContains(t, err.Error(), "s3cret")
		require.NotContains(t, err.Error(), "argon2id$")
	}
}

// All faults are told at once.
func TestFaultsAreToldTogether(t *testing.T) {
	c := console.Config{Listen: "x", CertFile: "x", PublicURL: "x", TrustedProxies: []string{"x"}, SessionKey: "x", Users: []console.User{{}}, Tokens: []console.Token{{}}}
	err := c.Validate()
	for _, want := range []string{"listen:", "certFile:", "publicURL:", "trustedProxies[0]:", "sessionKey:", "recordTimeout:", "shutdownTimeout:", "users[0]:", "users[0].passwordHash:", "users[0].role:", "users[0].tenants:", "tokens[0]:", "tokens[0].sha256:"} {
		require.ErrorContains(t, err, want)
	}
}

// The demonstration's password is refused outside of it, however it was hashed.
func TestDemoPassword(t *testing.T) {
	const refusal = "is of the demonstration's password, which everybody knows; choose another"
	own, err := console.HashPassword(console.DemoPassword)
	require.NoError(t, err)
	salt := []byte("salty-salt")
	cheap := "$argon2id$v=19$m=8192,t=1,p=2$" + encode(salt) + "$" + encode(argon2.IDKey([]byte(console.DemoPassword), salt, 1, 8192, 2, 24))
	for _, hash := range []string{console.DemoUsers()[0].PasswordHash.Reveal(), own, cheap} {
		c := good(t)
		c.Users[0].PasswordHash = settings.Secret(hash)
		require.ErrorContains(t, c.Validate(), refusal, hash)
		c.Demo = true
		require.NoError(t, c.Validate(), hash)
	}
	c := console.Default()
	c.Users = console.DemoUsers()
	require.ErrorContains(t, c.Validate(), refusal)
	c.Demo = true
	require.NoError(t, c.Validate())
	require.True(t, c.LetsAnybodyIn())
	roles := map[string]bool{}
	for _, u := range c.Users {
		roles[u.Role] = true
	}
	require.Len(t, roles, 4, "there is one of each role")
}

// A grant that ended long ago is over, even at the second from which time is counted.
func TestGrantsEnd(t *testing.T) {
	w := reading(t)
	for _, end := range []string{"1970-01-01", "1960-01-01", "2026-11-01", "2026-11-01T09:00:00Z"} {
		r := w.start(func(c *console.Config) {
			c.Tokens = append([]console.Token{}, c.Tokens...)
			for i := range c.Tokens {
				c.Tokens[i].Expires = end
			}
		})
		r.get("/api/v1/me", r.as("engineer")).problem(t, 401, end)
	}
}

// The key of sessions can come from a file, which is held to the same length.
func TestSessionKeyFile(t *testing.T) {
	w := reading(t)
	file := filepath.Join(t.TempDir(), "key")
	from := func(c *console.Config) { c.SessionKey, c.SessionKeyFile = "", file }
	require.NoError(t, os.WriteFile(file, []byte(strings.Repeat("k", 32)+"\n"), 0o600))
	session := w.start().session("engineer")
	require.Equal(t, 200, w.start(from).get("/api/v1/me", cookie(session)).status, "the same key")
	for content, want := range map[string]string{strings.Repeat("s", 31): "has less than 32 bytes", "": "is empty"} {
		require.NoError(t, os.WriteFile(file, []byte(content), 0o600))
		cfg := w.cfg
		from(&cfg)
		err := console.Run(t.Context(), cfg, console.Deps{
			Log: zerolog.Nop(), Metrics: prometheus.NewRegistry(), Ready: func(string, error) {}, Kafka: w.kafka, Bundle: w.bundle, Files: library(),
		})
		require.ErrorContains(t, err, "console.sessionKeyFile: ")
		require.ErrorContains(t, err, want)
		if content != "" {
			require.NotContains(t, err.Error(), content)
		}
	}
}

func encode(b []byte) string { return base64.RawStdEncoding.EncodeToString(b) }
