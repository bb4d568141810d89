package console

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/login"
)

// Config is the console's part of the configuration.
type Config struct {
	// Listen is host:port. A port that others reach needs TLS, here or in front.
	Listen string `yaml:"listen"`
	// PublicURL is where browsers and programs find it, if that isn't Listen.
	PublicURL string `yaml:"publicURL"`
	// CertFile and KeyFile (PEM) turn TLS on. They are read once, at the start.
	CertFile string `yaml:"certFile"`
	KeyFile  string `yaml:"keyFile"`
	// TrustedProxies are networks whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trustedProxies"`
	// Users sign in with a password, Tokens let programs in.
	Users  []User  `yaml:"users"`
	Tokens []Token `yaml:"tokens"`
	// SessionKey signs sessions, 32 bytes or more. Without one each process makes its
	// own: sessions then end with it, and a second console doesn't know them.
	SessionKey     settings.Secret `yaml:"sessionKey"`
	SessionKeyFile string          `yaml:"sessionKeyFile"`
	// Demo allows DemoPassword, which everybody knows.
	Demo bool `yaml:"demo"`
	// RecordTimeout is how long Kafka may take to keep what an auditor reads.
	RecordTimeout time.Duration `yaml:"recordTimeout"`
	// ShutdownTimeout is how long requests may take to finish at the end.
	ShutdownTimeout time.Duration `yaml:"shutdownTimeout"`
	// ClickHouse is asked. A user that only reads is enough.
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	// Workspace is how workspaces are written: a user that may SELECT, and INSERT into
	// workspace_changes. ClickHouse's if it has no address.
	Workspace clickhouse.Config `yaml:"workspace"`
}

// User is somebody with a password.
type User struct {
	Name string `yaml:"name"`
	// PasswordHash is argon2id in PHC form; assay hash-password makes one.
	PasswordHash settings.Secret `yaml:"passwordHash"`
	Grant        `yaml:",inline"`
}

// Token lets a program in.
type Token struct {
	// ID names the token in what is recorded of it.
	ID string `yaml:"id"`
	// SHA256 is of the token, in hex; assay token new makes both.
	SHA256 string `yaml:"sha256"`
	Grant  `yaml:",inline"`
}

// Grant is what a user or a token may do.
type Grant struct {
	// Role is engineer, approver, auditor or admin.
	Role string `yaml:"role"`
	// Tenants are those that may be seen.
	Tenants []string `yaml:"tenants"`
	// Periods bound what is seen, such as 2026-Q3. An auditor needs one at least.
	Periods []string `yaml:"periods"`
	// Expires is when it ends, RFC 3339 or a date; empty for never.
	Expires string `yaml:"expires"`
}

// DemoPassword is that of the demonstration's users; it is no secret.
const DemoPassword = "assay-demo-password"

// demoHash is one of DemoPassword.
const demoHash = "$argon2id$v=19$m=19456,t=2,p=1$TrDpKxpfSmNPArs1NDZqqg$O0f5r492E4ctRUtONKeKIZ1pSZ4aLv3xaAc+tHyaFJo"

// DemoUsers are an engineer, an approver, an auditor of 2026-Q3 and an administrator.
func DemoUsers() []User {
	user := func(name string, role access.Role, periods ...string) User {
		return User{Name: name, PasswordHash: demoHash, Grant: Grant{Role: string(role), Tenants: []string{record.DefaultTenant}, Periods: periods}}
	}
	return []User{
		user("engineer", access.Engineer), user("approver", access.Approver),
		user("auditor", access.Auditor, "2026-Q3"), user("admin", access.Admin),
	}
}

// Default has nobody who could sign in, which Validate refuses.
func Default() Config {
	return Config{Listen: "127.0.0.1:8080", RecordTimeout: 5 * time.Second, ShutdownTimeout: 15 * time.Second}
}

// LetsAnybodyIn says whether there is a user or a token.
func (c Config) LetsAnybodyIn() bool { return len(c.Users)+len(c.Tokens) > 0 }

// Validate reports every fault.
func (c Config) Validate() error {
	_, err := c.resolve()
	return err
}

// resolved is a configuration, read.
type resolved struct {
	users   []login.User
	tokens  []login.Token
	proxies []netip.Prefix
	// secure says that browsers come over TLS.
	secure bool
}

func (c Config) resolve() (resolved, error) {
	var r resolved
	faults := c.addressFaults()
	r.secure = c.CertFile != "" || strings.HasPrefix(c.PublicURL, "https://")
	for i, text := range c.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			faults = append(faults, fault("trustedProxies[%d]: %q is no network, such as 10.0.0.0/8", i, text))
		} else if p.Bits() == 0 {
			faults = append(faults, fault("trustedProxies[%d]: %q is everybody, who could then claim any address; name your proxies", i, text))
		}
		r.proxies = append(r.proxies, p.Masked())
	}
	if !c.LetsAnybodyIn() {
		faults = append(faults, fault("users: there is none, and no token, so nobody could sign in; add {name, passwordHash, role, tenants}"))
	}
	names := map[string]bool{}
	for i, u := range c.Users {
		user, userFaults := u.resolve(fmt.Sprintf("users[%d]", i), names, c.Demo)
		r.users, faults = append(r.users, user), append(faults, userFaults...)
	}
	digests := map[compliance.Hash]bool{}
	for i, t := range c.Tokens {
		token, tokenFaults := t.resolve(fmt.Sprintf("tokens[%d]", i), names, digests)
		r.tokens, faults = append(r.tokens, token), append(faults, tokenFaults...)
	}
	return r, errors.Join(faults...)
}

func (c Config) addressFaults() []error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fault(format, args...))
		}
	}
	_, port, err := net.SplitHostPort(c.Listen)
	check(err == nil && port != "", "listen: %q is not host:port, such as 127.0.0.1:8080", c.Listen)
	check((c.CertFile == "") == (c.KeyFile == ""), "certFile: TLS needs certFile and keyFile; set both or neither")
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		check(err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" && u.User == nil,
			"publicURL: is not such as https://assay.example.com, without a path, a user or a query")
	}
	check(c.SessionKey == "" || c.SessionKeyFile == "", "sessionKey: set it or sessionKeyFile, not both")
	check(c.SessionKey == "" || len(c.SessionKey.Reveal()) >= leastKey, "sessionKey: has less than %d bytes; make one with openssl rand -hex 32", leastKey)
	check(c.RecordTimeout >= time.Second && c.RecordTimeout <= mostRecordTimeout, "recordTimeout: is %s; choose 1s to %s", c.RecordTimeout, mostRecordTimeout)
	if c.Workspace.Address != "" {
		if err := c.Workspace.Validate(); err != nil {
			faults = append(faults, fault("workspace: %w", err))
		}
	}
	check(c.ShutdownTimeout > 0, "shutdownTimeout: is %s; choose a time above 0, such as 15s", c.ShutdownTimeout)
	return faults
}

const (
	// leastKey is what a session's signature needs.
	leastKey = 32
	// mostRecordTimeout leaves time to say that a read wasn't recorded.
	mostRecordTimeout = 20 * time.Second
)

// sessionKey is the configured one; empty if there is none.
func (c Config) sessionKey() ([]byte, error) {
	key, err := settings.ReadSecret(c.SessionKey, c.SessionKeyFile)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "console.sessionKeyFile: %w", err)
	}
	if c.SessionKeyFile != "" && len(key.Reveal()) < leastKey {
		return nil, compliance.Errorf(compliance.Invalid, "console.sessionKeyFile: %s has less than %d bytes; make one with openssl rand -hex 32", c.SessionKeyFile, leastKey)
	}
	return []byte(key.Reveal()), nil
}

// mostName is what fits into the record of what somebody reads.
const mostName = 64

func (u User) resolve(at string, names map[string]bool, demo bool) (login.User, []error) {
	grant, faults := u.Grant.resolve(at, u.Name, names)
	hash, err := login.ParseHash(u.PasswordHash.Reveal())
	switch {
	case err != nil:
		faults = append(faults, fault("%s.passwordHash: %w", at, err))
	case !demo && hash.Matches(DemoPassword):
		faults = append(faults, fault("%s.passwordHash: is of the demonstration's password, which everybody knows; choose another", at))
	}
	return login.User{Grant: grant, Hash: hash}, faults
}

func (t Token) resolve(at string, names map[string]bool, digests map[compliance.Hash]bool) (login.Token, []error) {
	grant, faults := t.Grant.resolve(at, t.ID, names)
	token := login.Token{Grant: grant}
	// The value isn't repeated: somebody may have put the token itself there.
	if token.SHA256.UnmarshalText([]byte(t.SHA256)) != nil {
		faults = append(faults, fault("%s.sha256: must be 64 hex digits; assay token new makes a token and its digest", at))
	} else if digests[token.SHA256] {
		faults = append(faults, fault("%s.sha256: another token has the same; make a token for each program", at))
	}
	digests[token.SHA256] = true
	return token, faults
}

func (g Grant) resolve(at, name string, names map[string]bool) (login.Grant, []error) {
	out := login.Grant{Name: name, Role: access.Role(g.Role), Tenants: g.Tenants}
	var faults []error
	if name == "" || len(name) > mostName || names[name] {
		faults = append(faults, fault("%s: the name %q is empty, taken, or longer than %d bytes; name each user and token", at, name, mostName))
	}
	names[name] = true
	if !slices.Contains(access.Roles(), out.Role) {
		faults = append(faults, fault("%s.role: %q is none; choose engineer, approver, auditor or admin", at, g.Role))
	}
	if len(g.Tenants) == 0 || slices.ContainsFunc(g.Tenants, func(t string) bool { return t == "" || strings.ContainsAny(t, "/# \t\n") }) {
		faults = append(faults, fault("%s.tenants: there is none, or one is empty or holds '/', '#' or space; the usual one is %q", at, record.DefaultTenant))
	}
	if out.Role == access.Auditor && len(g.Periods) == 0 {
		faults = append(faults, fault("%s.periods: an auditor is bound to periods; name one, such as 2026-Q3", at))
	}
	for i, text := range g.Periods {
		p, err := ask.ParsePeriod(text)
		if err != nil {
			faults = append(faults, fault("%s.periods[%d]: %w", at, i, err))
		}
		out.Periods = append(out.Periods, p)
	}
	if g.Expires != "" {
		var err error
		if out.Expires, err = ask.ParseTime(g.Expires); err != nil {
			faults = append(faults, fault("%s.expires: %w", at, err))
		}
		out.Expires = max(out.Expires, 1) // 0, the end of 1969, would be never
	}
	return out, faults
}

func fault(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}

// HashPassword is what User.PasswordHash holds of a password.
func HashPassword(password string) (string, error) {
	h, err := login.NewHash(password)
	return h.String(), err
}

// NewToken makes a token for a program, and the SHA-256 that Token.SHA256 holds.
func NewToken() (token string, digest compliance.Hash) { return login.NewToken() }
