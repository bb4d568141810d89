package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/report"
	"assay.example/assay/pkg/story"
)

const defaultTenant = "default"

var censusQuery = clickhouse.MustQuery(`SELECT control, item_id, outcome, reason, revision, remediated_at
	FROM verdicts FINAL WHERE tenant = {tenant:String} AND outcome != 'withdrawn'`)

// reported is one item as ClickHouse has it.
type reported struct {
	Control    string    `ch:"control"`
	Item       string    `ch:"item_id"`
	Outcome    string    `ch:"outcome"`
	Reason     string    `ch:"reason"`
	Revision   uint32    `ch:"revision"`
	Remediated time.Time `ch:"remediated_at"`
}

func (r reported) key() string { return r.Control + "/" + r.Item }

// settle waits until the report says what the story knows; if it doesn't in
// time, the differences are the answer.
func (p *performance) settle(ctx context.Context) (differences []string, err error) {
	deadline := time.Now().Add(p.patience)
	for {
		var rows []reported
		if err := censusQuery.Select(ctx, p.conn, &rows, defaultTenant); err != nil {
			return nil, err
		}
		differences = p.compare(rows)
		if len(differences) == 0 || time.Now().After(deadline) {
			return differences, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// compare holds what is reported against the census, item by item.
func (p *performance) compare(rows []reported) []string {
	found := make(map[string]reported, len(rows))
	for _, r := range rows {
		found[r.key()] = r
	}
	var differences []string
	for _, want := range p.story.Census() {
		key := want.Control + "/" + want.ItemID
		got, ok := found[key]
		delete(found, key)
		switch {
		case !ok:
			differences = append(differences, fmt.Sprintf("%s: not reported; planted %s %s", key, want.Outcome, want.Reason))
		case got.Outcome != string(want.Outcome) || got.Reason != want.Reason || got.Remediated.Unix() != 0 != want.Remediated:
			differences = append(differences, fmt.Sprintf("%s: reported %s %s (revision %d, remedied %t); planted %s %s (remedied %t)",
				key, got.Outcome, got.Reason, got.Revision, got.Remediated.Unix() != 0, want.Outcome, want.Reason, want.Remediated))
		}
	}
	for key, got := range found {
		differences = append(differences, fmt.Sprintf("%s: reported %s %s; not planted at all", key, got.Outcome, got.Reason))
	}
	slices.Sort(differences)
	return differences
}

// plantedRow is one thing that was planted, with what is reported of it.
type plantedRow struct {
	Name    string             `json:"name"`
	Control string             `json:"control"`
	Outcome compliance.Outcome `json:"outcome"`
	Reason  string             `json:"reason"`
	Planted int                `json:"planted"`
	Found   int                `json:"found"`
}

// show writes the numbers beside what was planted, and what to do next.
func (p *performance) show(ctx context.Context, cfg Config, differences []string) error {
	var rows []reported
	if err := censusQuery.Select(ctx, p.conn, &rows, defaultTenant); err != nil {
		return err
	}
	if err := p.showReport(ctx); err != nil {
		return err
	}
	if err := p.showPlanted(rows); err != nil {
		return err
	}
	if p.doors {
		if err := p.showDoors(); err != nil {
			return err
		}
	}
	for _, d := range differences[:min(len(differences), 20)] {
		p.say("DIFFERS %s", d)
	}
	items := len(p.story.Census())
	_, _ = fmt.Fprintf(p.out, "\n%d items judged, %d differ from what was planted, after %s\n", items, len(differences), p.elapsed())
	if !p.check {
		p.next(cfg)
	}
	return nil
}

func (p *performance) showPlanted(rows []reported) error {
	found := map[string]reported{}
	for _, r := range rows {
		found[r.key()] = r
	}
	var table []plantedRow
	for _, pl := range p.story.Planted() {
		row := plantedRow{Name: pl.Name, Control: pl.Control, Outcome: pl.Outcome, Reason: pl.Reason, Planted: len(pl.Items)}
		for _, id := range pl.Items {
			if r := found[pl.Control+"/"+id]; r.Outcome == string(pl.Outcome) && r.Reason == pl.Reason {
				row.Found++
			}
		}
		table = append(table, row)
	}
	_, _ = fmt.Fprintln(p.out)
	return output.Write(p.writer(), table, []output.Column[plantedRow]{
		{Head: "PLANTED", Cell: func(r plantedRow) string { return r.Name }},
		{Head: "CONTROL", Cell: func(r plantedRow) string { return r.Control }},
		{Head: "OUTCOME", Cell: func(r plantedRow) string { return string(r.Outcome) }},
		{Head: "REASON", Cell: func(r plantedRow) string { return r.Reason }},
		{Head: "ITEMS", Cell: func(r plantedRow) string { return strconv.Itoa(r.Planted) }},
		{Head: "REPORTED", Cell: func(r plantedRow) string { return strconv.Itoa(r.Found) }},
	})
}

// next says what a newcomer can do now.
func (p *performance) next(cfg Config) {
	_, _ = fmt.Fprintf(p.out, `
The demonstration stays up; Ctrl-C ends it. In another terminal:

  bin/assay report --period 2026-Q3
  bin/assay explain %s

  curl -s http://%s/v1/events -H 'Authorization: Bearer assay-demo-key' \
    -H 'Content-Type: application/cloudevents+json' -d '{
      "specversion": "1.0", "id": "my-1", "source": "/me", "type": "incident.opened",
      "time": "'$(date -u +%%FT%%TZ)'", "datacontenttype": "application/json",
      "data": {"incident_id": "MY-1", "severity": "sev1", "service": "api"}}'
  bin/assay explain IN-01/MY-1

Kafka is at %s (topic %s), ClickHouse and all addresses are in %s.
`, p.example(), cfg.Collector.Listen, cfg.Kafka.Brokers[0], cfg.Kafka.Topic("violations"), clientConfigPath(cfg))
}

// example is an item worth a look.
func (p *performance) example() string {
	for _, pl := range p.story.Planted() {
		if pl.Control == story.CH01 && pl.Outcome == compliance.Deviation && len(pl.Items) > 0 {
			return pl.Control + "/" + pl.Items[0]
		}
	}
	return story.CH01
}

// showReport writes the period report in short.
func (p *performance) showReport(ctx context.Context) error {
	from, to := p.story.Period()
	period, err := ask.Between(from.String(), to.String())
	if err != nil {
		return err
	}
	r, err := report.Make(ctx, p.conn, p.bundle, report.Params{
		Tenant: defaultTenant, Period: period, MadeAt: compliance.InstantOf(time.Now()), Program: thisBuild().Version,
	})
	if err != nil {
		return err
	}
	number := func(of func(report.Counts) int64) func(report.Control) string {
		return func(c report.Control) string { return strconv.FormatInt(of(c.Counts), 10) }
	}
	return output.Write(p.writer(), r.Controls, []output.Column[report.Control]{
		{Head: "CONTROL", Cell: func(c report.Control) string { return c.ID }},
		{Head: "N", Cell: number(func(c report.Counts) int64 { return c.Items })},
		{Head: "PASS", Cell: number(func(c report.Counts) int64 { return c.Pass })},
		{Head: "DEVIATION", Cell: number(func(c report.Counts) int64 { return c.Deviation })},
		{Head: "INCONCLUSIVE", Cell: number(func(c report.Counts) int64 { return c.Inconclusive })},
		{Head: "NOT APPLICABLE", Cell: number(func(c report.Counts) int64 { return c.NotApplicable })},
		{Head: "PENDING", Cell: number(func(c report.Counts) int64 { return c.Pending })},
		{Head: "RESULT", Cell: func(c report.Control) string { return string(c.Result) }},
	})
}
