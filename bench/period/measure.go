package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

const tenant = "tenant-07"

var (
	start = compliance.InstantOf(time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC))
	end   = start.Add(days * 24 * time.Hour)
)

// measure prints the rows of a size, and returns the median of the census in seconds.
func (b *bench) measure(ctx context.Context, out io.Writer) (census float64, err error) {
	ours, peer, err := b.turnsOf(ctx, b.census, b.bareCensus)
	if err != nil {
		return 0, err
	}
	b.print(out, "census of one tenant over six months", ours, peer, "≤ 1.30")
	for name, control := range map[string]string{"items of one control": "CH-07", "items of all controls": ""} {
		first, thousandth, err := b.pages(ctx, control)
		if err != nil {
			return 0, err
		}
		b.print(out, name+", first page", first, nil, "≤ 100 ms")
		b.print(out, name+", thousandth page", thousandth, nil, "≤ 100 ms")
	}
	return median(ours), b.bytes(ctx, out)
}

// turnsOf takes turns, after one of each that isn't counted.
func (b *bench) turnsOf(ctx context.Context, ours, peer func(context.Context) error) (a, z []float64, err error) {
	for turn := range b.turns + 1 {
		for i, do := range []func(context.Context) error{ours, peer} {
			took, err := timed(ctx, do)
			if err != nil {
				return nil, nil, err
			}
			if turn == 0 {
				continue
			}
			if i == 0 {
				a = append(a, took)
			} else {
				z = append(z, took)
			}
		}
	}
	return a, z, nil
}

// timed is the mean of thirty in a row, since one takes some milliseconds and on a machine that
// others use a row of ten differs by a tenth from the next.
func timed(ctx context.Context, do func(context.Context) error) (float64, error) {
	const times = 30
	began := time.Now()
	for range times {
		if err := do(ctx); err != nil {
			return 0, err
		}
	}
	return time.Since(began).Seconds() / times, nil
}

// census asks the product's question: the report's counts.
func (b *bench) census(ctx context.Context) error {
	text, err := ask.SQL("counts_by_day")
	if err != nil {
		return err
	}
	q, err := clickhouse.NewQuery(text)
	if err != nil {
		return err
	}
	var rows []struct {
		Control    string `ch:"control"`
		Outcome    string `ch:"outcome"`
		Reason     string `ch:"reason"`
		Remediated bool   `ch:"remediated"`
		Items      int64  `ch:"items"`
	}
	err = q.Select(ctx, b.conn, &rows, tenant, clickhouse.Named("from", int64(start)), clickhouse.Named("to", int64(end)))
	return some(len(rows), err)
}

// bareCensus is what somebody writes by hand.
func (b *bench) bareCensus(ctx context.Context) error {
	var rows []struct {
		Control string `ch:"control"`
		Outcome string `ch:"outcome"`
		Reason  string `ch:"reason"`
		Items   int64  `ch:"items"`
	}
	err := b.conn.Select(ctx, &rows, `SELECT control, outcome, reason, sum(n) AS items FROM bare
		WHERE tenant = 'tenant-07' AND day >= '2026-04-01' AND day < '2026-10-02' GROUP BY control, outcome, reason ORDER BY control, outcome, reason`)
	return some(len(rows), err)
}

func some(rows int, err error) error {
	if err == nil && rows < controls {
		return fmt.Errorf("only %d rows came", rows)
	}
	return err
}

// pages walks a list once to its thousandth page, then asks for the first and for that one
// in turns. Where there are fewer pages, the last full one stands for it.
func (b *bench) pages(ctx context.Context, control string) (first, thousandth []float64, err error) {
	const size, far = 50, 1000
	asker := ask.New(b.conn, tenant, end)
	list := listing.ItemPages()
	filter := listing.Filter{From: start, To: end, Control: control, Limit: size}
	at, err := b.place(ctx, control, size*(far-1))
	if err != nil {
		return nil, nil, err
	}
	page := func(after []any) func(context.Context) error {
		return func(ctx context.Context) error {
			got, _, err := list.Page(ctx, asker, filter, listing.Page{AsOf: end.Add(30 * 24 * time.Hour), After: after})
			if err == nil && len(got.Rows) != size {
				err = fmt.Errorf("a page has %d rows", len(got.Rows))
			}
			return err
		}
	}
	return b.turnsOf(ctx, page(nil), page(at))
}

// place is where the n-th item of a list stands, or the last that has a page after it.
func (b *bench) place(ctx context.Context, control string, n int) ([]any, error) {
	var row struct {
		Control string    `ch:"control"`
		Item    string    `ch:"item_id"`
		Time    time.Time `ch:"item_time"`
	}
	var all uint64
	where := "tenant = 'tenant-07' AND ($1 = '' OR control = $1)"
	if err := b.conn.QueryRow(ctx, "SELECT count() FROM verdicts FINAL WHERE "+where, control).Scan(&all); err != nil {
		return nil, err
	}
	n = min(n, int(all)-100)
	err := b.conn.QueryRow(ctx, "SELECT control, item_id, item_time FROM verdicts FINAL WHERE "+where+" ORDER BY control, item_time, item_id LIMIT 1 OFFSET $2",
		control, n).Scan(&row.Control, &row.Item, &row.Time)
	return []any{row.Control, int64(compliance.InstantOf(row.Time)), row.Item}, err
}

func (b *bench) print(out io.Writer, name string, ours, peer []float64, target string) {
	ratio := ""
	if peer != nil {
		ratio = fmt.Sprintf("%.2f", median(ours)/median(peer))
	}
	_, _ = fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\n", b.size, name, spread(ours), spread(peer), ratio, target)
}

// bytes prints what a verdict takes on disk, without evidence, and with it.
func (b *bench) bytes(ctx context.Context, out io.Writer) error {
	for _, table := range []string{"verdicts", "verdict_revisions"} {
		var rows, evidence, all uint64
		err := b.conn.QueryRow(ctx, `SELECT (SELECT sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = $1),
			sumIf(column_data_compressed_bytes, column = 'evidence'), sum(column_data_compressed_bytes)
			FROM system.parts_columns WHERE active AND database = currentDatabase() AND table = $1`, table).Scan(&rows, &evidence, &all)
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(out, "%d\tbytes a row of %s, without evidence\t%.1f\t\t\t≤ 40\n", b.size, table, float64(all-evidence)/float64(rows))
		_, _ = fmt.Fprintf(out, "%d\tevidence beside it\t%.1f\t\t\t\n", b.size, float64(evidence)/float64(rows))
	}
	return nil
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	return sorted[len(sorted)/2]
}

func spread(list []float64) string {
	if len(list) == 0 {
		return ""
	}
	const ms = 1000
	return fmt.Sprintf("%.1f %.1f %.1f ms", ms*slices.Min(list), ms*median(list), ms*slices.Max(list))
}
