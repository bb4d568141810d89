package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/certificate"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

type completenessOptions struct {
	*app
	rules   rulesOptions
	window  periodOptions
	control string
	asOf    string
	params  certificate.Params
	format  choice
}

func (a *app) completenessCommand() *cobra.Command {
	o := completenessOptions{app: a, format: formatOf("table", "json", "csv")}
	c := &cobra.Command{
		Use:   "completeness",
		Short: "Say what proves that a control's population is complete, and what isn't proven",
		Long: `For a control and a period, of each source that feeds its population and its evidence:
what came, what came again, otherwise, late, or was refused, when the source was silent,
and which numbers are missing; which offsets of the log were read, whether what was
recorded is still there, and how far the log's clock is. Then what of that is proven, by
what, and what isn't, and why. The conclusion is the auditor's.

docs/formats/completeness.md says what each statement rests on.`,
		Example: `  assay completeness --control CH-01 --period 2026-Q3
  assay completeness --control CH-01 --from 2026-07-01 --to 2026-10-01 --as-of 2026-10-15 -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.params.Tenant, "tenant", "default", "whose population")
	c.Flags().StringVar(&o.control, "control", "", "the control's `id`")
	c.Flags().StringVar(&o.asOf, "as-of", "", "say what was known at this `time`, instead of all on record")
	c.Flags().VarP(&o.format, "output", "o", "table, json or csv")
	return c
}

func (o *completenessOptions) run(ctx context.Context) (err error) {
	p := &o.params
	if o.control == "" {
		return compliance.Errorf(compliance.Invalid, "of which control? Say --control CH-01")
	}
	if p.Period, err = o.window.parse(); err != nil {
		return err
	}
	if p.AsOf, err = ask.ParseAsOf(o.asOf); err != nil {
		return fmt.Errorf("--as-of: %w", err)
	}
	p.Controls, p.Arguments, p.Now = []string{o.control}, o.rules.arguments(), compliance.InstantOf(time.Now())
	var made *certificate.Certificate
	err = o.withRecord(ctx, &o.rules, func(conn clickhouse.Conn, bundle *control.Bundle) (err error) {
		made, err = certificate.Make(ctx, conn, bundle, *p)
		return err
	})
	if err != nil {
		return err
	}
	return o.answer(o.format, made)
}
