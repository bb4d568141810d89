package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/compliance"
)

// Record is how much was on record for the tenant, and how far it reached.
type Record struct {
	Events    int64 `json:"events"`
	Revisions int64 `json:"verdict_revisions"`
	// Received is when the last event came, KnownAt when the last verdict did; zero
	// if there is none.
	Received compliance.Instant `json:"last_event_received,omitzero"`
	KnownAt  compliance.Instant `json:"last_verdict_known,omitzero"`
}

// ExtentRow is the row of the question extent.
type ExtentRow struct {
	Events    int64     `ch:"events"`
	Received  time.Time `ch:"received"`
	Revisions int64     `ch:"revisions"`
	Known     time.Time `ch:"known"`
}

// Extent is how much is on record, and how far it reaches.
func Extent(ctx context.Context, a *ask.Asker) (ask.Answer[Record], error) {
	return ask.Question(ctx, a, "extent", nil, (*ExtentRow).Record)
}

// Record is what the row says.
func (r *ExtentRow) Record() Record {
	return Record{Events: r.Events, Revisions: r.Revisions, Received: ask.Instant(r.Received), KnownAt: ask.Instant(r.Known)}
}
