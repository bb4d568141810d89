// Package flows says where data was seen to go: it reads the flows of a period, and package
// boundary compares them with what is declared.
package flows

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Params choose what is compared with the declared boundary.
type Params struct {
	Tenant string
	Period ask.Period
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
	Period ask.Period         `json:"period"`
	AsOf   compliance.Instant `json:"as_of,omitzero"`
	Bundle string             `json:"bundle"`

	*boundary.Compared

	Made []ask.Made `json:"made"`
}

// Schema names the version of Boundary as JSON.
const Schema = "boundary/v1"

// Make asks who called what, and compares it with what the bundle declares.
func Make(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) (*Boundary, error) {
	if err := ask.CheckAsOf(p.AsOf, p.Now); err != nil {
		return nil, err
	}
	declared, err := boundary.Declared(bundle.Declarations)
	if err != nil {
		return nil, err
	}
	a := &ask.Inquiry{Conn: conn, Tenant: p.Tenant, AsOf: p.AsOf}
	rows, err := ask.Rows[flowRow](ctx, a, "data_flows", ask.Window(p.Period.From, p.Period.To)...)
	if err != nil {
		return nil, err
	}
	seen := make([]boundary.Seen, len(rows))
	for i := range rows {
		seen[i] = rows[i].seen()
	}
	return &Boundary{
		Schema: Schema, Tenant: p.Tenant, Period: p.Period, AsOf: p.AsOf, Bundle: bundle.Hash,
		Compared: boundary.Compare(seen, declared, p.Period.From, p.Period.To), Made: a.Made,
	}, nil
}

// Compare compares what was called in a period with a declaration, for a page.
func Compare(ctx context.Context, a *ask.Asker, d *boundary.Declaration, p ask.Period) (*boundary.Compared, ask.Made, error) {
	seen, err := Seen(ctx, a, p)
	if err != nil {
		return nil, ask.Made{}, err
	}
	return boundary.Compare(seen.Rows, d, p.From, p.To), seen.Made, nil
}

// Seen lists who called what, by day.
func Seen(ctx context.Context, a *ask.Asker, p ask.Period) (ask.Answer[boundary.Seen], error) {
	return ask.Question(ctx, a, "data_flows", ask.Window(p.From, p.To), (*flowRow).seen)
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
		First: ask.Instant(r.First), Last: ask.Instant(r.Last), Before: r.Before == 1,
	}
}
