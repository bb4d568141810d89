package workspace

import (
	"cmp"
	"context"
	"fmt"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/sampling"
)

// Wish is what an auditor wants drawn. The engagement and its period are the workspace's.
type Wish struct {
	Control   string
	Plan      *sampling.Plan
	Frequency sampling.Frequency
	Stratum   string
	// AsOf is up to when revisions count; zero is now, which is kept, so that the draw can be
	// made again.
	AsOf compliance.Instant
}

// Draw draws a sample as assay sample does, keeps it and is its id.
func (d *Desk) Draw(ctx context.Context, engagement string, bundle *control.Bundle, wish *Wish) (id string, err error) {
	if err := d.auditor("draw samples"); err != nil {
		return "", err
	}
	w, err := d.read(ctx, engagement)
	if err != nil {
		return "", err
	}
	drawn, err := sample.Make(ctx, d.Conn, bundle, sample.Params{
		Tenant: d.Tenant, Control: wish.Control, Engagement: w.Engagement.Name, Period: w.Engagement.Period(), AsOf: cmp.Or(wish.AsOf, d.Now), Now: d.Now,
		Plan: wish.Plan, Frequency: wish.Frequency, Stratum: wish.Stratum,
	})
	if err != nil {
		return "", err
	}
	s := sampleOf(drawn)
	s.Said, s.Mark = wish.Frequency, d.mark(1)
	return d.numbered(len(w.Samples), func(n int) (string, error) {
		s.ID = fmt.Sprintf("S-%d", n)
		return s.ID, d.keep(ctx, engagement, kindSample, s.ID, 1, s)
	})
}

// sampleOf is a draw as it is kept.
func sampleOf(drawn *sample.Sample) *Sample {
	s := &Sample{
		Control: drawn.Control, From: drawn.Period.From, To: drawn.Period.To, AsOf: drawn.AsOf, Plan: drawn.Plan, Frequency: drawn.Frequency,
		Stratum: drawn.Stratum, PopulationSize: drawn.Population.Size, PopulationSHA256: drawn.Population.SHA256,
		Strata: []Stratum{}, Items: []Item{}, Attributes: []Attribute{}, Share: ShareNothing,
	}
	for i := range drawn.Strata {
		of := &drawn.Strata[i]
		s.Strata = append(s.Strata, Stratum{of.Name, of.Size, of.SHA256, of.Seed})
		for j := range of.Items {
			it := &of.Items[j]
			s.Items = append(s.Items, Item{ID: it.Item.ID, Time: it.Item.Time, Stratum: of.Name, Run: it.Run, Position: it.Position})
		}
	}
	return s
}

// Again makes the draw again from what is on record, and says whether it is the same.
func (s *Sample) Again(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, tenant, engagement string, now compliance.Instant) (drawn *sample.Sample, same bool, err error) {
	drawn, err = sample.Make(ctx, conn, bundle, sample.Params{
		Tenant: tenant, Control: s.Control, Engagement: engagement, Period: ask.Period{Label: s.From.String() + "/" + s.To.String(), From: s.From, To: s.To},
		AsOf: s.AsOf, Now: now, Plan: s.Plan, Frequency: s.Said, Stratum: s.Stratum,
	})
	if err != nil {
		return nil, false, err
	}
	return drawn, sampleOf(drawn).equals(s), nil
}

// equals says whether two draws have the same population and items.
func (s *Sample) equals(other *Sample) bool {
	if s.PopulationSHA256 != other.PopulationSHA256 || len(s.Items) != len(other.Items) {
		return false
	}
	for i := range s.Items {
		if s.Items[i].ID != other.Items[i].ID {
			return false
		}
	}
	return true
}
