package notifier

import (
	"crypto/tls"
	"crypto/x509"
	"net/netip"
	"os"
	"time"

	"assay.example/assay/services/notifier/internal/guard"
	"assay.example/assay/services/notifier/internal/lane"
	"assay.example/assay/services/notifier/internal/message"
)

// holdFor is how many times Resend an alert lives unless it is sent again.
const holdFor = 4

// lane builds what delivers to a target: its format behind the guarded client.
func (c Config) lane(t Target, deps lane.Deps) (*lane.Lane, error) {
	client, err := t.options(c.Timeout)
	if err != nil {
		return nil, err
	}
	deps.Client, deps.Format = guard.NewClient(client), checked{target: t, format: t.format(c)}
	cfg := lane.Config{
		Target: t.Name, Kind: t.Kind, Incidents: t.incidents(), Queue: c.Queue, Concurrency: c.Concurrency, Timeout: c.Timeout,
		MaxAge: c.MaxAge, FirstWait: c.FirstWait, LastWait: c.LastWait, MaxRetryAfter: c.MaxRetryAfter, Remember: c.Remember,
	}
	if t.Kind == KindAlertmanager {
		cfg.Resend = c.Resend
	}
	return lane.New(cfg, deps), nil
}

func (t Target) options(timeout time.Duration) (guard.Options, error) {
	var allowed []netip.Prefix
	for _, text := range t.AllowPrivate {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return guard.Options{}, fault("target %s: %q is no network; write it as 10.1.0.0/16", t.Name, text)
		}
		allowed = append(allowed, network)
	}
	o := guard.Options{Policy: guard.NewPolicy(allowed...), Timeout: timeout}
	if t.CAFile == "" {
		return o, nil
	}
	pem, err := os.ReadFile(t.CAFile)
	if err != nil {
		return o, fault("target %s: caFile: %w", t.Name, err)
	}
	o.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !o.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return o, fault("target %s: caFile: %s holds no PEM certificate", t.Name, t.CAFile)
	}
	return o, nil
}

func (t Target) format(c Config) message.Format {
	address := message.Address{URL: t.URL, File: t.URLFile}
	switch t.Kind {
	case KindSlack:
		return &message.Slack{Address: address, Link: c.Link}
	case KindPagerDuty:
		if address == (message.Address{}) {
			address.URL = pagerDutyURL
		}
		return &message.PagerDuty{Address: address, RoutingKey: t.RoutingKey, RoutingKeyFile: t.RoutingKeyFile, Link: c.Link}
	case KindAlertmanager:
		return &message.Alertmanager{
			Address: address, Token: t.Token, TokenFile: t.TokenFile, Labels: t.Labels, HoldFor: holdFor * c.Resend, Link: c.Link,
		}
	}
	return &message.Webhook{Address: address, Secrets: t.Secrets, SecretFiles: t.SecretFiles, Link: c.Link}
}

// checked refuses a URL that came from a file and isn't https.
type checked struct {
	target Target
	format message.Format
}

// Request writes a message for a URL that is allowed.
func (c checked) Request(m *message.Message, now time.Time) (*message.Request, error) {
	r, err := c.format.Request(m, now)
	if err != nil {
		return nil, err
	}
	if err := c.target.schemeFault("target "+c.target.Name, r.URL); err != nil {
		return nil, err
	}
	return r, nil
}
