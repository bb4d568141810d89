package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/change"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/output"
)

type replayOptions struct {
	*app
	from, to         string
	fromTime, toTime string
	asOf             string
	events           string
	change           change.Options
}

func (a *app) replayCommand() *cobra.Command {
	o := replayOptions{app: a}
	c := &cobra.Command{
		Use:   "replay",
		Short: "Say which verdicts another rule set would change, over recorded history, and why",
		Long: `Two rule sets judge the same recorded events, up to the same watermark. Each item
whose outcome, reason, time or remedy differ is listed with what both say and why:
the clause that changed, and the evidence that counts now, or doesn't any more. The
totals count all items of the controls that differ; those that mean the same in both
sets are not judged.

A rule set is a folder, or "builtin", the library; --to may be a control file, which
then replaces that control in --from, or stands beside it as another version if it has
another effective_from. Events are read from ClickHouse, or from a file
that was written by assay query events -o jsonl, which needs no server. Every recorded
event counts on both sides, however late it came, so what differs differs by the rule.

It holds what is said of each item of these controls, and the state of items that are
not decided yet, but no history: choose controls with --control if that is too much.
--check judges with the slow reference rules too, and holds all events.

It exits with 1 if a verdict changes, with 5 if the check finds a difference. Nothing
is written anywhere: the rules in force stay in force.`,
		Example: `  assay replay --to controls/soc2/incident/IN-01.yaml
  assay replay --from controls --to proposed --control CH-01 --from-time 2026-07-01
  assay query events --limit 10000000 -o jsonl > events.jsonl
  assay replay --to proposed --events events.jsonl -o json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	f := c.Flags()
	f.StringVar(&o.from, "from", builtIn, "the rule `set` before: a folder, or builtin")
	f.StringVar(&o.to, "to", "", "the rule `set` after: a folder, builtin, or a control file")
	f.StringSliceVar(&o.change.Controls, "control", nil, "only the control with this `id`; may be repeated")
	f.StringVar(&o.change.Tenant, "tenant", "default", "whose items")
	f.StringVar(&o.fromTime, "from-time", "", "only items from this `time` on: a date or RFC 3339")
	f.StringVar(&o.toTime, "to-time", "", "only items before this `time`")
	f.StringVar(&o.asOf, "as-of", "", "judge by what happened before this `time`, instead of all on record")
	f.StringVar(&o.events, "events", "", "read events from this `file` of JSON lines instead of ClickHouse")
	f.IntVar(&o.change.Limit, "limit", 100, "how many items are listed at most; all are counted")
	f.BoolVar(&o.change.Check, "check", false, "judge with the reference rules too, and compare")
	a.formatFlag(c)
	return c
}

func (o *replayOptions) run(ctx context.Context) error {
	if err := o.parse(); err != nil {
		return err
	}
	types, err := dictionary.Default()
	if err != nil {
		return err
	}
	if o.change.From, o.change.To, err = openRuleSets(o.from, o.to, types); err != nil {
		return err
	}
	for _, id := range o.change.Controls {
		if o.change.From.Control(id) == nil && o.change.To.Control(id) == nil {
			return compliance.Errorf(compliance.NotFound, "neither rule set has a control %s", id)
		}
	}
	record := &listing.Recorded{Types: types, Tenant: o.change.Tenant}
	r, err := o.judge(ctx, record)
	if err != nil {
		return err
	}
	if err := o.write(r); err != nil {
		return err
	}
	return replayCode(r)
}

func (o *replayOptions) parse() error {
	if o.to == "" {
		return compliance.Errorf(compliance.Invalid, "which rule set would be in force? Say --to, a folder or a control file")
	}
	if o.change.Limit < 0 {
		return compliance.Errorf(compliance.Invalid, "--limit is %d; it counts from 0", o.change.Limit)
	}
	return o.parseTimes()
}

func (o *replayOptions) parseTimes() error {
	for _, t := range []struct {
		text string
		into *compliance.Instant
	}{{o.fromTime, &o.change.Since}, {o.toTime, &o.change.Until}, {o.asOf, &o.change.AsOf}} {
		if t.text == "" {
			continue
		}
		at, err := ask.ParseTime(t.text)
		if err != nil {
			return err
		}
		*t.into = at
	}
	return nil
}

// judge replays the events of the file, or else of ClickHouse.
func (o *replayOptions) judge(ctx context.Context, record *listing.Recorded) (*change.Result, error) {
	if o.events != "" {
		return o.byFile(record)
	}
	return o.byClickHouse(ctx, record)
}

// byFile replays the events of a file, which is read anew for each pass.
func (o *replayOptions) byFile(record *listing.Recorded) (*change.Result, error) {
	if o.change.AsOf == 0 {
		if err := o.reading(func(in *os.File) (err error) {
			o.change.AsOf, err = listing.EndOfLines(in, o.events)
			return err
		}); err != nil {
			return nil, err
		}
	}
	o.change.Events = func(types []string, visit func(*compliance.Event) error) error {
		record.Unreadable = 0
		return o.reading(func(in *os.File) error { return record.FromLines(in, o.events, types, visit) })
	}
	return o.replay(record)
}

func (o *replayOptions) reading(do func(*os.File) error) (err error) {
	in, err := os.Open(o.events)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "opening the events: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	return do(in)
}

func (o *replayOptions) byClickHouse(ctx context.Context, record *listing.Recorded) (r *change.Result, err error) {
	cfg, _, err := o.loadForReading("clickhouse")
	if err != nil {
		return nil, err
	}
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		if o.change.AsOf == 0 {
			if o.change.AsOf, err = ask.Clock(ctx, conn); err != nil {
				return err
			}
		}
		if o.change.AsOf == 0 {
			return compliance.Errorf(compliance.NotFound, "no clock is on record yet, so nothing can be judged; say --as-of")
		}
		o.change.Events = func(types []string, visit func(*compliance.Event) error) error {
			record.Unreadable = 0
			return record.FromClickHouse(ctx, conn, types, o.change.AsOf, visit)
		}
		r, err = o.replay(record)
		return err
	})
	return r, err
}

func (o *replayOptions) replay(record *listing.Recorded) (*change.Result, error) {
	r, err := change.Replay(o.change)
	if record.Unreadable > 0 {
		_, _ = fmt.Fprintf(o.err, "%d events are not what their type's schema says, and were left out.\n", record.Unreadable)
	}
	return r, err
}

func (o *replayOptions) write(r *change.Result) error {
	w := o.writer()
	if r.Changed > len(r.Items) {
		_, _ = fmt.Fprintf(o.err, "There are more than these %d items: raise --limit.\n", len(r.Items))
	}
	switch o.format {
	case output.JSON:
		return r.WriteJSON(o.out)
	case output.JSONL, output.CSV:
		return output.Write(w, r.Items, itemColumns())
	case output.Table:
	}
	return o.writeTable(r)
}

// writeTable shows in what the rule sets differ, the totals, and the items.
func (o *replayOptions) writeTable(r *change.Result) error {
	w := o.writer()
	if len(r.Controls) == 0 {
		_, err := fmt.Fprintln(o.out, "Both rule sets mean the same: no verdict changes.")
		return err
	}
	if len(r.Differences) > 0 {
		if err := output.Write(w, r.Differences, differenceColumns(o.format)); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(o.out)
	}
	if len(r.Totals) > 0 {
		if err := output.Write(w, r.Totals, totalColumns()); err != nil {
			return err
		}
		_, _ = fmt.Fprintln(o.out)
	}
	if len(r.Items) > 0 {
		if err := output.Write(w, r.Items, itemColumns()[:5]); err != nil {
			return err
		}
		o.writeReasons(r)
	}
	_, err := fmt.Fprintf(o.out, "%d of %d verdicts change, as of %s, by %d events%s.\n", r.Changed, r.Judged(), r.AsOf, r.Events, otherEvidence(r))
	return err
}

// writeReasons says why, once for items in a row that have the same reasons.
func (o *replayOptions) writeReasons(r *change.Result) {
	for i, it := range r.Items {
		if i == 0 || !slices.Equal(it.Why, r.Items[i-1].Why) {
			_, _ = fmt.Fprintln(o.out)
		}
		_, _ = fmt.Fprintf(o.out, "%s/%s\n", it.Control, it.ID)
		if i+1 < len(r.Items) && slices.Equal(it.Why, r.Items[i+1].Why) {
			continue
		}
		for _, line := range it.Why {
			_, _ = fmt.Fprintf(o.out, "  %s\n", line)
		}
	}
	_, _ = fmt.Fprintln(o.out)
}

func otherEvidence(r *change.Result) string {
	if r.Renamed == 0 {
		return ""
	}
	return fmt.Sprintf("; %d more name other evidence", r.Renamed)
}

func totalColumns() []output.Column[change.Total] {
	return []output.Column[change.Total]{
		{Head: "CONTROL", Cell: func(t change.Total) string { return t.Control }},
		{Head: "BEFORE", Cell: func(t change.Total) string { return t.Before }},
		{Head: "AFTER", Cell: func(t change.Total) string { return t.After }},
		{Head: "ITEMS", Cell: func(t change.Total) string { return strconv.Itoa(t.Items) }},
		{Head: "CHANGED", Cell: func(t change.Total) string {
			if t.Changed {
				return "yes"
			}
			return "no"
		}},
	}
}

func itemColumns() []output.Column[change.Item] {
	return []output.Column[change.Item]{
		{Head: "CONTROL", Cell: func(i change.Item) string { return i.Control }},
		{Head: "ITEM", Cell: func(i change.Item) string { return i.ID }},
		{Head: "TIME", Cell: func(i change.Item) string { return i.Time.String() }},
		{Head: "BEFORE", Cell: func(i change.Item) string { return i.Before.String() }},
		{Head: "AFTER", Cell: func(i change.Item) string { return i.After.String() }},
		{Head: "WHY", Cell: func(i change.Item) string { return strings.Join(i.Why, "; ") }},
	}
}

func replayCode(r *change.Result) error {
	if len(r.Faults) > 0 {
		return &exitError{exitUnverified, fmt.Errorf("the engine and the reference rules differ:\n%s", strings.Join(r.Faults, "\n"))}
	}
	if r.Changed > 0 {
		return &exitError{exitViolations, fmt.Errorf("%d of %d verdicts change", r.Changed, r.Judged())}
	}
	return nil
}
