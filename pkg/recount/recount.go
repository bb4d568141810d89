// Package recount holds the counts that questions about a period are answered from
// against the verdicts that they count, and puts right what differs.
//
// Counts are kept by adding and taking away (verdict_days), so they are right only if
// every insert took effect once. The recorder sees to that; here somebody looks. What
// is being inserted meanwhile is left for the next time, so nothing that is on its way
// is taken for missing, and a difference that is found twice is put right once.
package recount

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

//go:embed sql/*.sql
var files embed.FS

// Difference is a count that verdicts don't confirm.
type Difference struct {
	Tenant     string             `json:"tenant"`
	Control    string             `json:"control"`
	Day        time.Time          `json:"day"`
	Outcome    compliance.Outcome `json:"outcome"`
	Reason     string             `json:"reason"`
	Remediated bool               `json:"remediated"`
	// Counted is what verdict_days says, Recounted what verdicts say.
	Counted   int64 `json:"counted"`
	Recounted int64 `json:"recounted"`
}

// Counts compares, and puts right, over one connection.
type Counts struct {
	Conn clickhouse.Conn
	// Verdicts is the full name of the topic that revisions come from.
	Verdicts string
	// Settle is how long a difference must last before it is believed: of an insert that is
	// under way, some tables show their part before others.
	Settle time.Duration
}

// Found is what a recount came to.
type Found struct {
	// Controls counts the pairs of tenant and control that were recounted.
	Controls    int          `json:"controls"`
	Differences []Difference `json:"differences"`
	// Behind counts items that verdicts did not have as their newest revision says.
	Behind int64 `json:"items_behind"`
}

// Right tells that everything agreed.
func (f *Found) Right() bool { return len(f.Differences) == 0 && f.Behind == 0 }

// Compare recounts everything of some tenants and changes nothing.
func (c *Counts) Compare(ctx context.Context, tenants []string) (*Found, error) {
	return c.each(ctx, tenants, func(context.Context, *counted) error { return nil })
}

// Repair compares, then adds to each count what is missing, and writes that down. It says
// what it found, which is right afterwards.
func (c *Counts) Repair(ctx context.Context, tenants []string, now compliance.Instant) (*Found, error) {
	return c.each(ctx, tenants, func(ctx context.Context, found *counted) error { return c.repair(ctx, found, now) })
}

// Tenants are those that have revisions.
func (c *Counts) Tenants(ctx context.Context) (tenants []string, err error) {
	rows, err := c.Conn.Query(ctx, "SELECT DISTINCT toString(tenant) FROM verdict_revisions ORDER BY 1")
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var tenant string
		if err := rows.Scan(&tenant); err != nil {
			return nil, unavailable(err)
		}
		tenants = append(tenants, tenant)
	}
	return tenants, rows.Err()
}

// counted is one control of one tenant.
type counted struct {
	tenant, control string
	behind          int64
	differences     []Difference
}

func (c *Counts) each(ctx context.Context, tenants []string, then func(context.Context, *counted) error) (*Found, error) {
	found := &Found{Differences: []Difference{}}
	var doubtful []*counted
	for _, tenant := range tenants {
		var controls []struct {
			Control string `ch:"control"`
		}
		if err := c.ask(ctx, "controls", &controls, tenant); err != nil {
			return found, err
		}
		for _, row := range controls {
			one, err := c.count(ctx, tenant, row.Control)
			if err != nil {
				return found, err
			}
			found.Controls++
			if one.behind > 0 || len(one.differences) > 0 {
				doubtful = append(doubtful, one)
			}
		}
	}
	if len(doubtful) == 0 {
		return found, nil
	}
	if err := c.settle(ctx); err != nil {
		return found, err
	}
	for _, before := range doubtful {
		one, err := c.count(ctx, before.tenant, before.control)
		if err == nil {
			one.keep(before)
			err = then(ctx, one)
		}
		if err != nil {
			return found, err
		}
		found.Behind += one.behind
		found.Differences = append(found.Differences, one.differences...)
	}
	return found, nil
}

func (c *Counts) settle(ctx context.Context) error {
	timer := time.NewTimer(c.Settle)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// keep leaves what was found before as well.
func (found *counted) keep(before *counted) {
	found.behind = min(found.behind, before.behind)
	found.differences = slices.DeleteFunc(found.differences, func(d Difference) bool { return !slices.Contains(before.differences, d) })
}

// count compares one control. Days that somebody is writing about are left out.
func (c *Counts) count(ctx context.Context, tenant, control string) (*counted, error) {
	partitions, ends, err := c.covered(ctx)
	if err != nil {
		return nil, err
	}
	one := &counted{tenant: tenant, control: control}
	named := clickhouse.Named("control", control)
	var behind []struct {
		Items int64 `ch:"items"`
	}
	if err := c.ask(ctx, "behind", &behind, tenant, named); err != nil {
		return nil, err
	}
	var rows []differenceRow
	if err := c.ask(ctx, "differences", &rows, tenant, named); err != nil {
		return nil, err
	}
	if len(rows) == 0 && behind[0].Items == 0 {
		return one, nil
	}
	var touched []dayRow
	err = c.ask(ctx, "touched", &touched, tenant, named, clickhouse.Named("partitions", partitions), clickhouse.Named("ends", ends))
	if err != nil {
		return nil, err
	}
	if len(touched) == 0 { // an item behind has no day to be told by
		one.behind = behind[0].Items
	}
	for i := range rows {
		if !slices.Contains(touched, dayRow{rows[i].Day}) {
			one.differences = append(one.differences, rows[i].difference(tenant, control))
		}
	}
	return one, nil
}

type dayRow struct {
	Day time.Time `ch:"day"`
}

type differenceRow struct {
	Day        time.Time `ch:"day"`
	Outcome    string    `ch:"outcome"`
	Reason     string    `ch:"reason"`
	Remediated bool      `ch:"remediated"`
	Counted    int64     `ch:"counted"`
	Recounted  int64     `ch:"recounted"`
}

func (r *differenceRow) difference(tenant, control string) Difference {
	return Difference{tenant, control, r.Day, compliance.Outcome(r.Outcome), r.Reason, r.Remediated, r.Counted, r.Recounted}
}

// covered is up to where each partition's revisions are in all tables.
func (c *Counts) covered(ctx context.Context) (partitions []int32, ends []int64, err error) {
	rows, err := c.Conn.Query(ctx, "SELECT partition, max(end_offset) FROM coverage WHERE topic = $1 GROUP BY partition", c.Verdicts)
	if err != nil {
		return nil, nil, unavailable(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var partition int32
		var end int64
		if err := rows.Scan(&partition, &end); err != nil {
			return nil, nil, unavailable(err)
		}
		partitions, ends = append(partitions, partition), append(ends, end)
	}
	return partitions, ends, rows.Err()
}

func (c *Counts) ask(ctx context.Context, name string, into any, tenant string, params ...clickhouse.Param) error {
	text, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		return fmt.Errorf("reading the question %s: %w", name, err)
	}
	query, err := clickhouse.NewQuery(string(text))
	if err != nil {
		return fmt.Errorf("reading the question %s: %w", name, err)
	}
	if err := query.Select(ctx, c.Conn, into, tenant, params...); err != nil {
		return unavailable(fmt.Errorf("%s: %w", name, err))
	}
	return nil
}

// repair adds what is missing. A difference that two recounts have found on one day is
// added once, since ClickHouse takes an insert with the same token once.
func (c *Counts) repair(ctx context.Context, found *counted, now compliance.Instant) error {
	if found.behind > 0 {
		if err := c.refill(ctx, found); err != nil {
			return err
		}
		again, err := c.count(ctx, found.tenant, found.control) // counts were held against too few
		if err != nil {
			return err
		}
		found.differences = again.differences
	}
	for i := range found.differences {
		if err := c.add(ctx, &found.differences[i], now); err != nil {
			return err
		}
	}
	return nil
}

// refill writes what verdicts lack. What they have is written once more, which changes nothing.
func (c *Counts) refill(ctx context.Context, found *counted) error {
	var database string
	if err := c.Conn.QueryRow(ctx, "SELECT currentDatabase()").Scan(&database); err != nil {
		return unavailable(err)
	}
	feeds, err := clickhouse.Feeds(ctx, c.Conn, database)
	if err != nil {
		return err
	}
	for _, f := range feeds {
		if f.Target != "verdicts" {
			continue
		}
		if err := c.Conn.Exec(ctx, f.Insert(database, "tenant = $1 AND control = $2"), found.tenant, found.control); err != nil {
			return unavailable(fmt.Errorf("writing what verdicts lack: %w", err))
		}
	}
	return nil
}

func (c *Counts) add(ctx context.Context, d *Difference, now compliance.Instant) error {
	sum := sha256.Sum256(fmt.Append(nil, now.Time().Format(time.DateOnly), *d))
	ctx = clickhouse.Once(ctx, hex.EncodeToString(sum[:]))
	err := c.Conn.Exec(ctx, "INSERT INTO verdict_days (tenant, control, day, outcome, reason, remediated, n) VALUES ($1, $2, $3, $4, $5, $6, $7)",
		d.Tenant, d.Control, d.Day.Format(time.DateOnly), string(d.Outcome), d.Reason, d.Remediated, d.Recounted-d.Counted)
	if err != nil {
		return unavailable(fmt.Errorf("putting a count right: %w", err))
	}
	err = c.Conn.Exec(ctx, `INSERT INTO count_repairs (tenant, control, day, outcome, reason, remediated, counted, recounted, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, fromUnixTimestamp64Micro($9, 'UTC'))`,
		d.Tenant, d.Control, d.Day.Format(time.DateOnly), string(d.Outcome), d.Reason, d.Remediated, d.Counted, d.Recounted, int64(now))
	if err != nil {
		return unavailable(fmt.Errorf("writing down that a count was put right: %w", err))
	}
	return nil
}

func unavailable(err error) error {
	return compliance.Errorf(compliance.Unavailable, "recounting: %w", err)
}
