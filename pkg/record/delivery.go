package record

import "assay.example/assay/pkg/compliance"

// DeliverySchema names the version of Delivery.
const DeliverySchema = "delivery/v1"

// Action is what a message asks of a target.
type Action string

// The actions.
const (
	// Trigger opens an incident or alert, or keeps it open.
	Trigger Action = "trigger"
	// Resolve ends what a trigger opened.
	Resolve Action = "resolve"
	// Notify tells people, with nothing to resolve later.
	Notify Action = "notify"
)

// DeliveryOutcome is how an attempt ended.
type DeliveryOutcome string

// The outcomes. All but Retried end a message.
const (
	Delivered DeliveryOutcome = "delivered"
	// Retried: it failed and is attempted again.
	Retried DeliveryOutcome = "retry"
	// Refused: the target said no in a way that another attempt doesn't change,
	// or its address is not allowed.
	Refused DeliveryOutcome = "refused"
	// Abandoned: it failed, and is too old to be attempted again.
	Abandoned DeliveryOutcome = "abandoned"
)

// Delivery is one attempt to tell one target of one or more violations. Violations,
// Items and Revisions have the same length and order.
type Delivery struct {
	Schema     string   `json:"schema"` // "delivery/v1"
	ID         string   `json:"id"`     // of the attempt, a UUID
	Tenant     string   `json:"tenant"`
	Violations []string `json:"violations"` // Violation.ID of each
	Items      []string `json:"items"`
	Revisions  []int    `json:"revisions"`
	Control    string   `json:"control"`
	Route      string   `json:"route"`
	Target     string   `json:"target"`
	// Kind is of the target: webhook, slack, pagerduty or alertmanager.
	Kind   string `json:"kind"`
	Action Action `json:"action"`
	// Group is of the message: the same for all its attempts, and the
	// webhook-id of webhooks.
	Group string `json:"group"`
	// Attempt counts the attempts of a message from 1; a restart begins anew.
	Attempt int             `json:"attempt"`
	Outcome DeliveryOutcome `json:"outcome"`
	// Status is the HTTP status, 0 if there was no answer.
	Status int `json:"status,omitempty"`
	// Error holds no secret, no URL and no control character.
	Error string `json:"error,omitempty"`
	// DurationMS is from the first byte out to the last byte in, in milliseconds.
	DurationMS int64 `json:"duration_ms"`
	// RequestSHA256 is of the body that was sent.
	RequestSHA256 compliance.Hash    `json:"request_sha256"`
	At            compliance.Instant `json:"at"`
}

// DeliveryKey is the Kafka key of a delivery.
func DeliveryKey(tenant, target string) string { return tenant + "/" + target }
