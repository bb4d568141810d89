package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sample"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/sampling"
)

type sampleOptions struct {
	*app
	rules     rulesOptions
	window    periodOptions
	params    sample.Params
	asOf      string
	plan      string
	frequency string
	format    choice
}

func (a *app) sampleCommand() *cobra.Command {
	o := sampleOptions{app: a, format: formatOf("table", "json", "csv", "population")}
	c := &cobra.Command{
		Use:   "sample",
		Short: "Draw items of a control's population for an auditor to test",
		Long: `The draw follows from the engagement's name, the control and the population alone,
so neither side can draw again for a better one, and anybody can re-perform it:
docs/formats/sampling.md says how. The same again gives the same bytes.

Sizes come from a plan: ` + strings.Join(sampling.Names(), ", ") + `, or
a firm's own in a YAML file.`,
		Example: `  assay sample --control CH-01 --period 2026-Q3 --engagement soc2-2026 --plan chiaro
  assay sample --control CH-01 --period 2026-Q3 --engagement soc2-2026 -o population | sha256sum`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.rules.flags(c)
	o.window.flags(c)
	c.Flags().StringVar(&o.params.Tenant, "tenant", "default", "whose items")
	c.Flags().StringVar(&o.params.Control, "control", "", "the control's `id`")
	c.Flags().StringVar(&o.params.Engagement, "engagement", "", "the engagement's `name`, as its letter has it")
	c.Flags().StringVar(&o.asOf, "as-of", "", "draw from what was known at this `time`, instead of all on record")
	c.Flags().StringVar(&o.plan, "plan", "chiaro", "the sampling plan: a `name`, or a file that ends in .yaml")
	c.Flags().StringVar(&o.frequency, "frequency", "", "how `often` the control operates, where its schedule doesn't say: annual, quarterly, monthly, weekly, daily, many_daily or ad_hoc")
	c.Flags().StringVar(&o.params.Stratum, "stratum", "", "draw of each `part`: month, member, rule, or a field such as event.component")
	c.Flags().VarP(&o.format, "output", "o", "table, json, csv, or population: the bytes that are hashed")
	return c
}

func (o *sampleOptions) run(ctx context.Context) error {
	if err := o.read(); err != nil {
		return err
	}
	o.params.Now = compliance.InstantOf(time.Now())
	var s *sample.Sample
	var late time.Duration
	err := o.withRecord(ctx, &o.rules, func(conn clickhouse.Conn, bundle *control.Bundle) (err error) {
		if s, err = sample.Make(ctx, conn, bundle, o.params); err == nil {
			late = bundle.Control(s.Control).CorrectUntil
		}
		return err
	})
	if err != nil {
		return err
	}
	if s.Open(o.params.Now, late) {
		_, _ = fmt.Fprintln(o.err, "The population may still change: the period isn't over, or late events still count.")
	}
	if !s.Completeness.Proven {
		_, _ = fmt.Fprintln(o.err, "The population's completeness isn't proven; see: "+s.Completeness.Command)
	}
	return o.write(s)
}

// read makes parameters of the flags.
func (o *sampleOptions) read() (err error) {
	p := &o.params
	if p.Control == "" {
		return compliance.Errorf(compliance.Invalid, "of which control? Say --control CH-01")
	}
	if p.Engagement == "" {
		return compliance.Errorf(compliance.Invalid, "for which engagement? Say --engagement, as its letter has it: the draw hangs on it")
	}
	if p.Frequency = sampling.Frequency(o.frequency); o.frequency != "" && !slices.Contains(sampling.Frequencies(), p.Frequency) {
		return compliance.Errorf(compliance.Invalid, "--frequency: %q is unknown; choose one of %v", o.frequency, sampling.Frequencies())
	}
	if p.Period, err = o.window.parse(); err != nil {
		return err
	}
	if p.AsOf, err = ask.ParseAsOf(o.asOf); err != nil {
		return fmt.Errorf("--as-of: %w", err)
	}
	p.Plan, err = readPlan(o.plan)
	return err
}

func readPlan(name string) (*sampling.Plan, error) {
	if !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
		return sampling.Named(name)
	}
	raw, err := os.ReadFile(name)
	if err != nil {
		return nil, compliance.Errorf(compliance.NotFound, "reading the sampling plan: %w", err)
	}
	return sampling.ReadPlan(raw, name)
}

func (o *sampleOptions) write(s *sample.Sample) error {
	if o.format.is == "population" {
		_, err := o.out.Write(s.PopulationBytes())
		return err
	}
	return o.answer(o.format, s)
}
