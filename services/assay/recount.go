package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/recount"
)

type recountOptions struct {
	*app
	tenants []string
	repair  bool
	settle  time.Duration
}

func (a *app) recountCommand() *cobra.Command {
	o := recountOptions{app: a}
	c := &cobra.Command{
		Use:   "recount",
		Short: "Hold the counts that reports are made from against the verdicts that they count",
		Long: `Recounts every control of every tenant, and names each day on which a count differs.
The recorder does the same each night (recorder.recountAt), and puts right what differs.
What is being recorded meanwhile is left out.

It exits with 1 if anything differs, also with --repair: then it is right afterwards, and
table count_repairs says what was done.`,
		Example: `  assay recount
  assay recount --tenant acme --repair`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	c.Flags().StringSliceVar(&o.tenants, "tenant", nil, "whose counts; all, unless said")
	c.Flags().BoolVar(&o.repair, "repair", false, "put right what differs")
	c.Flags().DurationVar(&o.settle, "settle", 10*time.Second, "how long a difference must last before it is believed")
	a.formatFlag(c)
	return c
}

func (o *recountOptions) run(ctx context.Context) error {
	cfg, _, err := o.loadForReading("clickhouse", "kafka")
	if err != nil {
		return err
	}
	var found *recount.Found
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) (err error) {
		found, err = o.count(ctx, &recount.Counts{Conn: conn, Verdicts: cfg.Kafka.Topic("verdicts"), Settle: o.settle})
		return err
	})
	if err != nil {
		return err
	}
	if err := o.write(found); err != nil {
		return err
	}
	if !found.Right() {
		return &exitError{exitViolations, fmt.Errorf("%d counts differ, and %d items were not in verdicts as they should be", len(found.Differences), found.Behind)}
	}
	return nil
}

func (o *recountOptions) count(ctx context.Context, counts *recount.Counts) (*recount.Found, error) {
	tenants := o.tenants
	if len(tenants) == 0 {
		var err error
		if tenants, err = counts.Tenants(ctx); err != nil {
			return nil, err
		}
	}
	if o.repair {
		return counts.Repair(ctx, tenants, compliance.InstantOf(time.Now()))
	}
	return counts.Compare(ctx, tenants)
}

func (o *recountOptions) write(found *recount.Found) error {
	switch o.format {
	case output.JSON, output.JSONL:
		return o.writer().Object(found)
	case output.Table:
		if _, err := fmt.Fprintf(o.out, "%d controls recounted, %d counts differ\n", found.Controls, len(found.Differences)); err != nil || found.Right() {
			return err
		}
	case output.CSV:
	}
	return output.Write(o.writer(), found.Differences, []output.Column[recount.Difference]{
		{Head: "TENANT", Cell: func(d recount.Difference) string { return d.Tenant }},
		{Head: "CONTROL", Cell: func(d recount.Difference) string { return d.Control }},
		{Head: "DAY", Cell: func(d recount.Difference) string { return d.Day.Format(time.DateOnly) }},
		{Head: "OUTCOME", Cell: func(d recount.Difference) string { return string(d.Outcome) }},
		{Head: "REASON", Cell: func(d recount.Difference) string { return d.Reason }},
		{Head: "REMEDIATED", Cell: func(d recount.Difference) string { return strconv.FormatBool(d.Remediated) }},
		{Head: "COUNTED", Cell: func(d recount.Difference) string { return strconv.FormatInt(d.Counted, 10) }},
		{Head: "RECOUNTED", Cell: func(d recount.Difference) string { return strconv.FormatInt(d.Recounted, 10) }},
	})
}
