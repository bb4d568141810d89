package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Completeness says whether a control's population is proven complete, and from what.
type Completeness struct {
	Proven bool `json:"proven"`
	// How names the proof: heartbeats or calendar.
	How string `json:"how"`
	// Why not, one sentence a cause.
	Why []string `json:"why,omitempty"`
	// Sources are the declared ones of the population's event types.
	Sources []SourceLife `json:"sources,omitempty"`
	// Expected is how many items the calendar makes in the period. Missing are those
	// that have begun and are not on record: nobody knows what is to be said of them.
	Expected int64 `json:"expected,omitempty"`
	Missing  int64 `json:"missing,omitempty"`
}

// The ways to prove a population.
const (
	ByHeartbeats = "heartbeats"
	ByCalendar   = "calendar"
)

// SourceLife is what is known of a source over the period.
type SourceLife struct {
	Source string `json:"source"`
	// MaxGap is how far apart its signs of life may be; 0 if it declares none.
	MaxGap Duration `json:"max_gap"`
	// First and Last are its signs of life around the period; zero if there is none.
	First compliance.Instant `json:"first,omitzero"`
	Last  compliance.Instant `json:"last,omitzero"`
	// RetiredAt is when it said that no more will come; zero if it didn't.
	RetiredAt compliance.Instant `json:"retired_at,omitzero"`
	Gaps      []Gap              `json:"gaps,omitempty"`
	// Holes are the times between two signs of life from which events are missing.
	Holes []Hole `json:"holes,omitempty"`
}

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

// Duration is written as 3h0m0s.
type Duration time.Duration

// String is d as Go writes it.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText writes String.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// life is a source's as the question signs_of_life tells it.
type life struct {
	SourceLife
	heard bool
}

type beatRow struct {
	Source  string    `ch:"source"`
	At      time.Time `ch:"at"`
	Retired bool      `ch:"retired"`
	Next    time.Time `ch:"next"`
	IsFirst bool      `ch:"is_first"`
	IsLast  bool      `ch:"is_last"`
}

// lives asks for all sources that promise heartbeats.
func (a *asker) lives(ctx context.Context, sources []control.Source, p Period) (map[string]*life, error) {
	lives := map[string]*life{}
	var names []string
	var gaps []int64
	for _, s := range sources {
		lives[s.Name] = &life{SourceLife: SourceLife{Source: s.Name, MaxGap: Duration(s.MaxGap)}}
		if s.MaxGap > 0 {
			names, gaps = append(names, s.Name), append(gaps, s.MaxGap.Microseconds())
		}
	}
	if len(names) == 0 {
		return lives, nil
	}
	rows, err := ask[beatRow](ctx, a, "signs_of_life",
		append(window(p.From, p.To), clickhouse.Named("sources", names), clickhouse.Named("gaps", gaps))...)
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
	return lives, a.holes(ctx, sources, p, lives)
}

// holes asks what is missing of the sources that count.
func (a *asker) holes(ctx context.Context, sources []control.Source, p Period, lives map[string]*life) error {
	names := counting(sources)
	if len(names) == 0 {
		return nil
	}
	rows, err := ask[holeRow](ctx, a, "holes", append(window(p.From, p.To), clickhouse.Named("sources", names))...)
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
func (r *holeRow) hole(p Period) Hole {
	h := Hole{Gap{instant(r.At), instant(r.Next)}, r.Missing}
	if r.Fell {
		h.To = max(h.To, p.To)
	}
	return h
}

// take adds what one row tells. Rows of a source come in the order of time.
func (l *life) take(row beatRow, p Period) {
	at, next := instant(row.At), instant(row.Next)
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

func (l *life) gap(from, to compliance.Instant) { l.Gaps = append(l.Gaps, Gap{from, to}) }

// completeness says whether the control's population is proven complete.
func (a *answers) completeness(bundle *control.Bundle, c *control.Control, p Period, of *Control) Completeness {
	var proof Completeness
	if c.Population.Schedule != nil {
		proof = byCalendar(bundle, c.Population.Schedule, p, of.Counts.Items, a.at)
	} else {
		proof = a.byHeartbeats(bundle, c.Population.Types, p)
	}
	if bundle.EffectiveFrom > p.From {
		proof.not("the bundle is in force from %s only, so nothing before is tested", bundle.EffectiveFrom)
	}
	for _, r := range of.Reasons {
		if r.Reason == compliance.ReasonPopulationError {
			proof.not("of %s it couldn't be told whether they belong to the population", items(r.Items, "", ""))
		}
	}
	proof.Proven = len(proof.Why) == 0
	return proof
}

func (c *Completeness) not(format string, args ...any) {
	c.Why = append(c.Why, fmt.Sprintf(format, args...))
}

// byCalendar compares the items with those that the calendar makes.
func byCalendar(bundle *control.Bundle, s *control.Schedule, p Period, on int64, now compliance.Instant) Completeness {
	proof := Completeness{How: ByCalendar}
	begun := int64(0)
	for slot := s.First(max(p.From, bundle.EffectiveFrom)); slot.Start < p.To; slot = s.Next(slot) {
		members := int64(len(bundle.MembersAt(s, slot.Start)))
		proof.Expected += members
		if slot.Start < now {
			begun += members
		}
	}
	proof.Missing = max(0, begun-on)
	if on != proof.Expected {
		proof.not("the calendar makes %s, and %d are on record", items(proof.Expected, "", ""), on)
	}
	return proof
}

// byHeartbeats looks at the sources that declare the population's types.
func (a *answers) byHeartbeats(bundle *control.Bundle, types []string, p Period) Completeness {
	proof := Completeness{How: ByHeartbeats}
	of := bundle.SourcesOf(types)
	if len(of) == 0 {
		proof.not("no declared source sends %s", strings.Join(types, " or "))
	}
	for _, i := range of {
		l := a.lives[bundle.Sources[i].Name]
		proof.Sources = append(proof.Sources, l.SourceLife)
		switch {
		case l.MaxGap == 0:
			proof.not("%s declares no max_gap, so its silence proves nothing", l.Source)
		case !l.heard:
			proof.not("%s never sent a heartbeat", l.Source)
		default:
			l.explain(&proof, p)
		}
	}
	return proof
}

// explain says where the source was silent.
func (l *life) explain(proof *Completeness, p Period) {
	gaps := l.Gaps
	if n := len(gaps); n > 0 && l.Last < p.To && l.RetiredAt != l.Last {
		gaps = gaps[:n-1]
		proof.not("%s was last heard at %s, and not at or after the period's end", l.Source, l.Last)
	}
	if len(gaps) > 0 {
		longest := slices.MaxFunc(gaps, func(a, b Gap) int { return cmp.Compare(a.To-a.From, b.To-b.From) })
		proof.not("%s was silent for more than %s %s, the longest from %s to %s",
			l.Source, l.MaxGap, times(len(gaps)), longest.From, longest.To)
	}
	if n := len(l.Holes); n > 0 {
		proof.not("numbers of events of %s are missing %s, first between %s and %s", l.Source, times(n), l.Holes[0].From, l.Holes[0].To)
	}
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
