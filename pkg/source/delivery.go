package source

import (
	"assay.example/assay/pkg/compliance"
)

// Delivery is what came in at once, after its sender was believed: one webhook, one
// file, one export of spans.
type Delivery struct {
	// Headers by name in lower case; only those that a mapping may look at.
	Headers map[string]string
	// Body is the payload as Decode reads JSON: map[string]any, []any, string, bool,
	// int64, float64, nil.
	Body any
	// SHA256 is of the payload's bytes.
	SHA256 compliance.Hash
	// Received is when it came. It is the time of what says no time of its own.
	Received compliance.Instant
}

// Event is one event that a delivery tells of.
type Event struct {
	Type string
	// ID is the vendor's own where the payload has one, so that a delivery that is
	// repeated, replayed or sent by two hooks is one event.
	ID   string
	Time compliance.Instant
	// Data is the event's data: one JSON object, keys sorted, which fits Type.
	Data []byte
	// Key is the event's Kafka key; empty says that it is the event's source.
	Key string
	// Mapping is the place of the mapping: "github/deployment.yaml:12".
	Mapping string
}

// Mapped is what became of a delivery.
type Mapped struct {
	// Kinds are the vendor's words for what the delivery holds, such as
	// "deployment_status.created", sorted and each once.
	Kinds  []string
	Events []Event
	// Unmapped lists kinds of records that no mapping took.
	Unmapped []string
	// Faults says why a mapping failed for a record that it should have taken.
	Faults []Fault
}

// Fault is a mapping that failed.
type Fault struct {
	// Record is its place in the delivery, from 0.
	Record  int
	Mapping string
	Err     error
}
