package compliance

import (
	"cmp"
	"encoding/hex"
)

// Family is one of the groups of events; each has a topic of its own.
type Family string

// The families. Assurance holds what belongs to no single flow: backups,
// vendor reviews, heartbeats of sources (docs/adr/0003).
const (
	Access     Family = "access"
	Deployment Family = "deployment"
	Incident   Family = "incident"
	ModelCall  Family = "model-call"
	Assurance  Family = "assurance"
)

// Families lists all of them, in the order in which pages and topics show them.
func Families() []Family { return []Family{Access, Deployment, Incident, ModelCall, Assurance} }

// Event is one immutable fact. Tenant, Source and ID identify it.
type Event struct {
	Tenant string
	Source string
	ID     string
	Type   string
	// Time is when it happened, by its source's clock.
	Time Instant
	// Received is when the log took it.
	Received Instant
	// Sequence counts a source's events from 1 without gaps; 0 says that the
	// source doesn't count.
	Sequence uint64
	// Data is the body: strings, bools, int64, float64, []any, map[string]any.
	Data map[string]any
	Ref  Ref
}

// EventKey identifies an event.
type EventKey struct{ Tenant, Source, ID string }

// Key identifies e.
func (e *Event) Key() EventKey { return EventKey{e.Tenant, e.Source, e.ID} }

// Compare orders events by (time, source, id): the one order that verdicts know.
func (e *Event) Compare(o *Event) int {
	if c := cmp.Compare(e.Time, o.Time); c != 0 { // texts are far away
		return c
	}
	return cmp.Or(cmp.Compare(e.Source, o.Source), cmp.Compare(e.ID, o.ID))
}

// Ref says where the log keeps an event and what its bytes hash to.
type Ref struct {
	Topic     string
	Partition int32
	Offset    int64
	// SHA256 is of the record's value, as received.
	SHA256 Hash
}

// Hash is a SHA-256, written as lower-case hex.
type Hash [32]byte

// String is h in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes hex.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads hex.
func (h *Hash) UnmarshalText(b []byte) error {
	if hex.DecodedLen(len(b)) != len(h) {
		return Errorf(Invalid, "a SHA-256 has 64 hex digits, not %d", len(b))
	}
	if _, err := hex.Decode(h[:], b); err != nil {
		return Errorf(Invalid, "a SHA-256 is hex: %v", err)
	}
	return nil
}
