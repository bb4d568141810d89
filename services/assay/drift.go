package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/drift"
)

type driftOptions struct {
	*app
	rules                    rulesOptions
	window                   periodOptions
	baselineFrom, baselineTo string
	asOf                     string
	params                   drifts.Params
	format                   choice
	failOn                   choice
}

func (a *app) driftCommand() *cobra.Command {
	o := driftOptions{app: a, format: formatOf("table", "json"), failOn: failures()}
	c := &cobra.Command{
		Use:   "drift",
		Short: "Say which controls do otherwise than before, since when, and why",
		Long: `Compares a window with a baseline: of each control the share of items that deviate,
and of those that nobody knows. The tests are exact, and the share of false alarms over
all controls together is bounded. For each control that drifted: since when, how much of
the difference is of behaviour, of its rule, of reference data, of the boundary and of a
silent source, and what was changed in the week before.

It exits with 1 if a control drifted.`,
		Example: `  assay drift --from 2026-09-01 --to 2026-10-01 --baseline-from 2026-07-01 --baseline-to 2026-09-01`,
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.baselineFrom, "baseline-from", "", "the first instant of what it is compared with: a date or RFC 3339 `time`")
	c.Flags().StringVar(&o.baselineTo, "baseline-to", "", "its end, which isn't in it")
	c.Flags().StringVar(&o.asOf, "as-of", "", "compare what was known at this `time`, instead of all on record")
	c.Flags().StringVar(&o.params.Tenant, "tenant", "default", "whose controls")
	c.Flags().Float64Var(&o.params.FDR, "false-discovery-rate", drift.DefaultFDR, "which `share` of findings may be false, on average")
	c.Flags().VarP(&o.format, "output", "o", "table or json")
	c.Flags().Var(&o.failOn, "fail-on", "which drift fails the command: any, deviations or none")
	return c
}

func (o *driftOptions) run(ctx context.Context) error {
	if err := o.read(); err != nil {
		return err
	}
	o.params.Now = compliance.InstantOf(time.Now())
	var d *drifts.Drift
	err := o.withRecord(ctx, &o.rules, func(conn clickhouse.Conn, bundle *control.Bundle) (err error) {
		d, err = drifts.Make(ctx, conn, bundle, o.params)
		return err
	})
	if err != nil {
		return err
	}
	if o.format.is == "json" {
		err = d.WriteJSON(o.out)
	} else {
		err = d.WriteTable(o.writer())
	}
	if err != nil {
		return err
	}
	return o.verdict(d)
}

// read makes parameters of the flags.
func (o *driftOptions) read() (err error) {
	if o.params.Window, err = o.window.parse(); err != nil {
		return err
	}
	if o.baselineFrom == "" || o.baselineTo == "" {
		return compliance.Errorf(compliance.Invalid, "compared with what? Say --baseline-from and --baseline-to")
	}
	if o.params.Baseline, err = ask.Between(o.baselineFrom, o.baselineTo); err != nil {
		return fmt.Errorf("the baseline: %w", err)
	}
	if o.params.AsOf, err = ask.ParseAsOf(o.asOf); err != nil {
		return fmt.Errorf("--as-of: %w", err)
	}
	w, b := o.params.Window, o.params.Baseline
	return drift.Check(drift.Window{From: b.From, To: b.To}, drift.Window{From: w.From, To: w.To}, o.params.FDR)
}

func (o *driftOptions) verdict(d *drifts.Drift) error {
	var ids []string
	for _, f := range d.Findings {
		if o.failOn.is == "any" || o.failOn.is == "deviations" && f.Measure == drift.Deviations {
			ids = append(ids, f.Control)
		}
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) > 0 {
		return &exitError{exitViolations, fmt.Errorf("%s drifted: %s", controlCount(ids), strings.Join(ids, ", "))}
	}
	return nil
}
