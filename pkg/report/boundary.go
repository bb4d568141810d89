package report

import (
	"context"
	"time"

	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// BoundaryParams choose what is compared with the declared boundary.
type BoundaryParams struct {
	Tenant string
	Period Period
	// AsOf is up to when events count; zero: all that are on record.
	AsOf compliance.Instant
	// Now is the time of asking; AsOf must not lie ahead of it.
	Now compliance.Instant
}

// Boundary is where data went in a period, beside where it may go. It bears no time at
// which it was made: the same again is the same bytes.
type Boundary struct {
	Schema string             `json:"schema"` // BoundarySchema
	Tenant string             `json:"tenant"`
	Period Period             `json:"period"`
	AsOf   compliance.Instant `json:"as_of,omitzero"`
	Bundle string             `json:"bundle"`

	*boundary.Compared

	Made []Made `json:"made"`
}

// BoundarySchema names the version of Boundary as JSON.
const BoundarySchema = "boundary/v1"

// MakeBoundary asks who called what, and compares it with what the bundle declares.
func MakeBoundary(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p BoundaryParams) (*Boundary, error) {
	if err := checkAsOf(p.AsOf, p.Now); err != nil {
		return nil, err
	}
	declared, err := boundary.Declared(bundle.Declarations)
	if err != nil {
		return nil, err
	}
	a := &asker{conn: conn, tenant: p.Tenant, then: p.AsOf}
	rows, err := ask[flowRow](ctx, a, "data_flows", window(p.Period.From, p.Period.To)...)
	if err != nil {
		return nil, err
	}
	seen := make([]boundary.Seen, len(rows))
	for i := range rows {
		seen[i] = rows[i].seen()
	}
	return &Boundary{
		Schema: BoundarySchema, Tenant: p.Tenant, Period: p.Period, AsOf: p.AsOf, Bundle: bundle.Hash,
		Compared: boundary.Compare(seen, declared, p.Period.From, p.Period.To), Made: a.made,
	}, nil
}

// Boundary compares what was called in a period with a declaration, for a page.
func (a *Asker) Boundary(ctx context.Context, d *boundary.Declaration, p Period) (*boundary.Compared, Made, error) {
	seen, err := a.DataFlows(ctx, p)
	if err != nil {
		return nil, Made{}, err
	}
	return boundary.Compare(seen.Rows, d, p.From, p.To), seen.Made, nil
}

// DataFlows lists who called what, by day.
func (a *Asker) DataFlows(ctx context.Context, p Period) (Answer[boundary.Seen], error) {
	return answer(ctx, a, "data_flows", window(p.From, p.To), (*flowRow).seen)
}

type flowRow struct {
	Before uint8     `ch:"before"`
	Day    time.Time `ch:"on_day"`
	Kind   string    `ch:"kind"`
	Caller string    `ch:"caller"`
	Name   string    `ch:"name"`
	Model  string    `ch:"model"`
	Region string    `ch:"region"`
	Class  string    `ch:"class"`
	First  time.Time `ch:"first_seen"`
	Last   time.Time `ch:"last_seen"`
}

func (r *flowRow) seen() boundary.Seen {
	return boundary.Seen{
		Flow: boundary.Flow{
			Kind: boundary.Kind(r.Kind), Caller: r.Caller, Name: r.Name, Model: r.Model, Region: r.Region, Class: r.Class,
		},
		First: instant(r.First), Last: instant(r.Last), Before: r.Before == 1,
	}
}
