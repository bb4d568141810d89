package message

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

// secretPrefix marks a key of Standard Webhooks; base64 follows.
const secretPrefix = "whsec_"

// Keys of Standard Webhooks have 24 to 64 bytes.
const (
	minKey = 24
	maxKey = 64
)

// Webhook is any receiver of Standard Webhooks. It signs with every secret, the
// newest first, so that a receiver may know the old one or the new one.
type Webhook struct {
	Address     Address
	Secrets     []settings.Secret
	SecretFiles []string
	Link        string
}

// payload is what a webhook's body is.
type payload struct {
	Type      string             `json:"type"`
	Timestamp compliance.Instant `json:"timestamp"`
	Data      payloadData        `json:"data"`
}

type payloadData struct {
	Tenant  string `json:"tenant"`
	Control string `json:"control"`
	Route   string `json:"route"`
	// Count is of all violations of the message; More counts those that the
	// list leaves out.
	Count      int                 `json:"count"`
	More       int                 `json:"more,omitempty"`
	Violations []*record.Violation `json:"violations"`
	Links      []string            `json:"links,omitempty"`
}

// The types of webhooks.
const (
	TypeViolations = "assay.violations"
	TypeTest       = "assay.test"
)

// MaxListed is how many violations a webhook holds in full.
const MaxListed = 100

// Request writes the webhook. The body depends on the message alone, so that each
// attempt sends the same bytes under the same id.
func (w *Webhook) Request(m *Message, now time.Time) (*Request, error) {
	to, secrets, err := w.Address.read("")
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(w.payload(m))
	if err != nil {
		return nil, fmt.Errorf("encoding a webhook: %w", err)
	}
	r := &Request{URL: to, Header: jsonHeader(), Body: body, Secrets: secrets}
	id := m.ID()
	signature, err := w.sign(r, id, now)
	if err != nil {
		return nil, err
	}
	r.Header.Set(HeaderID, id)
	r.Header.Set(HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	if signature != "" {
		r.Header.Set(HeaderSignature, signature)
	}
	return r, nil
}

func (w *Webhook) payload(m *Message) payload {
	p := payload{Type: TypeViolations, Data: payloadData{
		Tenant: m.Tenant, Control: m.Control, Route: m.Route, Count: len(m.Entries),
		More: max(0, len(m.Entries)-MaxListed), Violations: []*record.Violation{},
	}}
	if m.Test {
		p.Type = TypeTest
	}
	for _, e := range m.Entries[:min(len(m.Entries), MaxListed)] {
		p.Timestamp = max(p.Timestamp, e.Violation.Verdict.KnownAt)
		p.Data.Violations = append(p.Data.Violations, e.Violation)
		if w.Link != "" {
			p.Data.Links = append(p.Data.Links, Link(w.Link, e.Violation))
		}
	}
	return p
}

func (w *Webhook) sign(r *Request, id string, now time.Time) (string, error) {
	var signatures []string
	for _, s := range w.Secrets {
		signatures = append(signatures, s.Reveal())
	}
	for _, file := range w.SecretFiles {
		s, err := settings.ReadSecret("", file)
		if err != nil {
			return "", err
		}
		signatures = append(signatures, s.Reveal())
	}
	for i, secret := range signatures {
		key, err := DecodeKey(settings.Secret(secret))
		if err != nil {
			return "", err
		}
		r.Secrets = append(r.Secrets, secret, strings.TrimPrefix(secret, secretPrefix))
		signatures[i] = Sign(key, id, now, r.Body)
	}
	return strings.Join(signatures, " "), nil
}

// DecodeKey reads a secret of Standard Webhooks.
func DecodeKey(secret settings.Secret) ([]byte, error) {
	text, ok := strings.CutPrefix(secret.Reveal(), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, compliance.Errorf(compliance.Invalid,
			"a webhook's secret is no %s followed by base64 of %d to %d bytes; make one with: echo %s$(openssl rand -base64 32)", secretPrefix, minKey, maxKey, secretPrefix)
	}
	return key, nil
}

// Sign makes one signature of Standard Webhooks.
func Sign(key []byte, id string, now time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%d.", id, now.Unix())
	_, _ = mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
