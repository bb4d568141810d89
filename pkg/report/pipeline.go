package report

import (
	"context"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

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
		reached[i] = Reached{r.Topic, r.Partitions, r.Records, r.Skipped, instant(r.LogTime), instant(r.Stored), instant(r.Clock)}
	}
	return reached, nil
}
