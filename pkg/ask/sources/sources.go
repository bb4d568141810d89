package sources

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Day is what a source sent on a day; Beats are its signs of life.
type Day struct {
	Source string    `ch:"source"`
	Day    time.Time `ch:"day"`
	Events int64     `ch:"events"`
	Beats  int64     `ch:"beats"`
}

// Days lists what each source sent on each day of a period.
func Days(ctx context.Context, a *ask.Asker, p ask.Period) (ask.Answer[Day], error) {
	return ask.Question(ctx, a, "source_days", ask.Window(p.From, p.To), func(r *Day) Day { return *r })
}

// Heard is when a source was last heard: At by its own clock, Received by the log's.
type Heard struct {
	Source       string
	Events       int64
	At, Received compliance.Instant
}

// LastHeard says it of every source on record.
func LastHeard(ctx context.Context, a *ask.Asker) (ask.Answer[Heard], error) {
	type row struct {
		Source   string    `ch:"source"`
		Events   int64     `ch:"events"`
		Time     time.Time `ch:"last_time"`
		Received time.Time `ch:"last_received"`
	}
	return ask.Question(ctx, a, "last_heard", nil, func(r *row) Heard {
		return Heard{r.Source, r.Events, ask.Instant(r.Time), ask.Instant(r.Received)}
	})
}

// Trouble counts what came of a source and could not be used.
type Trouble struct {
	Source      string `ch:"source"`
	Refused     int64  `ch:"refused"`
	Quarantined int64  `ch:"quarantined"`
}

// TroubleBySource counts it over a period.
func TroubleBySource(ctx context.Context, a *ask.Asker, p ask.Period) (ask.Answer[Trouble], error) {
	return ask.Question(ctx, a, "trouble_by_source", ask.Window(p.From, p.To), func(r *Trouble) Trouble { return *r })
}

// Lives says when each declared source was silent for longer than it may be, by name.
// Made is empty if no source promises signs of life.
func Lives(ctx context.Context, a *ask.Asker, sources []control.Source, p ask.Period) (map[string]Life, ask.Made, error) {
	inner := a.Inquiry()
	found, err := LivesIn(ctx, inner, sources, p)
	if err != nil {
		return nil, ask.Made{}, err
	}
	lives := map[string]Life{}
	for name, l := range found {
		lives[name] = *l
	}
	if len(inner.Made) == 0 {
		return lives, ask.Made{}, nil
	}
	return lives, inner.Made[0], nil
}

// Missing is a hole of a source; Events is how many are missing, as in Hole.
type Missing struct {
	Source   string
	From, To compliance.Instant
	Events   int64
}

// Holes lists where events of sources that count are missing, by source and time.
func Holes(ctx context.Context, a *ask.Asker, sources []control.Source, p ask.Period) (ask.Answer[Missing], error) {
	params := append(ask.Window(p.From, p.To), clickhouse.Named("sources", counting(sources)))
	return ask.Question(ctx, a, "holes", params, func(r *holeRow) Missing {
		h := r.hole(p)
		return Missing{r.Source, h.From, h.To, h.Missing}
	})
}
