package api

import (
	"context"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/ask/flows"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/sampling"
)

type sampleIn struct {
	Scope

	Period     string `path:"period" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-Q3" doc:"A calendar year, quarter, month or day."`
	Control    string `path:"control" maxLength:"128" example:"CH-01"`
	Engagement string `path:"engagement" minLength:"1" maxLength:"256" example:"soc2-2026" doc:"The engagement's name, as its letter has it: the draw hangs on it."`
	AsOf       string `query:"as_of" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-10-08T00:00:00Z" doc:"Draw from what was known at this time, instead of all on record."`
	Plan       string `query:"plan" maxLength:"64" pattern:"^[a-z0-9-]+$" default:"chiaro" example:"statistical-95" doc:"A sampling plan that comes with the program."`
	Frequency  string `query:"frequency" enum:"annual,quarterly,monthly,weekly,daily,many_daily,ad_hoc" doc:"How often the control operates, where its schedule doesn't say."`
	Stratum    string `query:"stratum" maxLength:"80" pattern:"^(month|member|rule|event\\.[A-Za-z_][A-Za-z0-9_]*)$" example:"month" doc:"Draw of each part: month, member, rule, or a field such as event.component."`
}

func (a *API) sample(ctx context.Context, c call, in *sampleIn) (*sample.Sample, error) {
	p := sample.Params{
		Tenant: c.Tenant, Control: in.Control, Engagement: in.Engagement,
		Frequency: sampling.Frequency(in.Frequency), Stratum: in.Stratum, Now: c.now,
	}
	var err error
	if p.Period, p.AsOf, err = a.examined(c, in.Period, in.AsOf); err != nil {
		return nil, err
	}
	if p.Plan, err = sampling.Named(in.Plan); err != nil {
		return nil, err
	}
	return sample.Make(ctx, a.Conn, a.Bundle, p)
}

// examined are a period that the viewer may see, and a time to be as of.
func (a *API) examined(c call, period, asOf string) (p ask.Period, at compliance.Instant, err error) {
	if p, err = periodOf(period); err != nil {
		return p, 0, err
	}
	if err = c.Within(p); err != nil {
		return p, 0, err
	}
	at, err = ask.ParseAsOf(asOf)
	return p, at, err
}

type driftIn struct {
	Scope

	Period   string `path:"period" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-08" doc:"A calendar year, quarter, month or day."`
	Baseline string `path:"baseline" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-07" doc:"What it is compared with: another year, quarter, month or day."`
	AsOf     string `query:"as_of" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-10-08T00:00:00Z" doc:"Compare what was known at this time, instead of all on record."`
}

func (a *API) drift(ctx context.Context, c call, in *driftIn) (*drifts.Drift, error) {
	p := drifts.Params{Tenant: c.Tenant, FDR: drift.DefaultFDR, Now: c.now}
	var err error
	if p.Window, p.AsOf, err = a.examined(c, in.Period, in.AsOf); err != nil {
		return nil, err
	}
	if p.Baseline, _, err = a.examined(c, in.Baseline, ""); err != nil {
		return nil, err
	}
	d, err := drifts.Make(ctx, a.Conn, a.Bundle, p)
	if err == nil {
		c.Cut(d)
	}
	return d, err
}

type boundaryIn struct {
	Scope

	Period string `path:"period" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-Q3" doc:"A calendar year, quarter, month or day."`
	AsOf   string `query:"as_of" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-10-08T00:00:00Z" doc:"Say what was known at this time, instead of all on record."`
}

func (a *API) boundary(ctx context.Context, c call, in *boundaryIn) (*flows.Boundary, error) {
	p := flows.Params{Tenant: c.Tenant, Now: c.now}
	var err error
	if p.Period, p.AsOf, err = a.examined(c, in.Period, in.AsOf); err != nil {
		return nil, err
	}
	return flows.Make(ctx, a.Conn, a.Bundle, p)
}
