package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

// queryOptions are those of every query.
type queryOptions struct {
	*app
	window periodOptions
	tenant string
	filter listing.Filter
}

func (a *app) queryCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "query",
		Short: "List events, verdicts, violations, what was rejected, and conflicts",
		Args:  cobra.NoArgs,
	}
	c.RunE = func(*cobra.Command, []string) error { return c.Help() }
	c.AddCommand(a.queryEvents(), a.queryVerdicts(), a.queryViolations(), a.queryRejected(), a.queryConflicts())
	return c
}

// list is a function of package listing.
type list[Row any] func(context.Context, *ask.Asker, listing.Filter) (ask.Answer[Row], error)

// queryFor makes a query command. Its flags other than these are the caller's.
func queryFor[Row any](a *app, name, short string, find list[Row], columns func(output.Format) []output.Column[Row]) (*cobra.Command, *listing.Filter) {
	o := &queryOptions{app: a}
	c := &cobra.Command{
		Use:   name,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return runQuery(c.Context(), o, find, columns)
		},
	}
	o.window.flags(c)
	c.Flags().StringVar(&o.tenant, "tenant", "default", "whose")
	c.Flags().IntVar(&o.filter.Limit, "limit", 100, "how many rows at most")
	a.formatFlag(c)
	return c, &o.filter
}

func runQuery[Row any](ctx context.Context, o *queryOptions, find list[Row], columns func(output.Format) []output.Column[Row]) error {
	f := o.filter
	if f.Limit < 1 {
		return compliance.Errorf(compliance.Invalid, "--limit is %d; it counts from 1", f.Limit)
	}
	if f.Outcome != "" && !slices.Contains(compliance.Outcomes(), compliance.Outcome(f.Outcome)) {
		return compliance.Errorf(compliance.Invalid, "--outcome: %q is no outcome; choose one of %v", f.Outcome, compliance.Outcomes())
	}
	period, err := o.window.orAlways()
	if err != nil {
		return err
	}
	f.From, f.To = period.From, period.To
	f.Limit++ // one more tells whether there are more
	cfg, _, err := o.loadForReading("clickhouse")
	if err != nil {
		return err
	}
	var rows []Row
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		answered, err := find(ctx, ask.New(conn, o.tenant, 0), f)
		rows = answered.Rows
		return err
	})
	if err != nil {
		return err
	}
	if len(rows) > o.filter.Limit {
		rows = rows[:o.filter.Limit]
		_, _ = fmt.Fprintf(o.err, "There are more than these %d rows: raise --limit, or ask for less.\n", len(rows))
	}
	return output.Write(o.writer(), rows, columns(o.format))
}

// orAlways is parse, where each end may be missing.
func (o *periodOptions) orAlways() (ask.Period, error) {
	if o.period != "" || o.from != "" && o.to != "" {
		return o.parse()
	}
	var p ask.Period
	p.From, p.To = ask.Always()
	var err error
	if o.from != "" {
		p.From, err = ask.ParseTime(o.from)
	}
	if o.to != "" && err == nil {
		p.To, err = ask.ParseTime(o.to)
	}
	return p, err
}

func typeFlags(c *cobra.Command, f *listing.Filter) {
	c.Flags().StringVar(&f.Type, "type", "", "an event `type`, or a beginning and a star: access.*")
	c.Flags().StringVar(&f.Source, "source", "", "the `source`, such as /idp")
}

func itemFlags(c *cobra.Command, f *listing.Filter) {
	c.Flags().StringVar(&f.Control, "control", "", "the control's `id`")
	c.Flags().StringVar(&f.Item, "item", "", "the item's `id`")
	c.Flags().StringVar(&f.Outcome, "outcome", "", "the `outcome`: pass, deviation, waived, inconclusive, not_applicable, pending or withdrawn")
}

func (a *app) queryEvents() *cobra.Command {
	c, f := queryFor(a, "events", "List events by time, as they stand in the log", listing.Events, func(format output.Format) []output.Column[listing.Event] {
		columns := []output.Column[listing.Event]{
			{Head: "TIME", Cell: func(e listing.Event) string { return e.Time.String() }},
			{Head: "TYPE", Cell: func(e listing.Event) string { return e.Type }},
			{Head: "SOURCE", Cell: func(e listing.Event) string { return e.Source }},
			{Head: "ID", Cell: func(e listing.Event) string { return e.ID }},
			{Head: "TOPIC", Cell: func(e listing.Event) string { return e.Topic }},
			{Head: "PARTITION", Cell: func(e listing.Event) string { return strconv.Itoa(int(e.Partition)) }},
			{Head: "OFFSET", Cell: func(e listing.Event) string { return strconv.FormatInt(e.Offset, 10) }},
			{Head: "SHA-256", Cell: func(e listing.Event) string { return short(e.SHA256, format) }},
		}
		if format == output.CSV {
			columns = append(columns, output.Column[listing.Event]{Head: "DATA", Cell: func(e listing.Event) string { return string(e.Data) }})
		}
		return columns
	})
	typeFlags(c, f)
	c.Flags().StringVar(&f.ID, "id", "", "the event's `id`")
	return c
}

// short cuts a hash where people read it.
func short(hash string, format output.Format) string {
	const enough = 12
	if format == output.Table && len(hash) > enough {
		return hash[:enough]
	}
	return hash
}

func (a *app) queryVerdicts() *cobra.Command {
	c, f := queryFor(a, "verdicts", "List what controls say of their items now", listing.Verdicts, func(output.Format) []output.Column[listing.Found] {
		return []output.Column[listing.Found]{
			{Head: "CONTROL", Cell: func(v listing.Found) string { return v.Control }},
			{Head: "ITEM", Cell: func(v listing.Found) string { return v.Item.ID }},
			{Head: "TIME", Cell: func(v listing.Found) string { return v.Item.Time.String() }},
			{Head: "OUTCOME", Cell: func(v listing.Found) string { return string(v.Outcome) }},
			{Head: "REASON", Cell: func(v listing.Found) string { return v.Reason }},
			{Head: "REVISION", Cell: func(v listing.Found) string { return strconv.Itoa(v.Revision) }},
			{Head: "REMEDIATED", Cell: func(v listing.Found) string { return orNothing(v.RemediatedAt) }},
			{Head: "KNOWN", Cell: func(v listing.Found) string { return v.KnownAt.String() }},
		}
	})
	itemFlags(c, f)
	c.Flags().StringVar(&f.Reason, "reason", "", "the reason's `code`")
	return c
}

func orNothing(i compliance.Instant) string {
	if i == 0 {
		return ""
	}
	return i.String()
}

func (a *app) queryViolations() *cobra.Command {
	c, f := queryFor(a, "violations", "List violation records as they were published", listing.Violations, func(output.Format) []output.Column[listing.Violation] {
		return []output.Column[listing.Violation]{
			{Head: "KNOWN", Cell: func(v listing.Violation) string { return v.KnownAt.String() }},
			{Head: "CONTROL", Cell: func(v listing.Violation) string { return v.Control }},
			{Head: "ITEM", Cell: func(v listing.Violation) string { return v.Item.ID }},
			{Head: "REVISION", Cell: func(v listing.Violation) string { return strconv.Itoa(v.Revision) }},
			{Head: "CHANGE", Cell: func(v listing.Violation) string { return v.Change }},
			{Head: "SEVERITY", Cell: func(v listing.Violation) string { return v.Severity }},
			{Head: "OUTCOME", Cell: func(v listing.Violation) string { return v.Outcome }},
			{Head: "REASON", Cell: func(v listing.Violation) string { return v.Reason }},
			{Head: "TITLE", Cell: func(v listing.Violation) string { return v.Title }},
		}
	})
	itemFlags(c, f)
	return c
}

func (a *app) queryRejected() *cobra.Command {
	c, f := queryFor(a, "rejected", "List what came and was no event", listing.Refused, func(format output.Format) []output.Column[listing.Rejected] {
		return []output.Column[listing.Rejected]{
			{Head: "AT", Cell: func(r listing.Rejected) string { return r.At.String() }},
			{Head: "BY", Cell: func(r listing.Rejected) string { return r.By }},
			{Head: "CODE", Cell: func(r listing.Rejected) string { return r.Code }},
			{Head: "SOURCE", Cell: func(r listing.Rejected) string { return r.Source }},
			{Head: "ID", Cell: func(r listing.Rejected) string { return r.ID }},
			{Head: "TYPE", Cell: func(r listing.Rejected) string { return r.Type }},
			{Head: "SHA-256", Cell: func(r listing.Rejected) string { return short(r.SHA256, format) }},
			{Head: "REASON", Cell: func(r listing.Rejected) string { return r.Reason }},
		}
	})
	typeFlags(c, f)
	c.Flags().StringVar(&f.Code, "code", "", "the `code` of the reason, such as invalid_data")
	return c
}

func (a *app) queryConflicts() *cobra.Command {
	c, f := queryFor(a, "conflicts", "List events that came with more than one body", listing.Conflicts, func(format output.Format) []output.Column[listing.Conflict] {
		return []output.Column[listing.Conflict]{
			{Head: "TIME", Cell: func(k listing.Conflict) string { return k.Time.String() }},
			{Head: "TYPE", Cell: func(k listing.Conflict) string { return k.Type }},
			{Head: "SOURCE", Cell: func(k listing.Conflict) string { return k.Source }},
			{Head: "ID", Cell: func(k listing.Conflict) string { return k.ID }},
			{Head: "COPIES", Cell: func(k listing.Conflict) string { return strconv.FormatInt(k.Copies, 10) }},
			{Head: "BODIES", Cell: func(k listing.Conflict) string {
				bodies := make([]string, len(k.Bodies))
				for i, b := range k.Bodies {
					bodies[i] = short(b, format)
				}
				return strings.Join(bodies, " ")
			}},
		}
	})
	typeFlags(c, f)
	return c
}
