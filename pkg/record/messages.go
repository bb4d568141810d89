package record

import (
	"encoding/json"

	"assay.example/assay/pkg/compliance"
)

// Rejected is a record or request that is no event, kept with the reason.
type Rejected struct {
	Tenant string             `json:"tenant,omitempty"`
	At     compliance.Instant `json:"at"`
	// By names the service that refused it.
	By string `json:"by"`
	// Code is stable and for machines: unknown_type, invalid_data, …
	Code   string `json:"code"`
	Reason string `json:"reason"`
	Source string `json:"source,omitempty"`
	ID     string `json:"id,omitempty"`
	Type   string `json:"type,omitempty"`
	// Where it stands in the log, if it came from there (topic empty if not).
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition,omitempty"`
	Offset    int64  `json:"offset,omitempty"`
	// SHA256 and Size are of the whole body, Body is its beginning.
	SHA256 compliance.Hash `json:"sha256"`
	Size   int             `json:"size"`
	Body   []byte          `json:"body,omitempty"`
}

// BodyKept is how much of a rejected body is kept.
const BodyKept = 16 << 10

// Codes of Rejected.
const (
	RejectedMalformed   = "malformed"
	RejectedUnknownType = "unknown_type"
	RejectedInvalidData = "invalid_data"
	RejectedTime        = "implausible_time"
	RejectedTooLarge    = "too_large"
)

// Quarantined is an event that came later than its control corrects.
type Quarantined struct {
	Tenant    string              `json:"tenant"`
	Control   string              `json:"control"`
	JoinKey   string              `json:"join_key"`
	Watermark compliance.Instant  `json:"watermark"`
	Event     compliance.Evidence `json:"event"`
}

// Change says why a violation record was written.
type Change string

// The changes of a violation.
const (
	// Opened: the item became a deviation.
	Opened Change = "opened"
	// Corrected: it no longer is one, since late evidence came.
	Corrected Change = "corrected"
	// Remediated: it stays a deviation, and has been remedied.
	Remediated Change = "remediated"
	// Updated: it stays a deviation, with another reason or other evidence.
	Updated Change = "updated"
)

// Violation is what alerting systems read. ID is stable for (item, revision): a
// consumer that has seen a revision ignores it and every lower one of its item.
type Violation struct {
	Schema string `json:"schema"` // "violation/v1"
	ID     string `json:"id"`     // tenant/control/item#revision
	// Episode stays the same from opened to corrected.
	Episode  string `json:"episode"` // tenant/control/item
	Change   Change `json:"change"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
	// Criteria are Trust Services Criteria ids.
	Criteria []string `json:"criteria"`
	// Supersedes is the revision that this one replaces; 0 if none.
	Supersedes int                 `json:"supersedes,omitempty"`
	Verdict    compliance.Revision `json:"verdict"`
}

// ViolationSchema names the version of Violation.
const ViolationSchema = "violation/v1"

// Control is one record of the control topic.
type Control struct {
	// Kind is "clock", "topology", "activated"; of a change on the running system "proposed",
	// "approved", "activating", "activated" and "refused", in this order.
	Kind string `json:"kind"`
	// Clock: "wall" or "external", from this record on.
	Clock string `json:"clock,omitempty"`
	// Bundle and Activation: the rule set in force, counted 1, 2, ….
	Bundle     string `json:"bundle,omitempty"`
	Activation int    `json:"activation,omitempty"`
	// Files are those of the bundle, packed.
	Files []byte `json:"files,omitempty"`
	// Proposal names a change: the hash of what was proposed. By is who proposed or
	// approved it, At when, by the clock of whoever wrote it, and Reason why it is made, or
	// why it was refused.
	Proposal string             `json:"proposal,omitempty"`
	By       string             `json:"by,omitempty"`
	At       compliance.Instant `json:"at,omitzero"`
	Reason   string             `json:"reason,omitempty"`
	// Restates: verdicts that were given may be others, so another person approves.
	Restates bool `json:"restates,omitempty"`
	// Differences are those from the bundle in force, and Replay the totals of what a
	// replay found, as the tools that made them write them. Restated is what it says of the
	// items whose verdicts change.
	Differences json.RawMessage `json:"differences,omitempty"`
	Replay      json.RawMessage `json:"replay,omitempty"`
	Restated    []Restated      `json:"restated,omitempty"`
	// Markers are the places of the markers by source partition, such as
	// "assay.events.access/0". Routed and Watermark are those of control.Since; of a change
	// that was begun, Watermark is the highest clock when it was looked at.
	Markers   map[string]int64   `json:"markers,omitempty"`
	Routed    compliance.Instant `json:"routed,omitzero"`
	Watermark compliance.Instant `json:"watermark,omitzero"`
	// Preloads: routers read once more, for the controls that lack history, what stands
	// before the markers. Releases that say nothing of it don't.
	Preloads bool `json:"preloads,omitempty"`
	// Topology counts the sets of source partitions; Partitions is the set.
	Topology   int              `json:"topology,omitempty"`
	Partitions map[string]int32 `json:"partitions,omitempty"`
}

// Restated is what an item's verdict is by the rules that are proposed.
type Restated struct {
	Tenant  string             `json:"tenant"`
	Control string             `json:"control"`
	Verdict compliance.Verdict `json:"verdict"`
}

// ItemKey is the Kafka key of what is said about an item.
func ItemKey(tenant, control, item string) string {
	return tenant + "/" + control + "/" + item
}

// DecodeRevision reads a value of the verdicts topic.
func DecodeRevision(value []byte) (*compliance.Revision, error) {
	var r compliance.Revision
	if err := json.Unmarshal(value, &r); err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "reading a verdict: %w", err)
	}
	return &r, nil
}
