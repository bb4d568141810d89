package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/report"
)

// rulesOptions name the rule set that a command works with.
type rulesOptions struct{ controls string }

func (o *rulesOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.controls, "controls", "", "the `folder` of the controls and their boundary.yaml, instead of the configured one or the library")
}

// load reads the bundle that the flag or the configuration names.
func (o *rulesOptions) load(cfg Config) (*control.Bundle, error) {
	if o.controls != "" {
		cfg.Controls = o.controls
	}
	return loadControls(cfg)
}

// arguments name the same bundle again.
func (o *rulesOptions) arguments() []string {
	if o.controls == "" {
		return nil
	}
	return []string{"--controls", o.controls}
}

// periodOptions choose a time window.
type periodOptions struct{ period, from, to string }

func (o *periodOptions) flags(c *cobra.Command) {
	c.Flags().StringVar(&o.period, "period", "", "a calendar `period`: 2026, 2026-Q3, 2026-07 or 2026-07-15, UTC")
	c.Flags().StringVar(&o.from, "from", "", "its first instant, instead of --period: a date or RFC 3339 `time`")
	c.Flags().StringVar(&o.to, "to", "", "its end, which isn't in it: a date or RFC 3339 `time`")
}

func (o *periodOptions) parse() (ask.Period, error) {
	switch {
	case o.period != "" && (o.from != "" || o.to != ""):
		return ask.Period{}, compliance.Errorf(compliance.Invalid, "--period and --from, --to say the same thing twice: use one of them")
	case o.period != "":
		return ask.ParsePeriod(o.period)
	case o.from != "" && o.to != "":
		return ask.Between(o.from, o.to)
	}
	return ask.Period{}, compliance.Errorf(compliance.Invalid, "which period? Say --period 2026-Q3, or --from and --to")
}

type reportOptions struct {
	*app
	rules  rulesOptions
	window periodOptions
	tenant string
	asOf   string
	format choice
	table  string
	save   string
	failOn choice
}

func (a *app) reportCommand() *cobra.Command {
	o := reportOptions{app: a, format: formatOf("table", "json", "csv", "html", "xlsx"), failOn: failures()}
	c := &cobra.Command{
		Use:   "report",
		Short: "Say what each control did over a period, and how that is known",
		Long: `In the order of a SOC 2 report's Section IV: for each criterion the controls in the
entity's words, the test that every occurrence was put to, the population and the
result; then deviations, waivers, the system's boundary, changes and incidents,
gaps, and the controls that others operate. Every table says how it was made, and
the command that makes it again. Conclusions are the auditor's, and not in it.

It exits with 1 if a control operated with deviations, else with 2 if one could not
be evaluated: what isn't known is not a pass.`,
		Example: `  assay report --period 2026-Q3
  assay report --from 2026-07-01 --to 2026-10-01 -o html > report.html
  assay report --period 2026-Q3 -o xlsx --save q3.xlsx
  assay report --period 2026-Q3 -o csv --save q3/
  assay report --period 2026-Q3 --table deviations`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.tenant, "tenant", "default", "whose controls")
	c.Flags().StringVar(&o.asOf, "as-of", "", "say what was known at this `time`, instead of all on record")
	c.Flags().VarP(&o.format, "output", "o", "table, json, csv, html or xlsx")
	c.Flags().StringVar(&o.table, "table", "", "one table alone, by its `name`, as table or csv")
	c.Flags().StringVar(&o.save, "save", "", "write to this file instead of stdout; with csv, a `path` of a folder for all tables")
	c.Flags().Var(&o.failOn, "fail-on", "which results fail the command: any, deviations or none")
	return c
}

func (o *reportOptions) run(ctx context.Context) error {
	if o.table != "" && o.format.is != "table" && o.format.is != "csv" {
		return compliance.Errorf(compliance.Invalid, "--table is for -o table and csv; %s holds all tables", o.format.is)
	}
	period, err := o.window.parse()
	if err != nil {
		return err
	}
	asOf, err := ask.ParseAsOf(o.asOf)
	if err != nil {
		return err
	}
	r, err := o.make(ctx, period, asOf)
	if err != nil {
		return err
	}
	if err := o.write(r); err != nil {
		return err
	}
	return o.verdict(r)
}

func (o *reportOptions) make(ctx context.Context, period ask.Period, asOf compliance.Instant) (r *report.Report, err error) {
	cfg, _, err := o.loadForReading("clickhouse")
	if err != nil {
		return nil, err
	}
	bundle, err := o.rules.load(cfg)
	if err != nil {
		return nil, err
	}
	others, err := report.ReadComplementary(o.rules.files(cfg))
	if err != nil {
		return nil, err
	}
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		r, err = report.Make(ctx, conn, bundle, report.Params{
			Tenant: o.tenant, Period: period, MadeAt: compliance.InstantOf(time.Now()), AsOf: asOf,
			Program: thisBuild().Version, Arguments: o.rules.arguments(), Complementary: others, Console: cfg.Console.PublicURL,
		})
		return err
	})
	return r, err
}

// verdict makes the exit code. It is said on stderr: stdout holds the report alone.
func (o *reportOptions) verdict(r *report.Report) error {
	if ids := r.Deviating(); len(ids) > 0 && o.failOn.is != "none" {
		return &exitError{exitViolations, fmt.Errorf("%s operated with deviations: %s", controlCount(ids), strings.Join(ids, ", "))}
	}
	if ids := r.Unevaluable(); len(ids) > 0 && o.failOn.is == "any" {
		return &exitError{exitUnevaluated, fmt.Errorf("%s could not be evaluated: %s", controlCount(ids), strings.Join(ids, ", "))}
	}
	return nil
}

func controlCount(ids []string) string {
	if len(ids) == 1 {
		return "1 control"
	}
	return strconv.Itoa(len(ids)) + " controls"
}

// withRecord opens the configured database for one command that reads, and the rule set
// that it works with.
func (a *app) withRecord(ctx context.Context, rules *rulesOptions, do func(clickhouse.Conn, *control.Bundle) error) error {
	cfg, _, err := a.loadForReading("clickhouse")
	if err != nil {
		return err
	}
	bundle, err := rules.load(cfg)
	if err != nil {
		return err
	}
	return withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error { return do(conn, bundle) })
}

// withClickHouse opens the configured database for one command.
func withClickHouse(ctx context.Context, cfg Config, do func(clickhouse.Conn) error) (err error) {
	conn, err := clickhouse.Open(ctx, cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return do(conn)
}
