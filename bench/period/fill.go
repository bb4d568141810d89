package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"assay.example/assay/pkg/clickhouse"
)

// The shape of the data: every tenant has the same controls, and every control about as
// many items, spread over six months. Of a thousand items 5 deviate, 2 can't be known,
// and 30 were revised once.
const (
	tenants  = 20
	controls = 60
	days     = 184
	block    = 2_000_000
	// bytesARow is what a verdict takes on disk while its parts are merged, in all tables.
	bytesARow = 220
	// evidenced sizes have evidence as verdicts have it; it would fill the disk above.
	evidenced = 10_000_000
)

// revision is one row for each number: an item's only revision, or its first and second.
const revision = `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason, rule_hash, bundle, due, known_at,
	final_at, evidence, previous_outcome, previous_reason, previous_item_time, topic, partition, offset)
WITH
	number AS n, cityHash64(n) AS h, n %% 1000 AS kind,
	concat('tenant-', leftPad(toString(n %% %[1]d), 2, '0')) AS of_tenant,
	concat('CH-', leftPad(toString(intDiv(n, %[1]d) %% %[2]d), 2, '0')) AS of_control,
	toDateTime64('2026-04-01', 6, 'UTC') + toIntervalMicrosecond(h %% (toUInt64(%[3]d) * 86400000000)) AS at,
	multiIf(kind < 5, 'deviation', kind < 7, 'inconclusive', 'pass') AS said
SELECT of_tenant, of_control, concat('dep-', lower(leftPad(hex(h), 16, '0'))), at, %[4]d, said,
	multiIf(kind < 5, 'no_approval', kind < 7, 'source_silent', ''), concat('rule-', of_control), 'bundle-1', at + toIntervalHour(1), at + toIntervalHour(%[4]d),
	at + toIntervalDay(7), %[5]s, %[6]s, '', if(%[4]d = 1, toDateTime64(0, 6, 'UTC'), at), 'assay.verdicts', n %% 8, intDiv(n, 8)
FROM numbers(%[7]d, %[8]d) WHERE %[9]s`

// evidence is what a verdict with two events names.
const evidence = `concat('[{"name":"item","topic":"assay.events.deployment","partition":', toString(n % 8), ',"offset":', toString(n), ',"sha256":"', lower(hex(SHA256(toString(n)))),
	'"},{"name":"approval","topic":"assay.events.deployment","partition":', toString(n % 8), ',"offset":', toString(n + 1), ',"sha256":"', lower(hex(SHA256(toString(n + 1)))), '"}]')`

// fill adds what is missing, a block at a time; what is there stays.
func (b *bench) fill(ctx context.Context) error {
	if err := b.conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS filled (upto UInt64) ENGINE = MergeTree ORDER BY upto"); err != nil {
		return err
	}
	var from uint64
	if err := b.conn.QueryRow(ctx, "SELECT max(upto) FROM filled").Scan(&from); err != nil {
		return err
	}
	if from < uint64(b.size) {
		if err := b.room(int64(uint64(b.size)-from) * bytesARow); err != nil {
			return err
		}
	}
	began := time.Now()
	for from < uint64(b.size) {
		n := min(block, uint64(b.size)-from)
		said := "'[]'"
		if b.size <= evidenced {
			said = evidence
		}
		for _, round := range []struct {
			number          int
			previous, where string
		}{{1, "''", "1"}, {2, "said", "kind >= 10 AND kind < 40"}} {
			sql := fmt.Sprintf(revision, tenants, controls, days, round.number, said, round.previous, from, n, round.where)
			once := clickhouse.Once(ctx, fmt.Sprintf("fill %d %d", from, round.number)) // who was stopped here does it again
			if err := b.conn.Exec(once, sql); err != nil {
				return fmt.Errorf("filling: %w", err)
			}
		}
		from += n
		if err := b.conn.Exec(ctx, "INSERT INTO filled VALUES ($1)", from); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%d of %d after %s\n", from, b.size, time.Since(began).Round(time.Second))
	}
	if err := b.bare(ctx); err != nil {
		return err
	}
	return b.settle(ctx)
}

// settle waits until merges rest, as they do after a night; ten minutes at most, and then
// says how many are left.
func (b *bench) settle(ctx context.Context) error {
	var merges, quiet uint64
	for began := time.Now(); quiet < 3; {
		if err := b.conn.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			return err
		}
		if quiet++; merges > 0 {
			quiet = 0
		}
		if time.Since(began) > 10*time.Minute {
			fmt.Fprintf(os.Stderr, "%d merges were still running when measuring began\n", merges)
			return nil
		}
		time.Sleep(time.Second)
	}
	return nil
}

// room says whether the disk takes what is to come.
func (b *bench) room(need int64) error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.data, &fs); err != nil {
		return err
	}
	if free := int64(fs.Bavail) * fs.Bsize; free < need {
		return fmt.Errorf("%s has %d GiB free, and %d verdicts take up to %d on the way", b.data, free>>30, b.size, need>>30)
	}
	return nil
}

// bare is the peer's table: the counts and nothing else.
func (b *bench) bare(ctx context.Context) error {
	err := b.conn.Exec(ctx, `CREATE TABLE IF NOT EXISTS bare (tenant LowCardinality(String), control LowCardinality(String), day Date,
		outcome LowCardinality(String), reason LowCardinality(String), n Int64) ENGINE = SummingMergeTree(n) ORDER BY (tenant, control, day, outcome, reason)`)
	if err != nil {
		return err
	}
	var rows uint64
	if err := b.conn.QueryRow(ctx, "SELECT count() FROM bare").Scan(&rows); err != nil || rows > 0 {
		return err
	}
	if err := b.conn.Exec(ctx, "INSERT INTO bare SELECT tenant, control, toDate(day), outcome, reason, sum(n) FROM verdict_days GROUP BY ALL"); err != nil {
		return err
	}
	for _, table := range []string{"bare", "verdict_days"} { // as they lie after a night
		if err := b.conn.Exec(ctx, "OPTIMIZE TABLE "+table+" FINAL"); err != nil {
			return err
		}
	}
	return nil
}
