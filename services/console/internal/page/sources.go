package page

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/coverage"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/chart"
)

// sourcesBody is what came of each source, and when it was silent.
type sourcesBody struct {
	When         *when
	Months       chart.SVG
	Sources      []*sourceRow
	Undeclared   []*sourceRow
	Bound        bool
	MadeDays     made
	MadeLives    made
	MadeHeard    made
	MadeTrouble  made
	MadeLate     made
	MadeUnused   made
	Days         []sourceDay
	Again        []command
	SilentCount  int
	RejectedLink string
}

// sourceRow is one source over a period.
type sourceRow struct {
	sources.Life

	Name        string
	Types       []string
	Declared    bool
	May         string
	Strip       chart.SVG
	Summary     string
	Silences    []gapRow
	Events      int64
	Beats       int64
	Heard       *sources.Heard
	Refused     int64
	Quarantined int64
	EventsLink  string
	RefusedLink string
}

// gapRow is a silence. Missing says what is missing, if numbers tell of it.
type gapRow struct{ From, To, Lasted, Missing string }

// sourceDay is a day of the table beside the strips.
type sourceDay struct {
	Source, Day                     string
	Events, Beats                   int64
	Median, P99, Longest            string
	Refused, Quarantined, Conflicts int64
}

// dayTable is what came of each source and day, how late, and what of it could not be used.
func dayTable(late []coverage.Lateness, trouble []coverage.Trouble) []sourceDay {
	rows := map[[2]string]*sourceDay{}
	row := func(source string, day time.Time) *sourceDay {
		key := [2]string{source, day.UTC().Format(time.DateOnly)}
		if rows[key] == nil {
			rows[key] = &sourceDay{Source: source, Day: key[1]}
		}
		return rows[key]
	}
	for _, d := range late {
		r := row(d.Source, d.Day)
		r.Events, r.Beats = d.Records, d.Heartbeats
		if d.Records > 0 {
			r.Median, r.P99, r.Longest = rounded(d.Median), rounded(d.P99), rounded(d.Longest)
		}
	}
	for _, d := range trouble {
		r := row(d.Source, d.Day)
		r.Refused, r.Quarantined, r.Conflicts = d.Refused, d.Quarantined, d.Conflicts
	}
	var days []sourceDay
	for _, r := range slices.SortedFunc(maps.Values(rows), func(a, b *sourceDay) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Day, b.Day))
	}) {
		days = append(days, *r)
	}
	return days
}

func rounded(d ask.Duration) string { return time.Duration(d).Round(time.Millisecond).String() }

func (v *visit) coverageCommand(p ask.Period) string {
	return shell(append(append([]string{"assay", "coverage"}, flagsOf(p)...), v.common()...)...)
}

func sourcesPage(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	b := &sourcesBody{When: w, Bound: v.Bound(), RejectedLink: v.to("/rejected", w.Pairs...)}
	var days ask.Answer[sources.Day]
	var trouble ask.Answer[sources.Trouble]
	var heard ask.Answer[sources.Heard]
	var extent ask.Answer[listing.Record]
	var late ask.Answer[coverage.Lateness]
	var unused ask.Answer[coverage.Trouble]
	questions := []func(context.Context) error{
		asked(&days, func(ctx context.Context) (ask.Answer[sources.Day], error) {
			return sources.Days(ctx, v.asker, w.Period)
		}),
		asked(&trouble, func(ctx context.Context) (ask.Answer[sources.Trouble], error) {
			return sources.TroubleBySource(ctx, v.asker, w.Period)
		}),
		asked(&extent, v.extent),
		asked(&late, func(ctx context.Context) (ask.Answer[coverage.Lateness], error) {
			return coverage.Days(ctx, v.asker, w.Period)
		}),
		asked(&unused, func(ctx context.Context) (ask.Answer[coverage.Trouble], error) {
			return coverage.Troubles(ctx, v.asker, w.Period)
		}),
	}
	if !v.Bound() {
		questions = append(questions, asked(&heard, func(ctx context.Context) (ask.Answer[sources.Heard], error) { return sources.LastHeard(ctx, v.asker) }))
	}
	if err := v.together(questions...); err != nil {
		return nil, err
	}
	known := v.reaches(w, extent)
	lives, m, err := v.livesUntil(w, known)
	if err != nil {
		return nil, err
	}
	b.MadeDays, b.MadeLives, b.MadeHeard, b.MadeTrouble = v.made(days.Made), v.made(m), v.made(heard.Made), v.made(trouble.Made)
	b.MadeLate, b.MadeUnused, b.Days = v.made(late.Made), v.made(unused.Made), dayTable(late.Rows, unused.Rows)
	b.fill(v, &lifeOfSources{days.Rows, trouble.Rows, heard.Rows, lives, min(known, w.To)})
	return &sheet{Template: "sources", Title: "Sources", Body: b}, nil
}

// livesUntil are the sources' silences up to where the record reaches.
func (v *visit) livesUntil(w *when, known compliance.Instant) (map[string]sources.Life, ask.Made, error) {
	p := w.Period
	if p.To = min(p.To, known); p.To <= p.From {
		return nil, ask.Made{}, nil
	}
	return sources.Lives(v.ctx(), v.asker, v.Bundle.Sources, p)
}

// lifeOfSources is what was asked of sources.
type lifeOfSources struct {
	days    []sources.Day
	trouble []sources.Trouble
	heard   []sources.Heard
	lives   map[string]sources.Life
	end     compliance.Instant
}

func (b *sourcesBody) fill(v *visit, l *lifeOfSources) {
	dates := b.When.dates()
	var days []chart.Day
	for _, d := range dates {
		days = append(days, chart.Day{Date: d})
	}
	b.Months = chart.Months(days)
	rows := map[string]*sourceRow{}
	row := func(name string) *sourceRow {
		if rows[name] == nil {
			rows[name] = &sourceRow{
				Name: name, EventsLink: v.to("/events", b.When.with("source", name)...), RefusedLink: v.to("/rejected", b.When.with("source", name)...),
			}
			b.Undeclared = append(b.Undeclared, rows[name])
		}
		return rows[name]
	}
	for _, s := range v.Bundle.Sources {
		r := row(s.Name)
		r.Declared, r.Types, r.Life, r.May = true, s.Types, l.lives[s.Name], "not declared"
		if s.MaxGap > 0 {
			r.May = lasting(s.MaxGap)
		}
	}
	b.Sources, b.Undeclared = b.Undeclared, nil
	volumes := volumesOf(l.days, dates)
	for _, d := range l.days {
		r := row(d.Source)
		r.Events, r.Beats = r.Events+d.Events, r.Beats+d.Beats
	}
	for _, t := range l.trouble {
		r := row(t.Source)
		r.Refused, r.Quarantined = t.Refused, t.Quarantined
	}
	for i := range l.heard {
		if r := rows[l.heard[i].Source]; r != nil {
			r.Heard = &l.heard[i]
		}
	}
	most := int64(1)
	for _, d := range l.days {
		most = max(most, d.Events)
	}
	for i, r := range slices.Concat(b.Sources, b.Undeclared) {
		r.draw(v, b.When, fmt.Sprintf("s%d", i), volumes[r.Name], most, dates, l.end)
		if len(r.Silences) > 0 {
			b.SilentCount++
		}
	}
	b.Again = []command{
		{"With Assay", v.coverageCommand(b.When.Period)},
		{"From the API", v.curl("/api/v1/sources", b.When.Pairs...)},
		{"By day, from the API", v.curl("/api/v1/coverage", b.When.Pairs...)},
	}
}

// volumesOf sorts what came by source and day.
func volumesOf(days []sources.Day, dates []time.Time) map[string]map[time.Time]chart.Volume {
	by := map[string]map[time.Time]chart.Volume{}
	for _, d := range days {
		if by[d.Source] == nil {
			by[d.Source] = make(map[time.Time]chart.Volume, len(dates))
		}
		by[d.Source][d.Day.UTC()] = chart.Volume{Date: d.Day.UTC(), Events: d.Events, Beats: d.Beats}
	}
	return by
}

// draw makes the strip, and the same in words.
func (r *sourceRow) draw(v *visit, w *when, name string, volumes map[time.Time]chart.Volume, most int64, dates []time.Time, end compliance.Instant) {
	days := make([]chart.Volume, len(dates))
	with := 0
	for i, date := range dates {
		days[i] = volumes[date]
		days[i].Date = date
		if days[i].Events > 0 {
			with++
		}
	}
	var gaps []chart.Gap
	for _, g := range gapsOf(r.Life, end) {
		lasted := lasting(g.To.Sub(g.From))
		r.Silences = append(r.Silences, gapRow{moment(g.From), moment(g.To), lasted, ""})
		gaps = append(gaps, chart.Gap{
			From: g.From.Time(), To: g.To.Time(), Tip: r.Name + " was silent for " + lasted + " from " + moment(g.From),
			Link: v.to("/query/signs_of_life", w.Pairs...),
		})
	}
	for _, h := range r.Holes {
		missing := missingOf(h)
		r.Silences = append(r.Silences, gapRow{moment(h.From), moment(h.To), lasting(h.To.Sub(h.From)), missing})
		gaps = append(gaps, chart.Gap{
			From: h.From.Time(), To: h.To.Time(), Tip: r.Name + ": " + missing + " between " + moment(h.From) + " and " + moment(h.To),
			Link: v.to("/query/holes", w.Pairs...),
		})
	}
	r.Strip = chart.Coverage(name, days, gaps, most)
	parts := []string{"events on " + plural(int64(with), "day")}
	if n := len(gaps); n > 0 {
		parts = append(parts, "silent "+plural(int64(n), "time"))
	}
	r.Summary = strings.Join(parts, ", ")
}

// missingOf says what a source's numbers tell of a hole.
func missingOf(h sources.Hole) string {
	if h.Missing == 0 {
		return "a sign of life has no number, or a smaller one than before"
	}
	return plural(h.Missing, "event") + " missing"
}

// Note says what is known of the source's silence.
func (r *sourceRow) Note() string {
	switch {
	case !r.Declared:
		return "not declared"
	case r.MaxGap == 0:
		return "promises no signs of life, so its silence proves nothing"
	case len(r.Holes) > 0:
		return "events are missing"
	case r.RetiredAt != 0:
		return "retired at " + moment(r.RetiredAt)
	case len(r.Silences) > 0:
		return "silent"
	}
	return "heard all through"
}
