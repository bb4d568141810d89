package message

import (
	"encoding/json"
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
)

// PagerDuty is an integration of the Events API v2. It takes one violation a
// message.
type PagerDuty struct {
	Address        Address
	RoutingKey     settings.Secret
	RoutingKeyFile string
	Link           string
}

// What PagerDuty takes of a summary and of one field.
const (
	pagerSummary = 1024
	pagerField   = 1000
)

type pagerEvent struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action"`
	DedupKey   string        `json:"dedup_key"`
	Client     string        `json:"client,omitempty"`
	ClientURL  string        `json:"client_url,omitempty"`
	Payload    *pagerPayload `json:"payload,omitempty"`
	Links      []pagerLink   `json:"links,omitempty"`
}

type pagerPayload struct {
	Summary   string             `json:"summary"`
	Source    string             `json:"source"`
	Severity  string             `json:"severity"`
	Timestamp compliance.Instant `json:"timestamp"`
	Component string             `json:"component"`
	Group     string             `json:"group"`
	Class     string             `json:"class,omitempty"`
	Details   map[string]any     `json:"custom_details"`
}

type pagerLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// Request writes the event: a trigger while the episode is open, else a resolve
// under the same key.
func (p *PagerDuty) Request(m *Message, _ time.Time) (*Request, error) {
	to, secrets, err := p.Address.read("/v2/enqueue")
	if err != nil {
		return nil, err
	}
	key, err := settings.ReadSecret(p.RoutingKey, p.RoutingKeyFile)
	if err != nil {
		return nil, err
	}
	v := m.Entries[0].Violation
	event := pagerEvent{RoutingKey: key.Reveal(), Action: string(record.Resolve), DedupKey: Key(v)}
	if Open(v) {
		event.Action, event.Client, event.Payload = string(record.Trigger), "Assay", p.payload(m, v)
		if link := Link(p.Link, v); link != "" {
			event.ClientURL, event.Links = link, []pagerLink{{Href: link, Text: "The item and its evidence"}}
		}
	}
	body, err := json.Marshal(event)
	if err != nil {
		return nil, fmt.Errorf("encoding a PagerDuty event: %w", err)
	}
	return &Request{URL: to, Header: jsonHeader(), Body: body, Secrets: append(secrets, key.Reveal())}, nil
}

func (p *PagerDuty) payload(m *Message, v *record.Violation) *pagerPayload {
	text := summary(v)
	if m.Test {
		text = "TEST " + text
	}
	return &pagerPayload{
		Summary: cut(oneLine(text), pagerSummary), Source: "assay/" + cut(v.Verdict.Tenant, pagerField),
		Severity: pagerSeverity(v.Severity), Timestamp: v.Verdict.KnownAt,
		Component: cut(v.Verdict.Item.ID, pagerField), Group: v.Verdict.Control, Class: v.Verdict.Reason,
		Details: map[string]any{
			"violation": v.ID, "control": v.Verdict.Control, "title": v.Title, "criteria": v.Criteria, "severity": v.Severity,
			"item": cut(v.Verdict.Item.ID, pagerField), "item_time": v.Verdict.Item.Time, "reason": v.Verdict.Reason,
			"revision": v.Verdict.Number, "change": v.Change, "final_at": v.Verdict.FinalAt, "route": m.Route,
		},
	}
}

// pagerSeverity maps a control's severity to one of PagerDuty's four.
func pagerSeverity(severity string) string {
	switch severity {
	case "critical":
		return "critical"
	case "high":
		return "error"
	case "low", "info":
		return "info"
	}
	return "warning" // medium, unknown, and an organisation's own words
}
