package clickhouse

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"regexp"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
)

// Config says where ClickHouse is and who asks.
type Config struct {
	// Address is http://host:8123, https://host:8443 or clickhouse://host:9000
	// (the native protocol). A path behind an HTTP address is kept.
	Address string `yaml:"address"`
	// Database holds all of the product's tables; Migrate makes it.
	Database string `yaml:"database"`
	// Retention is applied by Migrate.
	Retention Retention `yaml:"retention"`
	// Cluster, if not empty, is the name of a cluster in the servers' remote_servers: tables
	// are then replicated within shards and distributed over them.
	Cluster  string          `yaml:"cluster"`
	Username string          `yaml:"username"`
	Password settings.Secret `yaml:"password"`
	// PasswordFile is read at Open.
	PasswordFile string `yaml:"passwordFile"`
	TLS          TLS    `yaml:"tls"`
}

// TLS of a connection. An https address turns it on too.
type TLS struct {
	Enabled bool `yaml:"enabled"`
	// CAFile replaces the system's roots.
	CAFile string `yaml:"caFile"`
	// CertFile and KeyFile are a client's certificate; both or neither.
	CertFile string `yaml:"certFile"`
	KeyFile  string `yaml:"keyFile"`
	// ServerName is what the server's certificate must say; the host if empty.
	ServerName string `yaml:"serverName"`
}

const addressForms = "http://host:8123, https://host:8443 or clickhouse://host:9000"

// Validate reports every fault at once.
func (c Config) Validate() error {
	_, addressErr := c.endpoint()
	errs := []error{addressErr, checkDatabase(c.Database), c.Retention.validate()}
	if c.Cluster != "" && !namePattern.MatchString(c.Cluster) {
		errs = append(errs, compliance.Errorf(compliance.Invalid,
			"clickhouse.cluster %q is not a name of letters, digits and _, as in the servers' remote_servers", c.Cluster))
	}
	if c.Password != "" && c.PasswordFile != "" {
		errs = append(errs, compliance.Errorf(compliance.Invalid,
			"clickhouse.password and clickhouse.passwordFile are both set: keep one"))
	}
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		errs = append(errs, compliance.Errorf(compliance.Invalid,
			"clickhouse.tls.certFile and clickhouse.tls.keyFile go together: set both or neither"))
	}
	if strings.HasPrefix(c.Address, "http://") && c.TLS.Enabled {
		errs = append(errs, compliance.Errorf(compliance.Invalid,
			"clickhouse.tls.enabled contradicts clickhouse.address %q: write https://", c.Address))
	}
	return errors.Join(errs...)
}

// endpoint is Address taken apart.
type endpoint struct {
	native bool
	tls    bool
	host   string // host:port
	path   string
}

func (c Config) endpoint() (endpoint, error) {
	u, err := url.Parse(c.Address)
	if err != nil || u.Hostname() == "" {
		return endpoint{}, compliance.Errorf(compliance.Invalid,
			"clickhouse.address %q is not an address: write %s", c.Address, addressForms)
	}
	if u.User != nil || u.RawQuery != "" {
		return endpoint{}, compliance.Errorf(compliance.Invalid,
			"clickhouse.address holds a user or options: put them in clickhouse.username, password and tls")
	}
	e := endpoint{path: u.Path, tls: c.TLS.Enabled}
	port := u.Port()
	switch u.Scheme {
	case "http":
		port = orElse(port, "8123")
	case "https":
		e.tls, port = true, orElse(port, "8443")
	case "clickhouse":
		e.native = true
		port = orElse(port, map[bool]string{false: "9000", true: "9440"}[e.tls])
	default:
		return endpoint{}, compliance.Errorf(compliance.Invalid,
			"clickhouse.address %q has the unknown scheme %q: write %s", c.Address, u.Scheme, addressForms)
	}
	e.host = net.JoinHostPort(u.Hostname(), port)
	return e, nil
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// namePattern keeps names to those that need no quoting anywhere.
var namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func checkDatabase(name string) error {
	if namePattern.MatchString(name) {
		return nil
	}
	return compliance.Errorf(compliance.Invalid,
		"clickhouse.database %q is not a name of letters, digits and _ (such as assay)", name)
}

func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, compliance.Errorf(compliance.Invalid, "reading clickhouse.tls.caFile: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, compliance.Errorf(compliance.Invalid,
				"clickhouse.tls.caFile %s holds no certificate in PEM form", t.CAFile)
		}
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, compliance.Errorf(compliance.Invalid, "reading clickhouse.tls.certFile and keyFile: %w", err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
