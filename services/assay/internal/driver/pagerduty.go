package driver

import (
	"time"

	"assay.example/assay/pkg/compliance"
)

// What PagerDuty sends: https://developer.pagerduty.com/docs/webhooks-overview, the
// third version. Its times have milliseconds.

// milliseconds is how PagerDuty and Okta write a time.
func milliseconds(at compliance.Instant) string {
	return at.Time().UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")
}

// pagerDutySubscription is PagerDuty's own id of the webhook.
const pagerDutySubscription = "PNW0RTH"

// pagerDuty tells of incidents.
func pagerDuty(k *known, ev compliance.Event) (told, bool) {
	incident, status := "incident.triggered", "triggered"
	switch ev.Type {
	case "incident.opened":
	case "incident.acknowledged":
		incident, status = "incident.acknowledged", "acknowledged"
	case "incident.resolved":
		incident, status = "incident.resolved", "resolved"
	default:
		return told{}, false
	}
	opened, ok := k.incidents[text(ev, "incident_id")]
	if !ok {
		return told{}, false
	}
	payload := fields{"event": fields{
		"id": ev.ID, "event_type": incident, "resource_type": "incident", "occurred_at": milliseconds(ev.Time),
		"agent": pagerDutyAgent(ev), "client": nil, "data": pagerDutyIncident(opened, status),
	}}
	return told{header: map[string]string{"X-Webhook-Id": pagerDutySubscription}, payload: payload}, true
}

// pagerDutyAgent is who did it: monitoring opens incidents, through an integration.
func pagerDutyAgent(ev compliance.Event) any {
	id := text(ev, "responder")
	switch {
	case id == "":
		return nil
	case text(ev, "responder_kind") == "automation":
		return pagerDutyReference(id, "inbound_integration_reference")
	}
	return pagerDutyReference(id, "user_reference")
}

func pagerDutyReference(id, kind string) fields {
	return fields{"id": id, "summary": id, "type": kind, "self": nil, "html_url": nil}
}

func pagerDutyIncident(opened compliance.Event, status string) fields {
	id := text(opened, "incident_id")
	service := pagerDutyReference("P"+text(opened, "service"), "service_reference")
	service["summary"] = text(opened, "service")
	priority := pagerDutyReference("PRIORITY", "priority_reference")
	// The names that PagerDuty proposes.
	priority["summary"] = map[string]string{"sev1": "P1", "sev2": "P2", "sev3": "P3", "sev4": "P4"}[text(opened, "severity")]
	return fields{
		"id": id, "type": "incident", "self": nil, "html_url": nil, "number": number(id) % 100_000, "status": status,
		"incident_key": id, "created_at": milliseconds(opened.Time), "title": text(opened, "title"), "service": service,
		"assignees": []any{}, "escalation_policy": pagerDutyReference("PONCALL", "escalation_policy_reference"), "teams": []any{},
		"priority": priority, "urgency": "high", "conference_bridge": nil, "resolve_reason": nil,
	}
}
