package main

import (
	"context"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask/coverage"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/control"
)

type coverageOptions struct {
	*app
	rules  rulesOptions
	window periodOptions
	params coverage.Params
	format choice
}

func (a *app) coverageCommand() *cobra.Command {
	o := coverageOptions{app: a, format: formatOf("table", "json", "csv")}
	c := &cobra.Command{
		Use:   "coverage",
		Short: "Say what came of each source on each day, how late, and what is missing",
		Long: `Of each source and each day: events and signs of life, silences and missing numbers, how
long after they happened events came, and what was refused, came too late to count, or
came with several bodies.`,
		Example: `  assay coverage --from 2026-07-01 --to 2026-08-01`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.params.Tenant, "tenant", "default", "whose sources")
	c.Flags().VarP(&o.format, "output", "o", "table, json or csv")
	return c
}

func (o *coverageOptions) run(ctx context.Context) (err error) {
	if o.params.Period, err = o.window.parse(); err != nil {
		return err
	}
	o.params.Arguments = o.rules.arguments()
	var c *coverage.Coverage
	err = o.withRecord(ctx, &o.rules, func(conn clickhouse.Conn, bundle *control.Bundle) (err error) {
		c, err = coverage.Make(ctx, conn, bundle, o.params)
		return err
	})
	if err != nil {
		return err
	}
	return o.answer(o.format, c)
}
