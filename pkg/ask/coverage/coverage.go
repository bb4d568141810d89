// Package coverage says what came of each source on each day, how late, and what of it could
// not be used.
package coverage

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/output"
)

// Coverage is what came of each source on each day of a period. It bears no time at which it
// was made: the same again is the same bytes.
type Coverage struct {
	Schema string     `json:"schema"` // "coverage/v1"
	Tenant string     `json:"tenant"`
	Period ask.Period `json:"period"`
	Bundle string     `json:"bundle"`
	// Items has each day of a declared source, and of another those on which it was heard of.
	Items []Day      `json:"items"`
	Made  []ask.Made `json:"made"`
	// Command makes it again.
	Command string `json:"command"`
}

// Schema names the version of Coverage as JSON.
const Schema = "coverage/v1"

// Day is what came of a source on a day, UTC, by the time at which it happened.
type Day struct {
	Source   string `json:"source"`
	Day      string `json:"day"`
	Declared bool   `json:"declared"`
	// Records are those of events, however often they came; Heartbeats its signs of life.
	Records    int64 `json:"records"`
	Heartbeats int64 `json:"heartbeats"`
	// Silences and Holes are those that touch the day.
	Silences int `json:"silences"`
	Holes    int `json:"holes"`
	// Median, P99 and Longest are how long after they happened records came.
	Median  ask.Duration `json:"lateness_median"`
	P99     ask.Duration `json:"lateness_p99"`
	Longest ask.Duration `json:"lateness_max"`
	// Refused on that day; Quarantined, and come with several bodies, of that day.
	Refused     int64 `json:"refused"`
	Quarantined int64 `json:"quarantined"`
	Conflicts   int64 `json:"conflicts"`
}

// Params choose what is told.
type Params struct {
	Tenant string
	Period ask.Period
	// Arguments name the bundle in commands.
	Arguments []string
}

// Lateness is what a source sent on a day, and how long after that it came.
type Lateness struct {
	Source               string
	Day                  time.Time
	Records, Heartbeats  int64
	Median, P99, Longest ask.Duration
}

// Days says it of each source and day of a period.
func Days(ctx context.Context, a *ask.Asker, p ask.Period) (ask.Answer[Lateness], error) {
	return ask.Question(ctx, a, "coverage_days", ask.Window(p.From, p.To), func(r *dayRow) Lateness {
		return Lateness{r.Source, r.Day, r.Records, r.Beats, lateness(r.Median), lateness(r.P99), lateness(r.Longest)}
	})
}

// Trouble is what of a source and day could not be used.
type Trouble struct {
	Source                          string
	Day                             time.Time
	Refused, Quarantined, Conflicts int64
}

// Troubles says it of each source and day of a period.
func Troubles(ctx context.Context, a *ask.Asker, p ask.Period) (ask.Answer[Trouble], error) {
	return ask.Question(ctx, a, "coverage_trouble", ask.Window(p.From, p.To), func(r *troubleRow) Trouble {
		return Trouble{r.Source, r.Day, r.Refused, r.Quarantined, r.Conflicts}
	})
}

type dayRow struct {
	Source  string    `ch:"source"`
	Day     time.Time `ch:"day"`
	Records int64     `ch:"records"`
	Beats   int64     `ch:"beats"`
	Median  int64     `ch:"median"`
	P99     int64     `ch:"p99"`
	Longest int64     `ch:"longest"`
}

type troubleRow struct {
	Source      string    `ch:"source"`
	Day         time.Time `ch:"day"`
	Refused     int64     `ch:"refused"`
	Quarantined int64     `ch:"quarantined"`
	Conflicts   int64     `ch:"conflicts"`
}

// Make tells it.
func Make(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) (*Coverage, error) {
	a := &ask.Inquiry{Conn: conn, Tenant: p.Tenant}
	came, err := ask.Rows[dayRow](ctx, a, "coverage_days", ask.Window(p.Period.From, p.Period.To)...)
	if err != nil {
		return nil, err
	}
	trouble, err := ask.Rows[troubleRow](ctx, a, "coverage_trouble", ask.Window(p.Period.From, p.Period.To)...)
	if err != nil {
		return nil, err
	}
	lives, err := sources.LivesIn(ctx, a, bundle.Sources, p.Period)
	if err != nil {
		return nil, err
	}
	days := coveredDays{}
	days.declare(bundle.Sources, p.Period, lives)
	for _, r := range came {
		d := days.of(r.Source, r.Day)
		d.Records, d.Heartbeats = r.Records, r.Beats
		d.Median, d.P99, d.Longest = lateness(r.Median), lateness(r.P99), lateness(r.Longest)
	}
	for _, r := range trouble {
		d := days.of(r.Source, r.Day)
		d.Refused, d.Quarantined, d.Conflicts = r.Refused, r.Quarantined, r.Conflicts
	}
	return &Coverage{
		Schema: Schema, Tenant: p.Tenant, Period: p.Period, Bundle: bundle.Hash, Items: days.sorted(), Made: a.Made, Command: p.command(),
	}, nil
}

func lateness(micros int64) ask.Duration {
	return ask.Duration(time.Duration(micros) * time.Microsecond)
}

func (p Params) command() string {
	return ask.ShellLine(append([]string{"assay", "coverage", "--from", p.Period.From.String(), "--to", p.Period.To.String(), "--tenant", p.Tenant}, p.Arguments...))
}

// coveredDays are days by source and name.
type coveredDays map[[2]string]*Day

func (d coveredDays) of(source string, day time.Time) *Day {
	key := [2]string{source, day.UTC().Format(time.DateOnly)}
	if d[key] == nil {
		d[key] = &Day{Source: source, Day: key[1]}
	}
	return d[key]
}

// declare adds all days of the declared sources, with what of each is known to be missing.
func (d coveredDays) declare(declared []control.Source, p ask.Period, lives map[string]*sources.Life) {
	for _, s := range declared {
		l := lives[s.Name]
		p.EachDay(func(start, end compliance.Instant) {
			day := d.of(s.Name, start.Time())
			day.Declared = true
			touches := func(g sources.Gap) bool { return completeness.Silence(g).Touches(start, end) }
			for _, g := range l.Gaps {
				if touches(g) {
					day.Silences++
				}
			}
			for _, h := range l.Holes {
				if touches(h.Gap) {
					day.Holes++
				}
			}
		})
	}
}

func (d coveredDays) sorted() []Day {
	list := make([]Day, 0, len(d))
	for _, day := range slices.SortedFunc(maps.Values(d), func(a, b *Day) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Day, b.Day))
	}) {
		list = append(list, *day)
	}
	return list
}

// WriteJSON writes it as one JSON object.
func (c *Coverage) WriteJSON(out io.Writer) error { return output.Writer{Out: out}.Object(c) }

// WriteCSV writes a row a source and day.
func (c *Coverage) WriteCSV(w output.Writer) error {
	w.Format = output.CSV
	columns := append([]output.Column[Day]{}, dayColumns()...)
	columns = append(columns, output.Column[Day]{Head: "COMMAND", Cell: func(Day) string { return c.Command }})
	return output.Write(w, c.Items, columns)
}

// WriteTable writes it for a terminal.
func (c *Coverage) WriteTable(w output.Writer) error {
	w.Format = output.Table
	t := output.Printer{To: w}
	t.Say("Coverage by source and day, tenant %s, %s to %s (not included), UTC\n", c.Tenant, c.Period.From, c.Period.To)
	output.Rows(&t, c.Items, dayColumns())
	t.Say("\nHow it was made, by bundle %s\n", c.Bundle)
	output.Rows(&t, c.Made, ask.MadeColumns())
	t.Say("\nAgain: %s\n", c.Command)
	return t.Err
}

// rounded is d to the millisecond, for people; JSON has all of it.
func rounded(d ask.Duration) string { return time.Duration(d).Round(time.Millisecond).String() }

func dayColumns() []output.Column[Day] {
	number := func(head string, of func(Day) int64) output.Column[Day] {
		return output.Column[Day]{Head: head, Cell: func(d Day) string { return strconv.FormatInt(of(d), 10) }}
	}
	return []output.Column[Day]{
		{Head: "SOURCE", Cell: func(d Day) string { return d.Source }},
		{Head: "DAY", Cell: func(d Day) string { return d.Day }},
		number("RECORDS", func(d Day) int64 { return d.Records }),
		number("HEARTBEATS", func(d Day) int64 { return d.Heartbeats }),
		number("SILENCES", func(d Day) int64 { return int64(d.Silences) }),
		number("HOLES", func(d Day) int64 { return int64(d.Holes) }),
		{Head: "MEDIAN", Cell: func(d Day) string { return rounded(d.Median) }},
		{Head: "P99", Cell: func(d Day) string { return rounded(d.P99) }},
		{Head: "LONGEST", Cell: func(d Day) string { return rounded(d.Longest) }},
		number("REFUSED", func(d Day) int64 { return d.Refused }),
		number("QUARANTINED", func(d Day) int64 { return d.Quarantined }),
		number("CONFLICTS", func(d Day) int64 { return d.Conflicts }),
	}
}
