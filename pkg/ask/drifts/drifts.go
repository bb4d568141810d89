// Package drifts says which controls do otherwise than before: it reads the counts of two
// windows and what changed meanwhile, and package drift compares them.
package drifts

import (
	"cmp"
	"context"
	"slices"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/drift"
)

// Params choose what is compared.
type Params struct {
	Tenant string
	// Window is compared with Baseline.
	Window, Baseline ask.Period
	// AsOf is up to when revisions and events count; zero: all that are on record.
	AsOf compliance.Instant
	// Now is the time of asking; AsOf must not lie ahead of it.
	Now compliance.Instant
	// FDR is the share of findings that may be false, on average.
	FDR float64
}

// Drift is how a window differs from a baseline. It bears no time at which it was made: the
// same again is the same bytes.
type Drift struct {
	Schema   string             `json:"schema"` // "drift/v1"
	Tenant   string             `json:"tenant"`
	Baseline ask.Period         `json:"baseline"`
	Window   ask.Period         `json:"window"`
	AsOf     compliance.Instant `json:"as_of,omitzero"`
	Bundle   string             `json:"bundle"`
	FDR      float64            `json:"false_discovery_rate"`
	Findings []drift.Finding    `json:"findings"`
	Tested   []drift.Tested     `json:"tested"`
	Made     []ask.Made         `json:"made"`
}

// Schema names the version of Drift as JSON.
const Schema = "drift/v1"

// Make compares two windows: first all controls by their counts, then those that
// drifted by what their items say.
func Make(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, p Params) (*Drift, error) {
	if err := ask.CheckAsOf(p.AsOf, p.Now); err != nil {
		return nil, err
	}
	c := &comparison{Inquiry: &ask.Inquiry{Conn: conn, Tenant: p.Tenant}, params: p, bundle: bundle}
	c.input = drift.Input{
		Baseline: drift.Window{From: p.Baseline.From, To: p.Baseline.To}, Window: drift.Window{From: p.Window.From, To: p.Window.To},
		Subjects: map[string]drift.Subject{},
	}
	result, err := c.compare(ctx)
	if err != nil {
		return nil, err
	}
	return &Drift{
		Schema: Schema, Tenant: p.Tenant, Baseline: p.Baseline, Window: p.Window, AsOf: p.AsOf, Bundle: bundle.Hash,
		FDR: p.FDR, Findings: result.Findings, Tested: result.Tested, Made: c.Made,
	}, nil
}

// comparison is a drift on the way.
type comparison struct {
	*ask.Inquiry
	params Params
	bundle *control.Bundle
	input  drift.Input
}

func (c *comparison) compare(ctx context.Context) (*drift.Result, error) {
	rows, err := ask.Rows[cellRow](ctx, c.Inquiry, "drift_counts", c.windows()...)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		c.input.Cells = append(c.input.Cells, rows[i].cell())
	}
	first, err := drift.Compare(c.input, c.params.FDR)
	if err != nil || len(first.Findings) == 0 {
		return first, err
	}
	for _, f := range first.Findings {
		if err := c.lookInto(ctx, f.Control); err != nil {
			return nil, err
		}
	}
	if err := c.changes(ctx); err != nil {
		return nil, err
	}
	return drift.Compare(c.input, c.params.FDR)
}

func (c *comparison) windows() []clickhouse.Param {
	return append(ask.Window(c.params.Window.From, c.params.Window.To), c.asOf(),
		clickhouse.Named("baseline_from", c.params.Baseline.From), clickhouse.Named("baseline_to", c.params.Baseline.To))
}

func (c *comparison) asOf() clickhouse.Param {
	_, always := ask.Always()
	return clickhouse.Named("as_of", cmp.Or(c.params.AsOf, always))
}

type cellRow struct {
	Control string    `ch:"control"`
	Day     time.Time `ch:"day"`
	Rule    string    `ch:"rule_hash"`
	Bundle  string    `ch:"bundle"`
	Outcome string    `ch:"outcome"`
	Reason  string    `ch:"reason"`
	Found   []string  `ch:"found"`
	Items   int64     `ch:"items"`
	First   time.Time `ch:"first"`
}

func (r *cellRow) cell() drift.Cell {
	return drift.Cell{
		Control: r.Control, Day: ask.Instant(r.Day), Rule: r.Rule, Bundle: r.Bundle, Outcome: compliance.Outcome(r.Outcome),
		Reason: r.Reason, Values: r.Found, Items: int(r.Items), First: ask.Instant(r.First),
	}
}

// lookInto splits a control's counts by what it looks up in the boundary and in tables.
func (c *comparison) lookInto(ctx context.Context, id string) error {
	rule := c.bundle.Control(id)
	if rule == nil || c.input.Subjects[id].Lookups != nil {
		return nil
	}
	fields, lookups := lookupsOf(rule)
	if len(lookups) == 0 {
		return nil
	}
	exact, prefixes := ask.Patterns(rule.Population.Types)
	scheduled := uint8(0)
	if rule.Population.Schedule != nil {
		scheduled = 1
	}
	rows, err := ask.Rows[cellRow](ctx, c.Inquiry, "drift_values", append(c.windows(), clickhouse.Named("control", id), clickhouse.Named("fields", fields),
		clickhouse.Named("types", exact), clickhouse.Named("prefixes", prefixes), clickhouse.Named("scheduled", scheduled))...)
	if err != nil {
		return err
	}
	c.input.Subjects[id] = drift.Subject{Lookups: lookups}
	c.input.Cells = slices.DeleteFunc(c.input.Cells, func(cell drift.Cell) bool { return cell.Control == id })
	for i := range rows {
		c.input.Cells = append(c.input.Cells, rows[i].cell())
	}
	return nil
}

// changes collects what may have made a control drift: events, silences, and what the
// bundle says of its own rows.
func (c *comparison) changes(ctx context.Context) error {
	from := min(c.input.Baseline.From, c.input.Window.From)
	to := max(c.input.Baseline.To, c.input.Window.To)
	events, err := c.changeEvents(ctx, from, to)
	if err != nil {
		return err
	}
	silences, err := c.silences(ctx, from, to)
	if err != nil {
		return err
	}
	c.input.Changes = slices.Concat(events, silences, c.rows())
	return nil
}

// changeTypes are the event types that say that something was changed, by kind, with
// the fields that name it.
var changeTypes = map[string]struct {
	kind   drift.Kind
	fields []string
}{
	"deploy.completed":    {drift.Deployment, []string{"deploy_id", "component"}},
	"prompt.released":     {drift.Release, []string{"release_id", "prompt"}},
	"prompt.withdrawn":    {drift.Release, []string{"prompt", "label"}},
	"prompt.changed":      {drift.Release, []string{"prompt", "change"}},
	"model.route.changed": {drift.Model, []string{"app", "provider", "model"}},
	"tool.changed":        {drift.Setting, []string{"tool"}},
	"config.changed":      {drift.Setting, []string{"system", "setting"}},
	"cloudaudit.changed":  {drift.Setting, []string{"setting"}},
	"dataset.changed":     {drift.Setting, []string{"dataset", "version"}},
}

func (c *comparison) silences(ctx context.Context, from, to compliance.Instant) ([]drift.Change, error) {
	var names []string
	var gaps []int64
	for _, s := range c.bundle.Sources {
		if s.MaxGap > 0 {
			names, gaps = append(names, s.Name), append(gaps, s.MaxGap.Microseconds())
		}
	}
	type row struct {
		Source string    `ch:"source"`
		Time   time.Time `ch:"time"`
		Next   time.Time `ch:"next"`
	}
	if len(names) == 0 {
		return nil, nil
	}
	rows, err := ask.Rows[row](ctx, c.Inquiry, "drift_silences", append(ask.Window(from, to), c.asOf(), clickhouse.Named("sources", names), clickhouse.Named("gaps", gaps))...)
	if err != nil {
		return nil, err
	}
	var changes []drift.Change
	for _, r := range rows {
		what := r.Source + " was silent to " + ask.Instant(r.Next).String()
		changes = append(changes, drift.Change{Kind: drift.Silence, At: ask.Instant(r.Time), Source: r.Source, What: what})
	}
	return changes, nil
}
