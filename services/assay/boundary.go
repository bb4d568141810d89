package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/flows"
	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

type boundaryOptions struct {
	*app
	rules  rulesOptions
	window periodOptions
	params flows.Params
	format choice
	asOf   string
}

func (a *app) boundaryCommand() *cobra.Command {
	o := boundaryOptions{app: a, format: formatOf("table", "json", "csv")}
	c := &cobra.Command{
		Use:   "boundary",
		Short: "Hold where data went against where the system boundary says that it may go",
		Long: `From the calls of models, tools and stores in a period: who called what, in which region,
with which class of data, first and last seen. Each such flow is compared with
refs.data_flows of boundary.yaml (docs/formats/boundary.md).

It exits with 1 if a flow leaves the boundary, else with 2 if nothing is declared.`,
		Example: `  assay boundary --period 2026-Q3
  assay boundary --from 2026-07-01 --to 2026-10-01 --as-of 2026-10-05 -o csv`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.asOf, "as-of", "", "say what was known at this `time`, instead of all on record")
	c.Flags().StringVar(&o.params.Tenant, "tenant", "default", "whose calls")
	c.Flags().VarP(&o.format, "output", "o", "table, json or csv")
	return c
}

func (o *boundaryOptions) run(ctx context.Context) (err error) {
	if o.params.Period, err = o.window.parse(); err != nil {
		return err
	}
	if o.params.AsOf, err = ask.ParseAsOf(o.asOf); err != nil {
		return fmt.Errorf("--as-of: %w", err)
	}
	o.params.Now = compliance.InstantOf(time.Now())
	var b *flows.Boundary
	err = o.withRecord(ctx, &o.rules, func(conn clickhouse.Conn, bundle *control.Bundle) (err error) {
		b, err = flows.Make(ctx, conn, bundle, o.params)
		return err
	})
	if err != nil {
		return err
	}
	if err := o.answer(o.format, b); err != nil {
		return err
	}
	switch outside := len(b.Outside()); {
	case outside > 0:
		return &exitError{exitViolations, fmt.Errorf("%d of %d outside of the declared boundary", outside, len(b.Edges))}
	case !b.Declared:
		return &exitError{exitUnevaluated, fmt.Errorf("nothing is declared in refs.%s, so nothing is known to be inside", boundary.Table)}
	}
	return nil
}
