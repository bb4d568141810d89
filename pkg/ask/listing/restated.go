package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Restated is a verdict of a period that is not what it was when that was sealed.
type Restated struct {
	Control string `json:"control"`
	ItemID  string `json:"item_id"`
	// Before is what was said then; nil if the item wasn't on record.
	Before *Saying `json:"before"`
	Now    Saying  `json:"now"`
	// KnownAt is when the last that is said became known: the restatement's date.
	KnownAt compliance.Instant `json:"known_at"`
}

// Saying is what a revision says of an item.
type Saying struct {
	ItemTime     compliance.Instant `json:"item_time"`
	Outcome      compliance.Outcome `json:"outcome"`
	Reason       string             `json:"reason,omitempty"`
	RemediatedAt compliance.Instant `json:"remediated_at,omitzero"`
	Revision     int                `json:"revision"`
}

// String is s in a few words.
func (s *Saying) String() string {
	if s == nil {
		return "not on record"
	}
	said := string(s.Outcome)
	if s.Reason != "" {
		said += ": " + s.Reason
	}
	if s.RemediatedAt != 0 {
		said += ", remedied"
	}
	return said
}

type restatedRow struct {
	Control      string    `ch:"control"`
	ItemID       string    `ch:"item_id"`
	ItemTime     time.Time `ch:"item_time"`
	Outcome      string    `ch:"outcome"`
	Reason       string    `ch:"reason"`
	Revision     uint32    `ch:"revision"`
	RemediatedAt time.Time `ch:"remediated_at"`
	KnownAt      time.Time `ch:"known_at"`

	BeforeTime         time.Time `ch:"before_time"`
	BeforeOutcome      string    `ch:"before_outcome"`
	BeforeReason       string    `ch:"before_reason"`
	BeforeRevision     uint32    `ch:"before_revision"`
	BeforeRemediatedAt time.Time `ch:"before_remediated_at"`
}

func (r *restatedRow) restated() Restated {
	out := Restated{
		Control: r.Control, ItemID: r.ItemID, KnownAt: ask.Instant(r.KnownAt),
		Now: Saying{ask.Instant(r.ItemTime), compliance.Outcome(r.Outcome), r.Reason, ask.Instant(r.RemediatedAt), int(r.Revision)},
	}
	if r.BeforeRevision > 0 {
		out.Before = &Saying{ask.Instant(r.BeforeTime), compliance.Outcome(r.BeforeOutcome), r.BeforeReason, ask.Instant(r.BeforeRemediatedAt), int(r.BeforeRevision)}
	}
	return out
}

// RestatedSince lists the verdicts of a period that are not what they were at a time, by
// when that became known.
func RestatedSince(ctx context.Context, a *ask.Asker, p ask.Period, sealed compliance.Instant) (ask.Answer[Restated], error) {
	return ask.Question(ctx, a, "restated", append(ask.Window(p.From, p.To), clickhouse.Named("sealed", sealed)), (*restatedRow).restated)
}
