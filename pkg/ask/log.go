package ask

import (
	"context"
	"embed"
	"fmt"
	"regexp"
	"strings"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Covered is a partition of the log, as far as it is on record.
type Covered struct {
	Topic     string    `ch:"topic"`
	ID        string    `ch:"id"`
	Partition int32     `ch:"partition"`
	First     int64     `ch:"first"`
	End       int64     `ch:"end"`
	Records   int64     `ch:"all_records"`
	Skipped   int64     `ch:"undecoded"`
	Latest    time.Time `ch:"latest"`
	Clock     time.Time `ch:"told"`
}

// EventTopics matches the full names of topics of events, whatever their prefix.
var EventTopics = func() string {
	var families []string
	for _, f := range compliance.Families() {
		families = append(families, regexp.QuoteMeta(string(f)))
	}
	return `(^|\.)events\.(` + strings.Join(families, "|") + `)$`
}()

// logQuestions holds the SQL that reads coverage alone, which speaks of topics and not of
// tenants, so that there is no tenant to fence it to.
//
//go:embed sql/topics/*.sql
var logQuestions embed.FS

// Log asks a question of sql/topics.
func Log[Row any](ctx context.Context, a *Inquiry, name string, params ...clickhouse.Param) ([]Row, error) {
	raw, err := logQuestions.ReadFile("sql/topics/" + name + ".sql")
	if err != nil {
		return nil, fmt.Errorf("reading the question %s: %w", name, err)
	}
	m := Made{Query: "topics/" + name, SHA256: hashOf(raw), At: a.At, Parameters: []Parameter{}}
	bound := make([]any, len(params))
	for i, p := range params {
		m.Parameters = append(m.Parameters, Parameter{p.Name, fmt.Sprint(p.Value)})
		if at, ok := p.Value.(compliance.Instant); ok {
			p.Value = int64(at)
		}
		bound[i] = p
	}
	var rows []Row
	if err := a.Conn.Select(ctx, &rows, string(raw), bound...); err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking ClickHouse for %s: %w", m.Query, err)
	}
	m.Rows = len(rows)
	a.Made = append(a.Made, m)
	return rows, nil
}

// Clock is how far the record is complete, by the clock records that were stored.
func Clock(ctx context.Context, conn clickhouse.Conn) (compliance.Instant, error) {
	// Coverage speaks of topics, not of tenants, so there is no tenant to fence it to.
	var clock time.Time
	err := conn.QueryRow(ctx, `SELECT min(latest) FROM (
		SELECT max(clock) AS latest FROM coverage GROUP BY topic_id, partition HAVING latest > toDateTime64(0, 6, 'UTC'))`).Scan(&clock)
	if err != nil {
		return 0, compliance.Errorf(compliance.Unavailable, "asking ClickHouse for the clock: %w", err)
	}
	return Instant(clock), nil // 0: none is on record
}

// RecordedUntil is how far the record reaches where the log's clock is the wall's: up to the
// clock in the partition of the events that is furthest behind. An import's clock says nothing
// of when its events came; 0 says so, or that none is on record.
func RecordedUntil(ctx context.Context, conn clickhouse.Conn) (compliance.Instant, error) {
	a := &Inquiry{Conn: conn}
	_, always := Always()
	rows, err := Log[Covered](ctx, a, "covered",
		clickhouse.Named("events", EventTopics), clickhouse.Named("as_of", always), clickhouse.Named("from", always))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	until := compliance.Never
	for _, r := range rows {
		clock := Instant(r.Clock)
		if apart := Instant(r.Latest).Sub(clock).Abs(); apart > clockSkew {
			return 0, nil
		}
		until = min(until, clock)
	}
	return until, nil
}

// clockSkew is how far the log's clock and the time at which its records came may lie apart
// for it to be the wall's.
const clockSkew = time.Minute

// Reached is how far a topic is on record.
type Reached struct {
	Topic      string `json:"topic"`
	Partitions int64  `json:"partitions"`
	Records    int64  `json:"records"`
	// Skipped counts records that could not be decoded.
	Skipped int64 `json:"skipped"`
	// LogTime is that of the last record, Stored is when it was stored, and Clock the
	// latest that the log's own clock said in the partition that is furthest behind;
	// zero if it never did.
	LogTime compliance.Instant `json:"log_time,omitzero"`
	Stored  compliance.Instant `json:"stored_at,omitzero"`
	Clock   compliance.Instant `json:"clock,omitzero"`
}

// Pipeline says it of each topic. It speaks of topics, not of tenants.
func Pipeline(ctx context.Context, conn clickhouse.Conn) ([]Reached, error) {
	var rows []struct {
		Topic      string    `ch:"topic"`
		Partitions int64     `ch:"partitions"`
		Records    int64     `ch:"records"`
		Skipped    int64     `ch:"skipped"`
		LogTime    time.Time `ch:"log_time"`
		Stored     time.Time `ch:"stored"`
		Clock      time.Time `ch:"clock"`
	}
	// Coverage speaks of topics, not of tenants, so there is no tenant to fence it to.
	err := conn.Select(ctx, &rows, `SELECT
			topic, toInt64(count()) AS partitions, toInt64(sum(p.records)) AS records, toInt64(sum(p.skipped)) AS skipped,
			max(p.log_time) AS log_time, max(p.at) AS stored, min(p.clock) AS clock
		FROM (
			SELECT topic, sum(records) AS records, sum(skipped) AS skipped,
				max(log_time) AS log_time, max(at) AS at, max(clock) AS clock
			FROM coverage GROUP BY topic, topic_id, partition
		) AS p
		GROUP BY topic ORDER BY topic`)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking ClickHouse how far topics are on record: %w", err)
	}
	reached := make([]Reached, len(rows))
	for i, r := range rows {
		reached[i] = Reached{r.Topic, r.Partitions, r.Records, r.Skipped, Instant(r.LogTime), Instant(r.Stored), Instant(r.Clock)}
	}
	return reached, nil
}
