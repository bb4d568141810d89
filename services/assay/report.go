package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/report"
)

// reportFormat is how a report is written; it is a flag's value.
type reportFormat string

// String is pflag.Value's.
func (f *reportFormat) String() string { return string(*f) }

// Type is pflag.Value's.
func (f *reportFormat) Type() string { return "format" }

// Set is pflag.Value's.
func (f *reportFormat) Set(text string) error { return choose(f, text, "table", "json", "csv", "html") }

// severity is which results of a report fail the command; it is a flag's value.
type severity string

// String is pflag.Value's.
func (s *severity) String() string { return string(*s) }

// Type is pflag.Value's.
func (s *severity) Type() string { return "results" }

// Set is pflag.Value's.
func (s *severity) Set(text string) error { return choose(s, text, "any", "deviations", "none") }

// choose sets a flag to one of a few words.
func choose[T ~string](into *T, text string, words ...string) error {
	if !slices.Contains(words, text) {
		return compliance.Errorf(compliance.Invalid, "%q is unknown; choose %s", text, strings.Join(words, ", "))
	}
	*into = T(text)
	return nil
}

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

func (o *periodOptions) parse() (report.Period, error) {
	switch {
	case o.period != "" && (o.from != "" || o.to != ""):
		return report.Period{}, compliance.Errorf(compliance.Invalid, "--period and --from, --to say the same thing twice: use one of them")
	case o.period != "":
		return report.ParsePeriod(o.period)
	case o.from != "" && o.to != "":
		return report.Between(o.from, o.to)
	}
	return report.Period{}, compliance.Errorf(compliance.Invalid, "which period? Say --period 2026-Q3, or --from and --to")
}

type reportOptions struct {
	*app
	rules  rulesOptions
	window periodOptions
	tenant string
	asOf   string
	format reportFormat
	failOn severity
}

func (a *app) reportCommand() *cobra.Command {
	o := reportOptions{app: a, format: "table", failOn: "any"}
	c := &cobra.Command{
		Use:   "report",
		Short: "Say what each control did over a period, and how that is known",
		Long: `For each control: the population's size and outcomes, the deviation rate, whether
the population is proven complete, and one result for the period. Every number
says how it was made, and the command that makes it again.

It exits with 1 if a control operated with deviations, else with 2 if one could not
be evaluated: what isn't known is not a pass.`,
		Example: `  assay report --period 2026-Q3
  assay report --from 2026-07-01 --to 2026-10-01 -o html > report.html`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.tenant, "tenant", "default", "whose controls")
	c.Flags().StringVar(&o.asOf, "as-of", "", "say what was known at this `time`, instead of all on record")
	c.Flags().VarP(&o.format, "output", "o", "table, json, csv or html")
	c.Flags().Var(&o.failOn, "fail-on", "which results fail the command: any, deviations or none")
	return c
}

func (o *reportOptions) run(ctx context.Context) error {
	period, err := o.window.parse()
	if err != nil {
		return err
	}
	asOf, err := report.ParseAsOf(o.asOf)
	if err != nil {
		return err
	}
	var r *report.Report
	err = o.withRecord(ctx, &o.rules, func(conn clickhouse.Conn, bundle *control.Bundle) (err error) {
		r, err = report.Make(ctx, conn, bundle, report.Params{
			Tenant: o.tenant, Period: period, MadeAt: compliance.InstantOf(time.Now()), AsOf: asOf,
			Program: thisBuild().Version, Arguments: o.rules.arguments(),
		})
		return err
	})
	if err != nil {
		return err
	}
	if err := o.write(r); err != nil {
		return err
	}
	return o.verdict(r)
}

func (o *reportOptions) write(r *report.Report) error {
	switch o.format {
	case "json":
		return r.WriteJSON(o.out)
	case "csv":
		return r.WriteCSV(o.writer())
	case "html":
		return r.WriteHTML(o.out)
	}
	return r.WriteTable(o.writer())
}

// verdict makes the exit code. It is said on stderr: stdout holds the report alone.
func (o *reportOptions) verdict(r *report.Report) error {
	if ids := r.Deviating(); len(ids) > 0 && o.failOn != "none" {
		return &exitError{exitViolations, fmt.Errorf("%s operated with deviations: %s", controlCount(ids), strings.Join(ids, ", "))}
	}
	if ids := r.Unevaluable(); len(ids) > 0 && o.failOn == "any" {
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
