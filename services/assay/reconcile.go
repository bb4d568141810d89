package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/reconcile"
)

type reconcileOptions struct {
	*app
	window  periodOptions
	tenant  string
	control string
	export  string
	mapping string
	key     string
	asOf    string
}

func (a *app) reconcileCommand() *cobra.Command {
	o := reconcileOptions{app: a}
	c := &cobra.Command{
		Use:   "reconcile",
		Short: "Hold a control's population against a list that somebody else kept",
		Long: `Compare the items of a control in a period with an export, such as the deployment tool's
own list: CSV with a line of names at its top. What is missing on either side, or
stands at another time, is named by its key. A mapping in YAML says which columns
are the key and the time (docs/formats/reconcile.md).

It exits with 1 if anything differs. Which side is right it doesn't say.`,
		Example: `  assay reconcile --control CH-01 --period 2026-Q3 --export deployments.csv --mapping deployments.yaml
  assay reconcile --control CH-01 --period 2026-Q3 --export deployments.csv --key deploy_id`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.run(c.Context()) },
	}
	o.window.flags(c)
	c.Flags().StringVar(&o.tenant, "tenant", "default", "whose items")
	c.Flags().StringVar(&o.control, "control", "", "the control's `id`")
	c.Flags().StringVar(&o.export, "export", "", "the `file` of the list, CSV")
	c.Flags().StringVar(&o.mapping, "mapping", "", "the `file` that says what its columns mean, YAML")
	c.Flags().StringVar(&o.key, "key", "", "the `column` with the item's id, instead of --mapping")
	c.Flags().StringVar(&o.asOf, "as-of", "", "compare what was known at this `time`, instead of all on record")
	a.formatFlag(c)
	return c
}

// reconciled is what was compared, and how it came out.
type reconciled struct {
	Tenant  string             `json:"tenant"`
	Control string             `json:"control"`
	From    compliance.Instant `json:"from"`
	To      compliance.Instant `json:"to"`
	AsOf    compliance.Instant `json:"as_of,omitzero"`
	MadeAt  compliance.Instant `json:"made_at"`
	Export  string             `json:"export_sha256"`
	Rows    int                `json:"rows"`
	// Filtered counts the rows that the mapping leaves out.
	Filtered int                `json:"filtered"`
	Mapping  *reconcile.Mapping `json:"mapping"`

	*reconcile.Result
}

func (o *reconcileOptions) run(ctx context.Context) error {
	period, err := o.window.parse()
	if err != nil {
		return err
	}
	asOf, err := ask.ParseAsOf(o.asOf)
	if err != nil {
		return err
	}
	r, e, err := o.read()
	if err != nil {
		return err
	}
	r.From, r.To, r.AsOf = period.From, period.To, asOf
	cfg, _, err := o.loadForReading("clickhouse")
	if err != nil {
		return err
	}
	var items []reconcile.Item
	err = withClickHouse(ctx, cfg, func(conn clickhouse.Conn) error {
		near := r.Mapping.Tolerance
		verdicts, err := listing.Items(ctx, conn, o.tenant, o.control, period.From.Add(-near), period.To.Add(near), asOf)
		for i := range verdicts {
			v := &verdicts[i]
			items = append(items, reconcile.Item{ID: v.Item.ID, At: v.Item.Time, Outcome: v.Outcome})
		}
		return err
	})
	if err != nil {
		return err
	}
	r.Result = reconcile.Compare(e, r.Mapping, items, period.From, period.To)
	if err := o.write(r); err != nil {
		return err
	}
	if !r.Agree() {
		return &exitError{exitViolations, fmt.Errorf("the export and the population of %s differ", o.control)}
	}
	return nil
}

// read reads the export, and what its columns mean.
func (o *reconcileOptions) read() (*reconciled, *reconcile.Export, error) {
	switch {
	case o.control == "":
		return nil, nil, compliance.Errorf(compliance.Invalid, "which control's items? Say --control")
	case o.export == "":
		return nil, nil, compliance.Errorf(compliance.Invalid, "compare with what? Say --export, a CSV file")
	case (o.mapping == "") == (o.key == ""):
		return nil, nil, compliance.Errorf(compliance.Invalid, "what do its columns mean? Say --mapping, or --key where one column is all")
	}
	m, err := o.columns()
	if err != nil {
		return nil, nil, err
	}
	raw, err := os.ReadFile(o.export)
	if err != nil {
		return nil, nil, compliance.Errorf(compliance.Invalid, "opening the export: %w", err)
	}
	e, err := reconcile.ReadExport(bytes.NewReader(raw), m)
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(raw)
	return &reconciled{
		Tenant: o.tenant, Control: o.control, MadeAt: compliance.InstantOf(time.Now()), Export: hex.EncodeToString(sum[:]),
		Rows: e.Read, Filtered: e.Filtered, Mapping: m,
	}, e, nil
}

func (o *reconcileOptions) columns() (*reconcile.Mapping, error) {
	if o.key != "" {
		return reconcile.ReadMapping("--key", fmt.Appendf(nil, "key: %q", o.key))
	}
	raw, err := os.ReadFile(o.mapping)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "opening the mapping: %w", err)
	}
	return reconcile.ReadMapping(o.mapping, raw)
}

// disagreement is one line of the table.
type disagreement struct{ what, key, line, theirs, ours string }

func (o *reconcileOptions) write(r *reconciled) error {
	switch o.format {
	case output.JSON, output.JSONL:
		return o.writer().Object(r)
	case output.CSV:
		return output.Write(o.writer(), r.differences(), disagreementColumns())
	case output.Table:
	}
	var said strings.Builder
	fmt.Fprintf(&said, "%s of tenant %s, %s to %s (not included), against an export of %d rows (SHA-256 %s)\n", r.Control, r.Tenant, r.From, r.To, r.Rows, r.Export)
	fmt.Fprintf(&said, "%d compared, %d match; %d rows left out by the mapping, %d outside the period\n", r.Compared, r.Matched, r.Filtered, r.Outside)
	fmt.Fprintf(&said, "%d missing on record, %d missing in the export, %d at another time, %d withdrawn on record, %d repeated in the export\n",
		len(r.Missing), len(r.Extra), len(r.Moved), len(r.Withdrawn), len(r.Repeated))
	if _, err := o.out.Write([]byte(said.String())); err != nil {
		return err
	}
	if r.Agree() {
		return nil
	}
	return output.Write(o.writer(), r.differences(), disagreementColumns())
}

func (r *reconciled) differences() (lines []disagreement) {
	rows := func(what string, of []reconcile.Row) {
		for _, row := range of {
			lines = append(lines, disagreement{what, row.Key, strconv.Itoa(row.Line), orNothing(row.At), ""})
		}
	}
	rows("missing on record", r.Missing)
	for _, it := range r.Extra {
		lines = append(lines, disagreement{"missing in the export", it.ID, "", "", it.At.String()})
	}
	for _, m := range r.Moved {
		lines = append(lines, disagreement{"at another time", m.Row.Key, strconv.Itoa(m.Row.Line), m.Row.At.String(), m.Item.At.String()})
	}
	rows("withdrawn on record", r.Withdrawn)
	rows("repeated in the export", r.Repeated)
	return lines
}

func disagreementColumns() []output.Column[disagreement] {
	return []output.Column[disagreement]{
		{Head: "DIFFERS", Cell: func(d disagreement) string { return d.what }},
		{Head: "KEY", Cell: func(d disagreement) string { return d.key }},
		{Head: "LINE", Cell: func(d disagreement) string { return d.line }},
		{Head: "IN THE EXPORT", Cell: func(d disagreement) string { return d.theirs }},
		{Head: "ON RECORD", Cell: func(d disagreement) string { return d.ours }},
	}
}
