package intake

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"os"

	"github.com/segmentio/kafka-go"
	foreign "github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
)

// NewDialer carries the encryption and the identity of stream.Config over to
// kafka-go. Files are read at each handshake and authentication, and once here, so
// that a wrong path stops the start.
func NewDialer(c stream.Config) (*kafka.Dialer, error) {
	d := &kafka.Dialer{ClientID: c.ClientID, Timeout: dialWithin, DualStack: true}
	if c.TLS.Enabled {
		cfg, err := tlsConfig(c.TLS)
		if err != nil {
			return nil, err
		}
		d.TLS = cfg
	}
	if c.SASL.Mechanism != "" {
		m := mechanism{c.SASL}
		if _, _, err := m.secrets(); err != nil {
			return nil, err
		}
		d.SASLMechanism = m
	}
	return d, nil
}

func fault(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}

func tlsConfig(t stream.TLS) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fault("tls.caFile: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fault("tls.caFile: %s holds no PEM certificate", t.CAFile)
		}
	}
	if t.CertFile == "" {
		return cfg, nil
	}
	own := func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cert, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fault("tls.certFile: reading %s and %s: %w", t.CertFile, t.KeyFile, err)
		}
		return &cert, nil
	}
	if _, err := own(nil); err != nil {
		return nil, err
	}
	cfg.GetClientCertificate = own
	return cfg, nil
}

// mechanism has franz-go's mechanisms authenticate kafka-go's connections.
type mechanism struct{ stream.SASL }

func (m mechanism) Name() string { return m.Mechanism }

func (m mechanism) secrets() (password, token settings.Secret, err error) {
	if m.Mechanism == stream.OAuthBearer {
		token, err = settings.ReadSecret(m.Token, m.TokenFile)
		return "", token, err
	}
	password, err = settings.ReadSecret(m.Password, m.PasswordFile)
	return password, "", err
}

func (m mechanism) inner() (sasl.Mechanism, error) {
	password, token, err := m.secrets()
	if err != nil {
		return nil, err
	}
	switch m.Mechanism {
	case stream.OAuthBearer:
		return oauth.Auth{Token: token.Reveal()}.AsMechanism(), nil
	case stream.Plain:
		return plain.Auth{User: m.Username, Pass: password.Reveal()}.AsMechanism(), nil
	case stream.ScramSHA256:
		return scram.Auth{User: m.Username, Pass: password.Reveal()}.AsSha256Mechanism(), nil
	case stream.ScramSHA512:
		return scram.Auth{User: m.Username, Pass: password.Reveal()}.AsSha512Mechanism(), nil
	}
	return nil, fault("sasl.mechanism: %q is unknown", m.Mechanism)
}

// Start begins an authentication.
func (m mechanism) Start(ctx context.Context) (foreign.StateMachine, []byte, error) {
	inner, err := m.inner()
	if err != nil {
		return nil, nil, err
	}
	host := ""
	if at := foreign.MetadataFromContext(ctx); at != nil {
		host = at.Host
	}
	session, first, err := inner.Authenticate(ctx, host)
	if err != nil {
		return nil, nil, err
	}
	return conversation{session}, first, nil
}

type conversation struct{ sasl.Session }

// Next answers the broker.
func (c conversation) Next(_ context.Context, challenge []byte) (bool, []byte, error) {
	return c.Challenge(challenge)
}
