package api

import (
	"context"

	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/ask/coverage"
)

type completenessIn struct {
	Scope

	Period  string `path:"period" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-Q3" doc:"A calendar year, quarter, month or day."`
	Control string `path:"control" maxLength:"128" example:"CH-01"`
	AsOf    string `query:"as_of" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-10-08T00:00:00Z" doc:"Say what was known at this time, instead of all on record."`
}

func (a *API) completeness(ctx context.Context, c call, in *completenessIn) (*certificate.Certificate, error) {
	p := certificate.Params{Tenant: c.Tenant, Controls: []string{in.Control}, Now: c.now, Arguments: a.Arguments}
	var err error
	if p.Period, p.AsOf, err = a.examined(c, in.Period, in.AsOf); err != nil {
		return nil, err
	}
	return certificate.Make(ctx, a.Conn, a.Bundle, p)
}

type coverageIn struct {
	Scope
	Window
}

func (a *API) coverage(ctx context.Context, c call, in *coverageIn) (*coverage.Coverage, error) {
	p, err := in.needed(c.Viewer)
	if err != nil {
		return nil, err
	}
	return coverage.Make(ctx, a.Conn, a.Bundle, coverage.Params{Tenant: c.Tenant, Period: p, Arguments: a.Arguments})
}
