package stream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"assay.example/assay/pkg/settings"
)

// config reads the files once, so that a wrong path stops the start.
func (t TLS) config() (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pool, err := readRoots(t.CAFile)
		if err != nil {
			return nil, err
		}
		cfg.RootCAs = pool
	}
	if t.CertFile == "" {
		return cfg, nil
	}
	if _, err := t.certificate(nil); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = t.certificate
	return cfg, nil
}

func readRoots(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fault("tls.caFile: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fault("tls.caFile: %s holds no PEM certificate", file)
	}
	return pool, nil
}

func (t TLS) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, fault("tls.certFile: reading %s and %s: %w", t.CertFile, t.KeyFile, err)
	}
	return &cert, nil
}

// mechanism is nil for no authentication. The secret is read once here, so that
// a missing file stops the start.
func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch s.Mechanism {
	case "":
		return nil, nil
	case OAuthBearer:
		if _, err := settings.ReadSecret(s.Token, s.TokenFile); err != nil {
			return nil, fmt.Errorf("sasl.tokenFile: %w", err)
		}
		return oauth.Oauth(s.bearer), nil
	}
	if _, err := settings.ReadSecret(s.Password, s.PasswordFile); err != nil {
		return nil, fmt.Errorf("sasl.passwordFile: %w", err)
	}
	switch s.Mechanism {
	case Plain:
		return plain.Plain(s.plain), nil
	case ScramSHA256:
		return scram.Sha256(s.scram), nil
	case ScramSHA512:
		return scram.Sha512(s.scram), nil
	}
	return nil, fault("sasl.mechanism: %q is unknown", s.Mechanism)
}

func (s SASL) bearer(context.Context) (oauth.Auth, error) {
	token, err := settings.ReadSecret(s.Token, s.TokenFile)
	return oauth.Auth{Token: token.Reveal()}, err
}

func (s SASL) plain(context.Context) (plain.Auth, error) {
	password, err := settings.ReadSecret(s.Password, s.PasswordFile)
	return plain.Auth{User: s.Username, Pass: password.Reveal()}, err
}

func (s SASL) scram(context.Context) (scram.Auth, error) {
	password, err := settings.ReadSecret(s.Password, s.PasswordFile)
	return scram.Auth{User: s.Username, Pass: password.Reveal()}, err
}
