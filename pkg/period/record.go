package period

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// Window is [From, To).
func (p *Period) Window() ask.Period { return ask.Period{From: p.From, To: p.To} }

// List reads what is on record of a tenant's periods, by when they begin.
func List(ctx context.Context, conn clickhouse.Conn, tenant string) ([]*Period, error) {
	types, err := dictionary.Default()
	if err != nil {
		return nil, err
	}
	var events []*compliance.Event
	record := listing.Recorded{Types: types, Tenant: tenant}
	_, always := ask.Always()
	if err := record.FromClickHouse(ctx, conn, []string{Opened, Closed, Sealed}, always, func(ev *compliance.Event) error {
		events = append(events, ev)
		return nil
	}); err != nil {
		return nil, err
	}
	periods, _ := Fold(events)
	return periods, nil
}

// Settled refuses a period for which events that come late still count.
func Settled(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p *Period) error {
	clock, err := ask.Clock(ctx, conn)
	if err != nil {
		return err
	}
	late := time.Duration(0)
	for _, c := range bundle.Controls {
		for _, v := range c.Versions {
			late = max(late, v.CorrectUntil)
		}
	}
	if until := p.To.Add(late); clock < until {
		return compliance.Errorf(compliance.Conflict,
			"late events count until %s, and the log is at %s: wait, or say with --early why it can't", until, clock)
	}
	return nil
}

// Facts are what was known of a period's items at a time, by control, and their hash.
type Facts struct {
	Controls []listing.Fact `json:"controls"`
	SHA256   string         `json:"sha256"`
}

// FactsAt makes the facts as of a time, for a seal that names a bundle.
func FactsAt(ctx context.Context, conn clickhouse.Conn, tenant string, p *Period, asOf compliance.Instant, bundle string) (Facts, error) {
	controls, err := listing.Facts(ctx, conn, tenant, p.Window(), asOf)
	return Facts{controls, listing.FactsSHA256(tenant, p.Window(), asOf, bundle, controls)}, err
}

// Proof is a seal made again from what is on record, and what was restated since.
type Proof struct {
	Facts Facts `json:"facts"`
	// Intact says that the facts have the hash that was sealed.
	Intact bool `json:"intact"`
	// Restatement lists each verdict that is not what it was, by when that became known.
	Restatement []listing.Restated `json:"restatement,omitempty"`
}

// Prove makes what was sealed again.
func Prove(ctx context.Context, conn clickhouse.Conn, tenant string, p *Period) (*Proof, error) {
	if p.Sealed == nil {
		return nil, compliance.Errorf(compliance.Conflict, "%s is %s: there is no seal to prove", p.ID, p.State())
	}
	facts, err := FactsAt(ctx, conn, tenant, p, p.Sealed.AsOf, p.Sealed.Bundle)
	if err != nil {
		return nil, err
	}
	restated, err := listing.RestatedSince(ctx, ask.New(conn, tenant, 0), p.Window(), p.Sealed.AsOf)
	return &Proof{facts, facts.SHA256 == p.Sealed.FactsSHA256, restated.Rows}, err
}
