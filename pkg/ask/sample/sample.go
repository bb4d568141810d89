// Package sample draws a control's sample: it reads the population of a period, and package
// sampling draws from it. The same record and engagement give the same bytes.
package sample

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/sampling"
)

// Params choose a sample.
type Params struct {
	Tenant, Control string
	// Engagement is the name that the draw hangs on, as the engagement letter has it.
	Engagement string
	Period     ask.Period
	// AsOf is up to when revisions count; zero: all that are on record.
	AsOf compliance.Instant
	// Now is the time of asking; AsOf must not lie ahead of it.
	Now  compliance.Instant
	Plan *sampling.Plan
	// Frequency is how often the control operates; empty: its schedule says so, or the
	// size of its population does.
	Frequency sampling.Frequency
	// Stratum says by what the population is split: month, member, rule, a field of the
	// opening event (event.component), or empty.
	Stratum string
}

// Sample is a draw of a control's items. It bears no time at which it was made: the same
// again is the same bytes.
type Sample struct {
	Schema     string             `json:"schema"` // "sample/v1"
	Tenant     string             `json:"tenant"`
	Control    string             `json:"control"`
	Title      string             `json:"title"`
	Period     ask.Period         `json:"period"`
	AsOf       compliance.Instant `json:"as_of,omitzero"`
	Engagement string             `json:"engagement"`
	Plan       *sampling.Plan     `json:"plan"`
	Frequency  sampling.Frequency `json:"frequency"`
	// Population is all of it; the draw of each stratum hangs on the stratum's own hash.
	Population SampledPopulation `json:"population"`
	// Completeness is what isn't proven of the population's completeness.
	Completeness SampledCompleteness `json:"completeness"`
	Stratum      string              `json:"stratified_by,omitempty"`
	Strata       []Stratum           `json:"strata"`
	Made         []ask.Made          `json:"made"`

	items sampling.Population
}

// Schema names the version of Sample as JSON.
const Schema = "sample/v1"

// SampledPopulation is what was drawn from.
type SampledPopulation struct {
	Size   int             `json:"size"`
	SHA256 compliance.Hash `json:"sha256"`
}

// SampledCompleteness says what of the completeness of what was drawn from isn't proven.
type SampledCompleteness struct {
	Proven    bool                    `json:"proven"`
	NotProven []completeness.Unproven `json:"not_proven,omitempty"`
	// Command makes the certificate.
	Command string `json:"command"`
}

// Stratum is a part of the population with a draw of its own.
type Stratum struct {
	Name string `json:"name,omitempty"`
	SampledPopulation
	Seed   compliance.Hash `json:"seed"`
	Sizing sampling.Sizing `json:"drawn"`
	// Census says that every item was drawn, so that nothing is left to chance. Bounds
	// say otherwise what the sample proves, by how many deviations are found in it.
	Census bool             `json:"census"`
	Bounds []sampling.Bound `json:"bounds,omitempty"`
	Items  []Drawn          `json:"items"`
}

// Drawn is an item of a sample. Positions and runs count from 0.
type Drawn struct {
	Position int `json:"position"`
	Run      int `json:"run"`
	listing.Verdict
	Evidence []compliance.Evidence `json:"evidence"`
}

// Make draws from a control's population.
func Make(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) (*Sample, error) {
	c := bundle.Control(p.Control)
	if c == nil {
		return nil, compliance.Errorf(compliance.NotFound, "there is no control %q", p.Control)
	}
	if p.Engagement == "" {
		return nil, compliance.Errorf(compliance.Invalid, "a draw hangs on the engagement's name: say --engagement, as the engagement letter has it")
	}
	if err := ask.CheckAsOf(p.AsOf, p.Now); err != nil {
		return nil, err
	}
	a := &ask.Inquiry{Conn: conn, Tenant: p.Tenant}
	rows, err := ask.Rows[listing.VerdictRow](ctx, a, "population", append(p.known(), ask.Window(p.Period.From, p.Period.To)...)...)
	if err != nil {
		return nil, err
	}
	d := &drawing{Inquiry: a, params: p, control: c, verdicts: map[string]listing.Verdict{}}
	for i := range rows {
		d.verdicts[rows[i].ItemID] = rows[i].Verdict()
	}
	s, err := d.sample(ctx)
	if err != nil {
		return nil, err
	}
	return s, s.certify(ctx, conn, bundle, &p)
}

// certify says beside the draw what isn't proven of the population. It changes no draw.
func (s *Sample) certify(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p *Params) error {
	c, err := certificate.Make(ctx, conn, bundle, certificate.Params{
		Tenant: p.Tenant, Controls: []string{p.Control}, Period: p.Period, AsOf: p.AsOf, Now: p.Now,
	})
	if err != nil {
		return err
	}
	s.Completeness = SampledCompleteness{len(c.NotProven) == 0, c.NotProven, c.Command}
	return nil
}

// known are the parameters that name a control and what was known of it.
func (p *Params) known() []clickhouse.Param {
	_, always := ask.Always()
	return []clickhouse.Param{clickhouse.Named("control", p.Control), clickhouse.Named("as_of", cmp.Or(p.AsOf, always))}
}

// drawing is a sample on the way.
type drawing struct {
	*ask.Inquiry
	params   Params
	control  *control.Control
	verdicts map[string]listing.Verdict
}

func (d *drawing) sample(ctx context.Context) (*Sample, error) {
	p := d.params
	s := &Sample{
		Schema: Schema, Tenant: p.Tenant, Control: p.Control, Title: d.control.Title, Period: p.Period, AsOf: p.AsOf,
		Engagement: p.Engagement, Plan: p.Plan, Frequency: d.frequency(), Stratum: p.Stratum, Strata: []Stratum{},
	}
	items := make([]compliance.Item, 0, len(d.verdicts))
	for _, v := range d.verdicts {
		items = append(items, v.Item)
	}
	var err error
	if s.items, err = sampling.NewPopulation(items); err != nil {
		return nil, err
	}
	s.Population = SampledPopulation{s.items.Len(), s.items.Hash()}
	strata, err := d.strata(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(strata)) {
		stratum, err := d.draw(name, strata[name], s.Frequency)
		if err != nil {
			return nil, err
		}
		s.Strata = append(s.Strata, *stratum)
	}
	err = d.exhibit(ctx, s)
	s.Made = d.Made
	return s, err
}

// frequency is what was said, or what the schedule says; a control of events operates
// ad hoc, for plans that have sizes for that, else as often as it did.
func (d *drawing) frequency() sampling.Frequency {
	switch {
	case d.params.Frequency != "":
		return d.params.Frequency
	case d.control.Population.Schedule != nil:
		return map[string]sampling.Frequency{
			"hour": sampling.ManyDaily, "day": sampling.Daily, "week": sampling.Weekly, "month": sampling.Monthly,
			"quarter": sampling.Quarterly, "year": sampling.Annual,
		}[d.control.Population.Schedule.Every]
	case d.params.Plan.ByFrequency != nil && d.params.Plan.ByPopulation == nil:
		length := d.params.Period.To.Sub(d.params.Period.From)
		return sampling.FrequencyOf(len(d.verdicts), length.Hours()/24)
	}
	return sampling.AdHoc
}

func (d *drawing) draw(name string, items []compliance.Item, f sampling.Frequency) (*Stratum, error) {
	population, err := sampling.NewPopulation(items)
	if err != nil {
		return nil, err
	}
	plan, hash := d.params.Plan, population.Hash()
	s := &Stratum{Name: name, SampledPopulation: SampledPopulation{population.Len(), hash}, Items: []Drawn{}}
	s.Seed = sampling.Seed(d.params.Engagement, d.params.Control, hash)
	if s.Sizing, err = plan.Size(s.Size, f); err != nil {
		return nil, err
	}
	s.Census = s.Sizing.Size == s.Size
	picks, err := sampling.Draw(plan.Draw, s.Seed, s.Size, s.Sizing.Size)
	if err != nil {
		return nil, err
	}
	for _, pick := range picks {
		v := d.verdicts[population.At(pick.Position).ID]
		s.Items = append(s.Items, Drawn{Position: pick.Position, Run: pick.Run, Verdict: v, Evidence: []compliance.Evidence{}})
	}
	return s, s.bound(plan)
}

// bound says what the sample proves with none, one and two deviations in it.
func (s *Stratum) bound(plan *sampling.Plan) error {
	confidences := []sampling.Rate{sampling.MustRate("0.95"), sampling.MustRate("0.90")}
	if plan.Statistical != nil {
		confidences = []sampling.Rate{plan.Statistical.Confidence}
	}
	for _, confidence := range confidences {
		for found := range min(3, s.Sizing.Size+1) {
			b, ok, err := sampling.NewBound(plan.Draw, s.Size, s.Sizing.Size, found, confidence)
			if err != nil {
				return err
			}
			if ok {
				s.Bounds = append(s.Bounds, b)
			}
		}
	}
	return nil
}

// strata splits the population.
func (d *drawing) strata(ctx context.Context) (map[string][]compliance.Item, error) {
	name, err := d.naming(ctx)
	if err != nil {
		return nil, err
	}
	strata := map[string][]compliance.Item{}
	for _, v := range d.verdicts {
		strata[name(v)] = append(strata[name(v)], v.Item)
	}
	return strata, nil
}

// naming tells of an item which stratum it belongs to.
func (d *drawing) naming(ctx context.Context) (func(listing.Verdict) string, error) {
	field, ofEvent := strings.CutPrefix(d.params.Stratum, "event.")
	switch {
	case d.params.Stratum == "":
		return func(listing.Verdict) string { return "" }, nil
	case d.params.Stratum == "month":
		return func(v listing.Verdict) string { return v.Item.Time.Time().Format("2006-01") }, nil
	case d.params.Stratum == "rule":
		return func(v listing.Verdict) string { return v.RuleHash }, nil
	case d.params.Stratum == "member" && d.control.Population.Schedule != nil:
		return func(v listing.Verdict) string { return v.Item.ID[:max(0, strings.LastIndexByte(v.Item.ID, '@'))] }, nil
	case ofEvent && d.control.Population.Schedule == nil:
		values, err := d.values(ctx, field)
		return func(v listing.Verdict) string { return cmp.Or(values[v.Item.ID], "(none)") }, err
	}
	return nil, compliance.Errorf(compliance.Invalid,
		"--stratum %s: choose month or rule; member, of a control with a schedule; or a field of the event that opens an item, such as event.component", d.params.Stratum)
}

// values are what the opening events say in a field, by item.
func (d *drawing) values(ctx context.Context, field string) (map[string]string, error) {
	type row struct {
		ItemID string `ch:"item_id"`
		Value  string `ch:"value"`
	}
	exact, prefixes := ask.Patterns(d.control.Population.Types)
	params := append(d.params.known(), ask.Window(d.params.Period.From, d.params.Period.To)...)
	rows, err := ask.Rows[row](ctx, d.Inquiry, "population_values", append(params, clickhouse.Named("field", field),
		clickhouse.Named("types", exact), clickhouse.Named("prefixes", prefixes))...)
	if err != nil {
		return nil, err
	}
	values := make(map[string]string, len(rows))
	for _, r := range rows {
		values[r.ItemID] = r.Value
	}
	return values, nil
}

// exhibit adds to what was drawn the evidence that its verdicts name.
func (d *drawing) exhibit(ctx context.Context, s *Sample) error {
	drawn := map[string]*Drawn{}
	for i := range s.Strata {
		for j := range s.Strata[i].Items {
			it := &s.Strata[i].Items[j]
			drawn[it.Item.ID] = it
		}
	}
	if len(drawn) == 0 {
		return nil
	}
	rows, err := ask.Rows[listing.FoundRow](ctx, d.Inquiry, "population_evidence", append(d.params.known(), clickhouse.Named("items", slices.Sorted(maps.Keys(drawn))))...)
	if err != nil {
		return err
	}
	for i := range rows {
		it := drawn[rows[i].ItemID]
		if err := json.Unmarshal([]byte(rows[i].Evidence), &it.Evidence); err != nil {
			return fmt.Errorf("reading the evidence of %s/%s: %w", s.Control, rows[i].ItemID, err)
		}
	}
	return nil
}

// PopulationBytes are what the population's hash is of.
func (s *Sample) PopulationBytes() []byte { return s.items.Bytes() }

// Open says whether the population may still change at a time: events may come, and
// count, until the control's patience ends.
func (s *Sample) Open(now compliance.Instant, patience time.Duration) bool {
	return now < s.Period.To.Add(patience)
}
