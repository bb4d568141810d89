// Package sources tells what is on record of the sources of events: when each gave a sign of
// life, where it was silent for longer than it promised, and where numbers of its events are
// missing.
package sources

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Life is what is known of a source over the period.
type Life struct {
	Source string `json:"source"`
	// MaxGap is how far apart its signs of life may be; 0 if it declares none.
	MaxGap ask.Duration `json:"max_gap"`
	// First and Last are its signs of life around the period; zero if there is none.
	First compliance.Instant `json:"first,omitzero"`
	Last  compliance.Instant `json:"last,omitzero"`
	// RetiredAt is when it said that no more will come; zero if it didn't.
	RetiredAt compliance.Instant `json:"retired_at,omitzero"`
	Gaps      []Gap              `json:"gaps,omitempty"`
	// Holes are the times between two signs of life from which events are missing.
	Holes []Hole `json:"holes,omitempty"`

	heard bool
}

// Heard says whether there is a sign of life of it at all.
func (l *Life) Heard() bool { return l.heard }

// Hole is a time from which events are missing: the numbers of a source that counts have
// a gap there. Missing is how many; 0 if that can't be told, since a sign of life has no
// number, or a smaller one than before.
type Hole struct {
	Gap
	Missing int64 `json:"missing"`
}

// Gap is a time without a sign of life, longer than the source's max_gap or
// reaching beyond the period's end.
type Gap struct {
	From compliance.Instant `json:"from"`
	To   compliance.Instant `json:"to"`
}

type beatRow struct {
	Source  string    `ch:"source"`
	At      time.Time `ch:"at"`
	Retired bool      `ch:"retired"`
	Next    time.Time `ch:"next"`
	IsFirst bool      `ch:"is_first"`
	IsLast  bool      `ch:"is_last"`
}

// LivesIn asks for all sources that promise heartbeats.
func LivesIn(ctx context.Context, a *ask.Inquiry, sources []control.Source, p ask.Period) (map[string]*Life, error) {
	lives := map[string]*Life{}
	var names []string
	var gaps []int64
	for _, s := range sources {
		lives[s.Name] = &Life{Source: s.Name, MaxGap: ask.Duration(s.MaxGap)}
		if s.MaxGap > 0 {
			names, gaps = append(names, s.Name), append(gaps, s.MaxGap.Microseconds())
		}
	}
	if len(names) == 0 {
		return lives, nil
	}
	rows, err := ask.Rows[beatRow](ctx, a, "signs_of_life",
		append(ask.Window(p.From, p.To), clickhouse.Named("sources", names), clickhouse.Named("gaps", gaps))...)
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		lives[row.Source].take(row, p)
	}
	for _, name := range names {
		if l := lives[name]; !l.heard {
			l.Gaps = []Gap{{p.From, p.To}}
		}
	}
	return lives, fillHoles(ctx, a, sources, p, lives)
}

// fillHoles asks what is missing of the sources that count.
func fillHoles(ctx context.Context, a *ask.Inquiry, sources []control.Source, p ask.Period, lives map[string]*Life) error {
	names := counting(sources)
	if len(names) == 0 {
		return nil
	}
	rows, err := ask.Rows[holeRow](ctx, a, "holes", append(ask.Window(p.From, p.To), clickhouse.Named("sources", names))...)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if h := r.hole(p); h.From < p.To && h.To >= p.From {
			lives[r.Source].Holes = append(lives[r.Source].Holes, h)
		}
	}
	return nil
}

func counting(sources []control.Source) []string {
	names := []string{}
	for _, s := range sources {
		if s.Counts {
			names = append(names, s.Name)
		}
	}
	return names
}

type holeRow struct {
	Source  string    `ch:"source"`
	At      time.Time `ch:"at"`
	Next    time.Time `ch:"next"`
	Fell    bool      `ch:"fell"`
	Missing int64     `ch:"missing"`
}

// hole reaches to the period's end if the count fell: nothing that comes after tells
// anything.
func (r *holeRow) hole(p ask.Period) Hole {
	h := Hole{Gap{ask.Instant(r.At), ask.Instant(r.Next)}, r.Missing}
	if r.Fell {
		h.To = max(h.To, p.To)
	}
	return h
}

// take adds what one row tells. Rows of a source come in the order of time.
func (l *Life) take(row beatRow, p ask.Period) {
	at, next := ask.Instant(row.At), ask.Instant(row.Next)
	l.heard, l.Last = true, at
	if row.IsFirst {
		l.First = at
		if at > p.From.Add(time.Duration(l.MaxGap)) {
			l.gap(p.From, min(at, p.To))
		}
	}
	switch {
	case row.Retired:
		l.RetiredAt = at
	case row.IsLast:
		if at < p.To {
			l.gap(max(at, p.From), p.To)
		}
	case next.Sub(at) > time.Duration(l.MaxGap) && at < p.To && next > p.From:
		l.gap(at, next)
	}
}

func (l *Life) gap(from, to compliance.Instant) { l.Gaps = append(l.Gaps, Gap{from, to}) }
