package page

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/chart"
)

// controlRow is one control over a period.
type controlRow struct {
	explain.Words
	tally

	Link, Deviations, Unknowns, All string
	Strip                           chart.SVG
	Spark                           chart.SVG
	// Worst is the state of the whole period.
	Worst chart.State
	// Attention are the days that are no plain pass, for those who don't see the strip.
	Attention []attention
	Passed    int
	Last      string
}

// attention is a day that is no plain pass.
type attention struct {
	Date, State, Words, Link string
}

// overviewBody is what the overview shows.
type overviewBody struct {
	When     *when
	Months   chart.SVG
	Controls []*controlRow
	All      tally
	Bad      int
	Unsure   int
	Counts   string
	Made     made
	Changes  *changes
	Fresh    *fresh
	Silent   *silences
	Record   listing.Record
	// Reaches is how far the record does, Extent leads to the question.
	Reaches, Extent string
	Report          string
}

func overview(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	if err := w.wholeDays(); err != nil {
		return nil, err
	}
	b := &overviewBody{When: w, Report: v.reportLink(w, "")}
	var days ask.Answer[listing.DayCount]
	var extent ask.Answer[listing.Record]
	err = v.together(
		asked(&days, func(ctx context.Context) (ask.Answer[listing.DayCount], error) {
			return listing.DayCounts(ctx, v.asker, "", w.Period)
		}),
		asked(&extent, v.extent),
		func(ctx context.Context) (err error) { b.Fresh, err = v.fresh(ctx); return err },
	)
	if err != nil {
		return nil, err
	}
	if len(extent.Rows) > 0 {
		b.Record = extent.Rows[0]
	}
	known := v.reaches(w, extent)
	if b.Reaches = moment(known); !v.Bound() {
		b.Extent = v.made(extent.Made).Link
	}
	err = v.together(
		func(ctx context.Context) (err error) {
			b.Changes, err = v.changes(ctx, max(b.Record.KnownAt, b.Record.Received)+1)
			return err
		},
		func(ctx context.Context) (err error) { b.Silent, err = v.silences(ctx, w, known); return err },
	)
	b.fill(v, days, known)
	return &sheet{Template: "overview", Title: "Overview", Body: b}, err
}

// reaches is how far the record does; for a bound viewer not beyond the period.
func (v *visit) reaches(w *when, extent ask.Answer[listing.Record]) compliance.Instant {
	var known compliance.Instant
	if len(extent.Rows) > 0 {
		known = max(extent.Rows[0].KnownAt, extent.Rows[0].Received)
	}
	if v.Bound() {
		known = min(known, w.To)
	}
	return known
}

func (b *overviewBody) fill(v *visit, days ask.Answer[listing.DayCount], known compliance.Instant) {
	b.Made = v.made(days.Made)
	b.Counts = b.Made.Link
	b.Controls = v.controlRows(b.When, days.Rows, known)
	for _, c := range b.Controls {
		b.All.Plus(&c.Counts)
		if c.Deviation > 0 {
			b.Bad++
		}
		if c.Unknown() > 0 {
			b.Unsure++
		}
	}
	var none *history
	b.Months = chart.Months(none.days(b.When, known, nil))
	slices.SortStableFunc(b.Controls, worstFirst)
}

// controlRows are the bundle's controls over a period, by id.
func (v *visit) controlRows(w *when, counts []listing.DayCount, known compliance.Instant) (rows []*controlRow) {
	by := histories(counts)
	for _, c := range v.Bundle.Controls {
		r := &controlRow{Words: v.words[c.ID]}
		at := path("controls", c.ID)
		r.Link = v.to(at, w.Pairs...)
		r.All = v.to(at, w.with("outcome", "all")...) + "#items"
		r.Deviations = v.to(at, w.with("outcome", string(compliance.Deviation))...) + "#items"
		r.Unknowns = v.to(at, w.with("outcome", "unknown")...) + "#items"
		h := by[c.ID]
		if h == nil {
			h = &history{Days: map[time.Time]*dayTally{}}
		}
		r.tally, r.Worst = h.All, h.All.State()
		days := h.days(w, known, func(date time.Time) string {
			return v.to(at, w.with("outcome", "all", "day", date.Format(time.DateOnly))...) + "#items"
		})
		r.Strip = chart.Strip("d"+c.ID, days)
		r.attend(days, h)
		rows = append(rows, r)
	}
	return rows
}

// attend lists the days that are no plain pass, and counts the others with items.
func (r *controlRow) attend(days []chart.Day, h *history) {
	var volumes []int64
	for _, d := range days {
		t := h.Days[d.Date]
		if t == nil {
			volumes = append(volumes, 0)
			continue
		}
		volumes = append(volumes, t.Items())
		switch d.State {
		case chart.Pass:
			r.Passed++
		case chart.Nothing, chart.Beyond:
		default:
			r.Attention = append(r.Attention, attention{d.Date.Format(time.DateOnly), d.State.Word(), t.String(), d.Link})
		}
		if t.Deviation > 0 {
			r.Last = d.Date.Format(time.DateOnly)
		}
	}
	r.Spark = chart.Spark(volumes)
}

// Summary says what the strip shows.
func (r *controlRow) Summary() string {
	if len(r.Attention) == 0 {
		if r.Passed == 0 {
			return "nothing happened that is on record"
		}
		return "passed on " + plural(int64(r.Passed), "day") + ", no day with anything else"
	}
	return plural(int64(len(r.Attention)), "day") + " to look at, passed on " + plural(int64(r.Passed), "day")
}

// worstFirst orders by what is worst, then by severity, then by how many.
func worstFirst(a, b *controlRow) int {
	order := func(s chart.State) int {
		return slices.Index([]chart.State{chart.Deviation, chart.Unknown, chart.Waived, chart.Nothing, chart.Pass}, s)
	}
	severity := func(s string) int { return slices.Index([]string{"low", "medium", "high", "critical"}, s) }
	return cmp.Or(cmp.Compare(order(a.Worst), order(b.Worst)), cmp.Compare(severity(b.Severity), severity(a.Severity)),
		cmp.Compare(b.Deviation, a.Deviation), cmp.Compare(b.Unknown(), a.Unknown()), strings.Compare(a.ID, b.ID))
}

// changes are what became known in the last day of the record.
type changes struct {
	From, To string
	Counts   listing.ChangeCounts
	// Partly says that only the listed ones were counted.
	Partly bool
	Rows   []changeRow
	Made   made
	Counted,
	More string
}

type changeRow struct {
	listing.Change

	Link, ControlLink string
}

// mostChanges is how many are looked at, shownChanges how many are listed.
const mostChanges, shownChanges = 500, 12

// changes asks for the day that ends at an instant of the record. What a bound viewer
// sees of it goes by when items happened, not by when something became known of them.
func (v *visit) changes(ctx context.Context, to compliance.Instant) (*changes, error) {
	if !v.May(access.ReadItems) {
		return nil, nil
	}
	from := to.Add(-24 * time.Hour)
	c := &changes{From: moment(from), To: moment(to)}
	got, err := listing.Changes(ctx, v.asker, from, to, mostChanges)
	if err != nil {
		return nil, err
	}
	for _, row := range got.Rows {
		if !v.Sees(row.Item.Time) {
			continue
		}
		c.count(&row)
		if len(c.Rows) < shownChanges {
			c.Rows = append(c.Rows, changeRow{row, v.to(path("items", row.Control, row.Item.ID)), v.to(path("controls", row.Control))})
		}
	}
	all := len(got.Rows) < mostChanges
	if v.Bound() {
		c.Partly = !all
		return c, nil
	}
	c.Made = v.made(got.Made)
	c.Counted = v.to("/query/change_counts", "from", exact(from), "to", exact(to))
	if all {
		return c, nil
	}
	counts, err := listing.CountChanges(ctx, v.asker, from, to)
	if err == nil && len(counts.Rows) > 0 {
		c.Counts = counts.Rows[0]
	}
	return c, err
}

// count adds one. What was remedied when it became known counts as both.
func (c *changes) count(row *listing.Change) {
	switch row.Kind {
	case "deviation":
		c.Counts.Deviations++
		if row.RemediatedAt != 0 {
			c.Counts.Remediated++
		}
	case "unknown":
		c.Counts.Unknown++
	case "corrected":
		c.Counts.Corrected++
	case "remediated":
		c.Counts.Remediated++
	}
}

// fresh is how far each topic is on record.
type fresh struct{ Topics []freshTopic }

type freshTopic struct {
	ask.Reached

	// Reaches is how far it is on record, Ago how long before now, and Quiet that this
	// is long.
	Reaches, Ago, Stored string
	Quiet                bool
}

// quietAfter is how long a topic's clock may stand.
const quietAfter = 5 * time.Minute

func (v *visit) fresh(ctx context.Context) (*fresh, error) {
	if !v.May(access.ReadHealth) {
		return nil, nil
	}
	topics, err := ask.Pipeline(ctx, v.Conn)
	if err != nil {
		return nil, err
	}
	f := &fresh{}
	for _, t := range topics {
		reaches := t.LogTime
		if t.Clock > 0 {
			reaches = t.Clock
		}
		ago := v.now.Sub(reaches)
		f.Topics = append(f.Topics, freshTopic{t, moment(reaches), lasting(ago), moment(t.Stored), t.Clock > 0 && ago > quietAfter})
	}
	return f, nil
}

// silences are the declared sources that were silent in a period.
type silences struct {
	Declared int
	Silent   []silence
	Made     made
	Link     string
}

// silence is a source's longest one.
type silence struct {
	Source, Longest, From, To, MaxGap string
	Times                             int
	Now                               bool
}

// silences asks for them, up to where the record reaches.
func (v *visit) silences(ctx context.Context, w *when, known compliance.Instant) (*silences, error) {
	if !v.May(access.ReadSources) {
		return nil, nil
	}
	s := &silences{Link: v.to("/sources", w.Pairs...), Declared: len(v.Bundle.Sources)}
	p := w.Period
	if p.To = min(p.To, known); p.To <= p.From {
		return s, nil
	}
	lives, m, err := sources.Lives(ctx, v.asker, v.Bundle.Sources, p)
	if err != nil {
		return nil, err
	}
	s.Made = v.made(m)
	for _, source := range v.Bundle.Sources {
		if gaps := silencesOf(lives[source.Name], p.To); len(gaps) > 0 {
			longest := slices.MaxFunc(gaps, func(a, b sources.Gap) int { return cmp.Compare(a.To-a.From, b.To-b.From) })
			s.Silent = append(s.Silent, silence{
				source.Name, lasting(longest.To.Sub(longest.From)), moment(longest.From), moment(longest.To),
				lasting(source.MaxGap), len(gaps), gaps[len(gaps)-1].To >= p.To,
			})
		}
	}
	return s, nil
}

// silencesOf are the times of which a source can't be trusted to have told all: those
// without a sign of life, and those from which events are missing.
func silencesOf(l sources.Life, end compliance.Instant) []sources.Gap {
	gaps := gapsOf(l, end)
	for _, h := range l.Holes {
		gaps = append(gaps, h.Gap)
	}
	slices.SortStableFunc(gaps, func(a, b sources.Gap) int { return cmp.Compare(a.From, b.From) })
	return gaps
}

// gapsOf are the times without a sign of life of a source. One that lasts until the end counts once it is longer
// than the source may be silent.
func gapsOf(l sources.Life, end compliance.Instant) []sources.Gap {
	return slices.DeleteFunc(slices.Clone(l.Gaps), func(g sources.Gap) bool {
		return g.To >= end && g.To.Sub(g.From) <= time.Duration(l.MaxGap)
	})
}
