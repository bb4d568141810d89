// Package certificate makes the certificate of completeness of a control's population and
// evidence: it reads the facts of a period, and package completeness concludes from them.
// The same record gives the same bytes.
package certificate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// Params choose certificates.
type Params struct {
	Tenant string
	// Controls are those that are wanted; empty: all of the bundle.
	Controls []string
	Period   ask.Period
	// AsOf is up to when what came counts; zero: all that is on record.
	AsOf compliance.Instant
	// Now is the time of asking; AsOf must not lie ahead of it.
	Now compliance.Instant
	// Arguments name the bundle in commands.
	Arguments []string
}

// Certificate says what is on record about the completeness of a control's population in a
// period. It bears no time at which it was made: the same again is the same bytes.
type Certificate struct {
	Schema  string             `json:"schema"` // "completeness/v1"
	Tenant  string             `json:"tenant"`
	Control string             `json:"control"`
	Title   string             `json:"title"`
	Period  ask.Period         `json:"period"`
	AsOf    compliance.Instant `json:"as_of,omitzero"`
	Bundle  string             `json:"bundle"`
	completeness.Conclusion

	// Beyond is what no record can show.
	Beyond string             `json:"beyond"`
	Facts  completeness.Facts `json:"facts"`
	// SHA256 is of the facts (docs/formats/completeness.md).
	SHA256 string     `json:"facts_sha256"`
	Made   []ask.Made `json:"made"`
	// Command makes it again.
	Command string `json:"command"`
}

// Schema names the version of Certificate as JSON.
const Schema = "completeness/v1"

// Make makes that of one control.
func Make(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) (*Certificate, error) {
	all, err := MakeAll(ctx, conn, bundle, p)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// MakeAll makes those of some controls, in the order of the bundle. All of them rest
// on the same answers.
func MakeAll(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) ([]*Certificate, error) {
	for _, id := range p.Controls {
		if bundle.Control(id) == nil {
			return nil, compliance.Errorf(compliance.NotFound, "there is no control %q", id)
		}
	}
	if err := ask.CheckAsOf(p.AsOf, p.Now); err != nil {
		return nil, err
	}
	w := &witness{
		Inquiry: &ask.Inquiry{Conn: conn, Tenant: p.Tenant}, bundle: bundle, types: bundle.Dictionary(), params: p,
		quarantined: map[[2]string]int64{}, deliveries: map[string][]deliveriesRow{}, items: map[string]itemsRow{}, miscounted: map[string]int64{},
	}
	for _, c := range bundle.Controls {
		if len(p.Controls) == 0 || slices.Contains(p.Controls, c.ID) {
			w.controls = append(w.controls, c)
		}
	}
	if err := w.askAll(ctx); err != nil {
		return nil, err
	}
	out := make([]*Certificate, len(w.controls))
	for i, c := range w.controls {
		out[i] = w.certificate(c)
	}
	return out, nil
}

// witness holds what ClickHouse answered, for all controls at once.
type witness struct {
	*ask.Inquiry
	bundle   *control.Bundle
	types    *dictionary.Dictionary
	params   Params
	controls []*control.Control
	// thresholds are how late an event may be before a verdict could be final, of each control.
	thresholds []int64

	lives       map[string]*sources.Life
	came        []cameRow
	offsets     []offsetsRow
	changed     []changedRow
	refused     []refusedRow
	quarantined map[[2]string]int64 // by control and source
	deliveries  map[string][]deliveriesRow
	items       map[string]itemsRow
	miscounted  map[string]int64
	covered     []ask.Covered
	unread      []unreadRow
}

// certificate is what the answers say of one control.
func (w *witness) certificate(c *control.Control) *Certificate {
	out := &Certificate{
		Schema: Schema, Tenant: w.params.Tenant, Control: c.ID, Title: c.Title, Period: w.params.Period, AsOf: w.params.AsOf,
		Bundle: w.bundle.Hash, Beyond: completeness.Beyond, Made: w.Made, Command: w.command(c.ID),
	}
	out.Facts = w.facts(c)
	out.Conclusion = completeness.Conclude(&out.Facts)
	out.SHA256 = out.Facts.SHA256(out.Tenant, c.ID)
	return out
}

func (w *witness) command(id string) string {
	p := w.params.Period
	words := []string{"assay", "completeness", "--control", id, "--from", p.From.String(), "--to", p.To.String(), "--tenant", w.params.Tenant}
	if w.params.AsOf != 0 {
		words = append(words, "--as-of", w.params.AsOf.String())
	}
	return ask.ShellLine(append(words, w.params.Arguments...))
}

// facts sorts the answers for one control.
func (w *witness) facts(c *control.Control) completeness.Facts {
	p, r := w.params.Period, readingOf(c)
	f := completeness.Facts{
		From: p.From, To: p.To, RulesFrom: w.bundle.EffectiveFrom,
		Settled: p.To.Add(c.Longest((*control.Control).Horizon)), Final: p.To.Add(c.Longest(patienceOf)),
		Items: w.itemsOf(c),
	}
	f.Final = max(f.Final, f.Settled)
	f.Clock = w.clock(f.Settled)
	f.Sources = w.sources(c, r)
	for _, s := range f.Sources {
		f.Changed = append(f.Changed, w.changes(s.Name, r)...)
	}
	for _, t := range r.all() {
		if len(w.bundle.SourcesOf([]string{t})) == 0 {
			f.Unsourced = append(f.Unsourced, t)
		}
	}
	for _, row := range w.refused {
		if row.Source == "" && w.mayConcern(row.Type, r.all()) {
			f.Unattributed += row.Records
		}
	}
	f.Partitions = w.partitions(r, f.Final)
	return f
}

func patienceOf(c *control.Control) time.Duration { return c.CorrectUntil }

// reading is what a control reads, over all its versions.
type reading struct{ population, evidence []string }

func readingOf(c *control.Control) (r reading) {
	for _, v := range c.Versions {
		r.population = append(r.population, v.Population.Types...)
		for _, t := range v.Reads() {
			if !slices.Contains(v.Population.Types, t) {
				r.evidence = append(r.evidence, t)
			}
		}
	}
	slices.Sort(r.population)
	slices.Sort(r.evidence)
	r.population, r.evidence = slices.Compact(r.population), slices.Compact(r.evidence)
	return r
}

func (r reading) all() []string {
	all := slices.Concat(r.population, r.evidence)
	slices.Sort(all)
	return slices.Compact(all)
}

// feeds says what types are to the control.
func (r reading) feeds(match func([]string) bool) (feeds []string) {
	if match(r.population) {
		feeds = append(feeds, completeness.Population)
	}
	if match(r.evidence) {
		feeds = append(feeds, completeness.Evidence)
	}
	return feeds
}

// mayConcern says whether a refused record may have been an event of some types: it named
// one of them, none, or one that doesn't exist.
func (w *witness) mayConcern(typ string, types []string) bool {
	_, known := w.types.Type(typ)
	return !known || control.MatchesAny(types, typ)
}

func (w *witness) itemsOf(c *control.Control) completeness.Items {
	row := w.items[c.ID]
	n := completeness.Items{N: row.Items, Undecidable: row.Undecidable, MissingRevisions: row.Missing, MiscountedDays: w.miscounted[c.ID]}
	if s := c.Population.Schedule; s != nil {
		n.Scheduled = true
		n.Expected, _ = w.bundle.Due(s, w.params.Period.From, w.params.Period.To, compliance.Ever)
	}
	return n
}

// clock is how far the log's clock is, in each partition of the events.
func (w *witness) clock(settled compliance.Instant) (c completeness.Clock) {
	latest := map[string]compliance.Instant{}
	for _, row := range w.covered {
		name := fmt.Sprintf("%s/%d", row.Topic, row.Partition)
		latest[name] = max(latest[name], ask.Instant(row.Clock))
	}
	c.Partitions, c.At = len(latest), compliance.Never
	for name, at := range latest {
		c.At = min(c.At, at)
		if at < settled {
			c.Behind = append(c.Behind, name)
		}
	}
	if len(latest) == 0 {
		c.At = 0
	}
	slices.Sort(c.Behind)
	return c
}

// sources are those that are declared for what a control reads, and others that sent it.
func (w *witness) sources(c *control.Control, r reading) (list []completeness.SourceFacts) {
	all := r.all()
	for _, i := range w.bundle.SourcesOf(all) {
		d := w.bundle.Sources[i]
		s := completeness.SourceFacts{Name: d.Name, Declared: true, Counts: d.Counts}
		s.Feeds = r.feeds(func(types []string) bool { return slices.Contains(w.bundle.SourcesOf(types), i) })
		if d.MaxGap > 0 {
			s.MaxGap = d.MaxGap.String()
		}
		list = append(list, s)
	}
	for _, row := range w.came {
		if !control.MatchesAny(all, row.Type) || slices.ContainsFunc(list, func(s completeness.SourceFacts) bool { return s.Name == row.Source }) {
			continue
		}
		list = append(list, completeness.SourceFacts{Name: row.Source})
	}
	for i := range list {
		w.fill(&list[i], c, r)
	}
	return list
}

// fill says what came of a source.
func (w *witness) fill(s *completeness.SourceFacts, c *control.Control, r reading) {
	s.Types = []string{}
	late := slices.Index(w.thresholds, c.FinalAfter.Microseconds())
	days := map[string]int64{}
	for _, row := range w.came {
		if row.Source != s.Name || !control.MatchesAny(r.all(), row.Type) {
			continue
		}
		if !slices.Contains(s.Types, row.Type) {
			s.Types = append(s.Types, row.Type)
		}
		s.Records, s.Events, s.Repeats, s.Conflicts = s.Records+row.Records, s.Events+row.Events, s.Repeats+row.Repeats, s.Conflicts+row.Conflicts
		s.Late += row.Late[late]
		if from := ask.Instant(row.First); from != 0 {
			s.First, s.Last = min(cmp.Or(s.First, from), from), max(s.Last, ask.Instant(row.Last))
		}
		days[row.Day.UTC().Format(time.DateOnly)] += row.Events
	}
	if !s.Declared {
		s.Feeds = r.feeds(func(types []string) bool {
			return slices.ContainsFunc(s.Types, func(t string) bool { return control.MatchesAny(types, t) })
		})
	}
	s.Quarantined = w.quarantined[[2]string{c.ID, s.Name}]
	w.trouble(s, r)
	w.heard(s)
	s.Days = daysOf(s, w.params.Period, days)
}

// trouble is what of a source could not be used.
func (w *witness) trouble(s *completeness.SourceFacts, r reading) {
	for _, row := range w.refused {
		if row.Source == s.Name && w.mayConcern(row.Type, r.all()) {
			s.Refused = adding(s.Refused, row.Code, row.Records)
		}
	}
	for _, row := range w.deliveries[s.Name] {
		s.Deliveries += row.Deliveries
		if row.Unmapped > 0 {
			s.Unmapped = adding(s.Unmapped, row.Kind, row.Unmapped)
		}
	}
}

// adding adds to a count by name, in the order of names.
func adding(counts []completeness.Tally, of string, n int64) []completeness.Tally {
	at, found := slices.BinarySearchFunc(counts, of, func(c completeness.Tally, of string) int { return cmp.Compare(c.Of, of) })
	if !found {
		counts = slices.Insert(counts, at, completeness.Tally{Of: of})
	}
	counts[at].N += n
	return counts
}

// heard are a source's signs of life.
func (w *witness) heard(s *completeness.SourceFacts) {
	l := w.lives[s.Name]
	if l == nil {
		return
	}
	s.FirstSign, s.LastSign, s.RetiredAt = l.First, l.Last, l.RetiredAt
	for _, g := range l.Gaps {
		s.Silences = append(s.Silences, completeness.Silence{From: g.From, To: g.To})
	}
	for _, h := range l.Holes {
		s.Holes = append(s.Holes, completeness.Lost{Silence: completeness.Silence{From: h.From, To: h.To}, Missing: h.Missing})
	}
}

// daysOf are the days of a period, UTC, with what came of a source.
func daysOf(s *completeness.SourceFacts, p ask.Period, events map[string]int64) (days []completeness.DayFacts) {
	p.EachDay(func(start, end compliance.Instant) {
		name := start.Time().Format(time.DateOnly)
		d := completeness.DayFacts{Day: name, Events: events[name]}
		d.Silent = slices.ContainsFunc(s.Silences, func(g completeness.Silence) bool { return g.Touches(start, end) }) ||
			slices.ContainsFunc(s.Holes, func(h completeness.Lost) bool { return h.Touches(start, end) })
		days = append(days, d)
	})
	return days
}

// changes are the runs of a source's rows that aren't as they were counted.
func (w *witness) changes(source string, r reading) (list []completeness.Change) {
	for _, row := range w.changed {
		if row.Source != source || !control.MatchesAny(r.all(), row.Type) {
			continue
		}
		list = append(list, completeness.Change{
			Source: row.Source, Type: row.Type, Day: row.Day.UTC().Format(time.DateOnly), Topic: row.Topic, Partition: row.Partition,
			First: row.Run * runLength, End: (row.Run + 1) * runLength, Counted: row.Counted, Found: row.Found,
		})
	}
	return list
}

// runLength is how many offsets event_counts counts together.
const runLength = 4096
