package main

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier"
)

func (a *app) notifyCommand() *cobra.Command {
	c := &cobra.Command{Use: "notify", Short: "Try out who is told of violations", Args: cobra.NoArgs}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	c.AddCommand(a.notifyTestCommand())
	return c
}

type notifyTestOptions struct {
	*app
	target string
}

func (a *app) notifyTestCommand() *cobra.Command {
	o := notifyTestOptions{app: a}
	c := &cobra.Command{
		Use:   "test --target NAME",
		Short: "Send a marked test message to a target, and show what it answered",
		Long: `Send a test message to a target of notifier.targets, written, signed and guarded as
those of violations are, and show what the target answered. It is marked as a test.
PagerDuty and Alertmanager get a trigger and then a resolve under the same key, of
severity info. It needs no Kafka, tries once, and is not recorded.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	c.Flags().StringVar(&o.target, "target", "", "the target's `name`")
	a.formatFlag(c)
	return c
}

func (o *notifyTestOptions) run(c *cobra.Command) error {
	cfg, _, err := o.load("notifier")
	if err != nil {
		return err
	}
	answers, err := notifier.Test(c.Context(), cfg.Notifier, o.target, time.Now(), notifier.Deps{
		Log: o.logger(cfg), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		return err
	}
	if err := output.Write(o.writer(), answers, answerColumns()); err != nil {
		return err
	}
	var failed []error
	for _, a := range answers {
		if a.Outcome != record.Delivered {
			failed = append(failed, compliance.Errorf(compliance.Unavailable, "%s did not take the %s: %s", o.target, a.Action, a.Error))
		}
	}
	return errors.Join(failed...)
}

func answerColumns() []output.Column[notifier.Answer] {
	return []output.Column[notifier.Answer]{
		{Head: "ACTION", Cell: func(a notifier.Answer) string { return string(a.Action) }},
		{Head: "OUTCOME", Cell: func(a notifier.Answer) string { return string(a.Outcome) }},
		{Head: "STATUS", Cell: func(a notifier.Answer) string {
			if a.Status == 0 {
				return "none"
			}
			return strconv.Itoa(a.Status)
		}},
		{Head: "ANSWER", Cell: func(a notifier.Answer) string { return a.Body }},
		{Head: "ERROR", Cell: func(a notifier.Answer) string { return a.Error }},
	}
}
