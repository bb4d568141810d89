package report

import (
	"context"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// SourceDay is what a source sent on a day; Beats are its signs of life.
type SourceDay struct {
	Source string    `ch:"source"`
	Day    time.Time `ch:"day"`
	Events int64     `ch:"events"`
	Beats  int64     `ch:"beats"`
}

// SourceDays lists what each source sent on each day of a period.
func (a *Asker) SourceDays(ctx context.Context, p Period) (Answer[SourceDay], error) {
	return answer(ctx, a, "source_days", window(p.From, p.To), func(r *SourceDay) SourceDay { return *r })
}

// Heard is when a source was last heard: At by its own clock, Received by the log's.
type Heard struct {
	Source       string
	Events       int64
	At, Received compliance.Instant
}

// LastHeard says it of every source on record.
func (a *Asker) LastHeard(ctx context.Context) (Answer[Heard], error) {
	type row struct {
		Source   string    `ch:"source"`
		Events   int64     `ch:"events"`
		Time     time.Time `ch:"last_time"`
		Received time.Time `ch:"last_received"`
	}
	return answer(ctx, a, "last_heard", nil, func(r *row) Heard {
		return Heard{r.Source, r.Events, instant(r.Time), instant(r.Received)}
	})
}

// Trouble counts what came of a source and could not be used.
type Trouble struct {
	Source      string `ch:"source"`
	Refused     int64  `ch:"refused"`
	Quarantined int64  `ch:"quarantined"`
}

// TroubleBySource counts it over a period.
func (a *Asker) TroubleBySource(ctx context.Context, p Period) (Answer[Trouble], error) {
	return answer(ctx, a, "trouble_by_source", window(p.From, p.To), func(r *Trouble) Trouble { return *r })
}

// Lives says when each declared source was silent for longer than it may be, by name.
// Made is empty if no source promises signs of life.
func (a *Asker) Lives(ctx context.Context, sources []control.Source, p Period) (map[string]SourceLife, Made, error) {
	inner := a.inquiry()
	found, err := inner.lives(ctx, sources, p)
	if err != nil {
		return nil, Made{}, err
	}
	lives := map[string]SourceLife{}
	for name, l := range found {
		lives[name] = *l
	}
	if len(inner.made) == 0 {
		return lives, Made{}, nil
	}
	return lives, inner.made[0], nil
}

// Missing is a hole of a source; Events is how many are missing, as in Hole.
type Missing struct {
	Source   string
	From, To compliance.Instant
	Events   int64
}

// Holes lists where events of sources that count are missing, by source and time.
func (a *Asker) Holes(ctx context.Context, sources []control.Source, p Period) (Answer[Missing], error) {
	params := append(window(p.From, p.To), clickhouse.Named("sources", counting(sources)))
	return answer(ctx, a, "holes", params, func(r *holeRow) Missing {
		h := r.hole(p)
		return Missing{r.Source, h.From, h.To, h.Missing}
	})
}
