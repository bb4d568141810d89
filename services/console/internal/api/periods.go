package api

import (
	"context"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

// Controls are those of the bundle.
type Controls struct {
	// Bundle is the hash of the rule set.
	Bundle string          `json:"bundle"`
	Items  []explain.Words `json:"items" nullable:"false"`
}

func (a *API) controls(_ context.Context, _ call, _ *struct{ Scope }) (*Controls, error) {
	out := &Controls{Bundle: a.Bundle.Hash, Items: []explain.Words{}}
	for _, c := range a.Bundle.Controls {
		out.Items = append(out.Items, a.words[c.ID])
	}
	return out, nil
}

type controlIn struct {
	Scope

	ID string `path:"id" maxLength:"128" example:"CH-01"`
}

func (a *API) control(_ context.Context, _ call, in *controlIn) (*explain.Words, error) {
	words, ok := a.words[in.ID]
	if !ok {
		return nil, compliance.Errorf(compliance.NotFound, "there is no such control; list them with /api/v1/controls")
	}
	return &words, nil
}

type daysIn struct {
	Scope
	Window

	ID string `path:"id" maxLength:"128" example:"CH-01"`
}

// Days are a control's counts by day.
type Days struct {
	Tenant  string             `json:"tenant"`
	Control string             `json:"control"`
	From    compliance.Instant `json:"from"`
	To      compliance.Instant `json:"to"`
	Items   []Day              `json:"items" nullable:"false"`
}

// Day is how many items of a day (UTC, of the item's time) have an outcome.
type Day struct {
	Day        string             `json:"day" format:"date"`
	Outcome    compliance.Outcome `json:"outcome"`
	Reason     string             `json:"reason,omitempty"`
	Remediated bool               `json:"remediated"`
	Items      int64              `json:"items"`
}

func (a *API) days(ctx context.Context, c call, in *daysIn) (*Days, error) {
	if _, ok := a.words[in.ID]; !ok {
		return nil, compliance.Errorf(compliance.NotFound, "there is no such control; list them with /api/v1/controls")
	}
	p, err := in.needed(c.Viewer)
	if err != nil {
		return nil, err
	}
	const day = compliance.Instant(24 * time.Hour / time.Microsecond)
	if p.From%day != 0 || p.To%day != 0 {
		return nil, compliance.Errorf(compliance.Invalid, "counts are by whole days, UTC: let from and to be dates")
	}
	got, err := listing.DayCounts(ctx, c.asker, in.ID, p)
	if err != nil {
		return nil, err
	}
	out := &Days{Tenant: c.Tenant, Control: in.ID, From: p.From, To: p.To, Items: []Day{}}
	for _, r := range got.Rows {
		out.Items = append(out.Items, Day{r.Day.Format(time.DateOnly), r.Outcome, r.Reason, r.Remediated, r.Items})
	}
	return out, nil
}

type sourcesIn struct {
	Scope
	Window
}

// Sources are the declared ones, over a time.
type Sources struct {
	Tenant string             `json:"tenant"`
	From   compliance.Instant `json:"from"`
	To     compliance.Instant `json:"to"`
	Items  []Source           `json:"items" nullable:"false"`
}

// Source is a declared sender of events.
type Source struct {
	sources.Life

	Types []string `json:"types" nullable:"false"`
	// Events and LastReceived are of all time; they are left out for viewers who may
	// see some periods only.
	Events       int64              `json:"events,omitempty"`
	LastReceived compliance.Instant `json:"last_received,omitzero"`
}

func (a *API) sources(ctx context.Context, c call, in *sourcesIn) (*Sources, error) {
	p, err := in.needed(c.Viewer)
	if err != nil {
		return nil, err
	}
	lives, _, err := sources.Lives(ctx, c.asker, a.Bundle.Sources, p)
	if err != nil {
		return nil, err
	}
	heard := map[string]sources.Heard{}
	if !c.Bound() {
		got, err := sources.LastHeard(ctx, c.asker)
		if err != nil {
			return nil, err
		}
		for _, h := range got.Rows {
			heard[h.Source] = h
		}
	}
	out := &Sources{Tenant: c.Tenant, From: p.From, To: p.To, Items: []Source{}}
	for _, s := range a.Bundle.Sources {
		out.Items = append(out.Items, Source{lives[s.Name], s.Types, heard[s.Name].Events, heard[s.Name].Received})
	}
	return out, nil
}

type reportIn struct {
	Scope

	Period string `path:"period" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-Q3" doc:"A calendar year, quarter, month or day: 2026, 2026-Q3, 2026-07 or 2026-07-15."`
	AsOf   string `query:"as_of" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-10-08T00:00:00Z" doc:"Say what was known at this time, instead of all on record: RFC 3339, or a date."`
}

func (a *API) report(ctx context.Context, c call, in *reportIn) (*report.Report, error) {
	p, err := periodOf(in.Period)
	if err != nil {
		return nil, err
	}
	if err := c.Within(p); err != nil {
		return nil, err
	}
	asOf, err := ask.ParseAsOf(in.AsOf)
	if err != nil {
		return nil, err
	}
	return report.Make(ctx, a.Conn, a.Bundle, report.Params{
		Tenant: c.Tenant, Period: p, MadeAt: c.now, AsOf: asOf, Program: a.Program, Arguments: a.Arguments,
		Complementary: a.others, Console: strings.TrimSuffix(a.PublicURL, "/"),
	})
}

// Health is how far the record reaches.
type Health struct {
	Tenant string `json:"tenant"`
	// Record is what is on record of the tenant; Topics are all tenants'.
	Record listing.Record `json:"record"`
	Topics []ask.Reached  `json:"topics" nullable:"false"`
}

func (a *API) health(ctx context.Context, c call, _ *struct{ Scope }) (*Health, error) {
	extent, err := listing.Extent(ctx, c.asker)
	if err != nil {
		return nil, err
	}
	topics, err := ask.Pipeline(ctx, a.Conn)
	if err != nil {
		return nil, err
	}
	out := &Health{Tenant: c.Tenant, Topics: topics}
	if len(extent.Rows) > 0 {
		out.Record = extent.Rows[0]
	}
	return out, nil
}
