package report

import (
	"context"
	"time"

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

type extentRow struct {
	Events    int64     `ch:"events"`
	Received  time.Time `ch:"received"`
	Revisions int64     `ch:"revisions"`
	Known     time.Time `ch:"known"`
}

// Extent is how much is on record, and how far it reaches.
func (a *Asker) Extent(ctx context.Context) (Answer[Record], error) {
	return answer(ctx, a, "extent", nil, (*extentRow).record)
}

func (r *extentRow) record() Record {
	return Record{Events: r.Events, Revisions: r.Revisions, Received: instant(r.Received), KnownAt: instant(r.Known)}
}
