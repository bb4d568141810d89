package main

import (
	"context"
	"fmt"
	"strconv"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/output"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/assay/internal/driver"
	"assay.example/assay/services/collector"
)

// openDoors has the collector take what the story's vendors send. Their events have
// the sources that the story's controls know, whoever tells them.
func openDoors(cfg *Config) {
	cfg.Collector.OTLP.Source = "" // a service's own name is its source
	for _, d := range driver.Doors() {
		cfg.Collector.Sources = append(cfg.Collector.Sources, collector.Source{
			Name: d.Name, Vendor: d.Vendor, Source: d.Source, Secrets: []settings.Secret{collector.DemoSourceSecret},
		})
	}
}

var (
	identitiesQuery = clickhouse.MustQuery(`SELECT count() AS rows, uniqExact(source, id) AS events
		FROM events WHERE tenant = {tenant:String}`)
	conflictsQuery = clickhouse.MustQuery(`SELECT source, id FROM event_conflicts WHERE tenant = {tenant:String} ORDER BY ALL`)
)

// checkDoors holds the log against what was sent: what was repeated or replayed is
// the same event once more, nothing forged is there, and nothing is missing.
func (p *performance) checkDoors(ctx context.Context) (differences []string, err error) {
	var want, got struct{ Rows, Events uint64 }
	for _, t := range p.tallies {
		want.Rows += uint64(t.Events)
		want.Events += uint64(t.Distinct)
	}
	// Events may reach ClickHouse after the verdicts on them.
	err = p.poll(ctx, p.patience, func() (bool, error) {
		err := identitiesQuery.Scan(ctx, p.conn, []any{&got.Rows, &got.Events}, defaultTenant)
		return got == want, err
	})
	if got != want {
		differences = append(differences, fmt.Sprintf("the log has %d events in %d records; sent were %d in %d: %v",
			got.Events, got.Rows, want.Events, want.Rows, err))
	}
	var conflicts []struct {
		Source string `ch:"source"`
		ID     string `ch:"id"`
	}
	if err := conflictsQuery.Select(ctx, p.conn, &conflicts, defaultTenant); err != nil {
		return nil, err
	}
	for _, c := range conflicts {
		differences = append(differences, fmt.Sprintf("%s %s: it came with different bodies", c.Source, c.ID))
	}
	return differences, nil
}

// showDoors writes what became of what the vendors sent.
func (p *performance) showDoors() error {
	number := func(of func(driver.Tally) int) func(driver.Tally) string {
		return func(t driver.Tally) string { return strconv.Itoa(of(t)) }
	}
	_, _ = fmt.Fprintln(p.out)
	return output.Write(p.writer(), p.tallies, []output.Column[driver.Tally]{
		{Head: "DOOR", Cell: func(t driver.Tally) string { return t.Door.Name }},
		{Head: "SOURCE", Cell: func(t driver.Tally) string { return t.Door.Source }},
		{Head: "SENT", Cell: number(func(t driver.Tally) int { return t.Sent })},
		{Head: "ACCEPTED", Cell: number(func(t driver.Tally) int { return t.Accepted })},
		{Head: "EVENTS", Cell: number(func(t driver.Tally) int { return t.Events })},
		{Head: "REPEATED", Cell: number(func(t driver.Tally) int { return t.Repeated })},
		{Head: "REFUSED", Cell: number(func(t driver.Tally) int { return t.Refused })},
	})
}
