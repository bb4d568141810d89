package message

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
)

// Alertmanager is a Prometheus Alertmanager, or what speaks its API v2. An alert
// times out there at HoldFor after it was last sent.
type Alertmanager struct {
	Address   Address
	Token     settings.Secret
	TokenFile string
	// Labels are added to each alert.
	Labels  map[string]string
	HoldFor time.Duration
	Link    string
}

// AlertName is the label alertname of every alert.
const AlertName = "AssayViolation"

type alert struct {
	Labels      map[string]string  `json:"labels"`
	Annotations map[string]string  `json:"annotations"`
	StartsAt    compliance.Instant `json:"startsAt"`
	EndsAt      compliance.Instant `json:"endsAt"`
	Generator   string             `json:"generatorURL,omitempty"`
}

// Request writes the alerts. Labels are an alert's identity; those of the violation
// that opened the episode are kept while it is open, but for its severity: when
// that changed, the alert of the old one ends.
func (a *Alertmanager) Request(m *Message, now time.Time) (*Request, error) {
	to, secrets, err := a.Address.read("/api/v2/alerts")
	if err != nil {
		return nil, err
	}
	alerts := []alert{}
	for _, e := range m.Entries {
		alerts = append(alerts, a.alerts(m, e, compliance.InstantOf(now))...)
	}
	body, err := json.Marshal(alerts)
	if err != nil {
		return nil, fmt.Errorf("encoding alerts: %w", err)
	}
	r := &Request{URL: to, Header: jsonHeader(), Body: body, Secrets: secrets}
	token, err := settings.ReadSecret(a.Token, a.TokenFile)
	if err != nil {
		return nil, err
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		r.Secrets = append(r.Secrets, token.Reveal())
	}
	return r, nil
}

func (a *Alertmanager) alerts(m *Message, e Entry, now compliance.Instant) []alert {
	opened := e.Opened
	if opened == nil {
		opened = e.Violation
	}
	was, is := a.alert(m, opened, opened, now), a.alert(m, e.Violation, opened, now)
	was.EndsAt, is.EndsAt = now, now.Add(a.HoldFor)
	switch {
	case !Open(e.Violation):
		return []alert{was}
	case maps.Equal(was.Labels, is.Labels):
		return []alert{is}
	}
	return []alert{was, is}
}

func (a *Alertmanager) alert(m *Message, v, opened *record.Violation, now compliance.Instant) alert {
	labels := map[string]string{}
	maps.Copy(labels, a.Labels)
	maps.Copy(labels, map[string]string{
		"alertname": AlertName, "tenant": v.Verdict.Tenant, "control": v.Verdict.Control, "item": v.Verdict.Item.ID, "severity": v.Severity,
	})
	text := summary(v)
	if m.Test {
		labels["test"], text = "true", "TEST "+text
	}
	// Alertmanager refuses an alert that ends before it starts, as those of an
	// imported past or a demonstration's time would.
	return alert{
		Labels: labels, StartsAt: min(opened.Verdict.KnownAt, now), Generator: Link(a.Link, v),
		Annotations: map[string]string{
			"summary": text, "reason": v.Verdict.Reason, "criteria": strings.Join(v.Criteria, ", "),
			"violation": v.ID, "change": Kind(v), "item_time": v.Verdict.Item.Time.String(),
		},
	}
}
