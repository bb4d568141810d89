package main

import (
	"context"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

type explainOptions struct {
	*app
	rules  rulesOptions
	tenant string
	id     string
	asOf   string
	format choice
}

func (a *app) explainCommand() *cobra.Command {
	o := explainOptions{app: a, format: formatOf("table", "json")}
	c := &cobra.Command{
		Use:   "explain item",
		Short: "Say why a control says what it says of an item, and make the verdict again",
		Long: `Why in plain words: the condition that decides, what was looked for, which interval
is open until when, and what may still change the verdict. Then the rule, every
revision, each event that it names with its place in the log, and what the rule
looked for and found. The verdict is made again from the events on record, and
compared.

An item is named with its control, such as CH-01/deploy-17, or with --control.

It exits with 1 if the item deviates, with 2 if it is inconclusive, and with 5 if
the evidence isn't as the verdict names it, or the verdict made again is another.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.run(c.Context(), args[0]) },
	}
	o.rules.flags(c)
	c.Flags().StringVar(&o.tenant, "tenant", "default", "whose item")
	c.Flags().StringVar(&o.id, "control", "", "the control's `id`")
	c.Flags().StringVar(&o.asOf, "as-of", "", "make it again from what happened before this `time`, instead of all on record")
	c.Flags().VarP(&o.format, "output", "o", "table or json")
	return c
}

func (o *explainOptions) run(ctx context.Context, item string) error {
	subject := explain.Subject{Tenant: o.tenant, Control: o.id, Item: item}
	var err error
	if subject.AsOf, err = ask.ParseAsOf(o.asOf); err != nil {
		return err
	}
	cfg, _, err := o.loadForReading("clickhouse")
	if err != nil {
		return err
	}
	bundle, err := o.rules.load(cfg)
	if err != nil {
		return err
	}
	types, err := dictionary.Default()
	if err != nil {
		return err
	}
	var e *explain.Explained
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		if err := findControl(ctx, conn, bundle, &subject); err != nil {
			return err
		}
		e, err = explain.Make(ctx, conn, bundle, types, subject)
		return err
	})
	if err != nil {
		return err
	}
	e.Rule.ReadWords(o.rules.files(cfg), bundle.Control(subject.Control).File)
	if o.format.is == "json" {
		err = e.WriteJSON(o.out)
	} else {
		err = e.WriteTable(o.writer())
	}
	if err != nil {
		return err
	}
	return explainedCode(e)
}

// findControl takes the control out of CONTROL/ITEM, or finds the only one that
// speaks of the item.
func findControl(ctx context.Context, conn clickhouse.Conn, bundle *control.Bundle, s *explain.Subject) error {
	if s.Control != "" {
		return nil
	}
	if id, item, ok := strings.Cut(s.Item, "/"); ok && bundle.Control(id) != nil {
		s.Control, s.Item = id, item
		return nil
	}
	f := listing.Filter{Item: s.Item, Limit: 100}
	f.From, f.To = ask.Always()
	verdicts, err := listing.Verdicts(ctx, ask.New(conn, s.Tenant, 0), f)
	if err != nil {
		return err
	}
	var ids []string
	for _, v := range verdicts.Rows {
		ids = append(ids, v.Control)
	}
	ids = slices.Compact(ids)
	switch len(ids) {
	case 0:
		return compliance.Errorf(compliance.NotFound, "no control says anything about an item %q of tenant %s; list items with assay query verdicts", s.Item, s.Tenant)
	case 1:
		s.Control = ids[0]
		return nil
	}
	return compliance.Errorf(compliance.Invalid, "several controls have an item %q: %s; choose one with --control", s.Item, strings.Join(ids, ", "))
}

// files are where the bundle of load comes from.
func (o *rulesOptions) files(cfg Config) fs.FS {
	switch {
	case o.controls != "":
		return os.DirFS(o.controls)
	case cfg.Controls != "":
		return os.DirFS(cfg.Controls)
	}
	return controls.FS
}

func explainedCode(e *explain.Explained) error {
	for i := range e.Evidence {
		if x := &e.Evidence[i]; !x.OnRecord || !x.Intact {
			return &exitError{exitUnverified, compliance.Errorf(compliance.Conflict, "the event %s of %s is not on record as the verdict names it", x.ID, x.Source)}
		}
	}
	if !e.Again.Equal {
		return &exitError{exitUnverified, compliance.Errorf(compliance.Conflict, "the verdict made again is another: %s", strings.Join(e.Again.Differences, "; "))}
	}
	switch e.Verdict.Outcome {
	case compliance.Deviation:
		return &exitError{exitViolations, compliance.Errorf(compliance.Conflict, "%s deviates for %s", e.Rule.ID, e.Verdict.Item.ID)}
	case compliance.Inconclusive:
		return &exitError{exitUnevaluated, compliance.Errorf(compliance.Conflict, "%s could not be evaluated for %s", e.Rule.ID, e.Verdict.Item.ID)}
	case compliance.Pass, compliance.Pending, compliance.Waived, compliance.NotApplicable, compliance.Withdrawn:
	}
	return nil
}
