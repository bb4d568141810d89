-- event_counts: a row is how many rows of events there were when they were inserted, and
-- a sum over them, by source, type, day and run of 4096 offsets. It is kept apart from
-- events, so that a row that is taken away, altered or slipped in there later shows.
-- Read by completeness certificates, always against a recount of events. What was
-- recorded before this table is not counted.
CREATE TABLE IF NOT EXISTS event_counts
(
    tenant    LowCardinality(String),
    type      LowCardinality(String),
    source    LowCardinality(String),
    -- Of the time of the events, UTC.
    day       Date32,
    topic     LowCardinality(String),
    partition Int32 CODEC(ZSTD(1)),
    -- Offsets from 4096 * run to below 4096 * (run + 1).
    run       Int64 CODEC(ZSTD(1)),
    n         Int64 CODEC(ZSTD(1)),
    -- The sum, modulo 2^64, of a hash of each row.
    digest    UInt64 CODEC(NONE)
)
ENGINE = SummingMergeTree((n, digest))
ORDER BY (tenant, type, source, day, topic, partition, run)
SETTINGS non_replicated_deduplication_window = 50000;

-- event_counts_feed: adding commutes, so the order of inserts does not matter. It is
-- right only because inserts are exactly-once.
CREATE MATERIALIZED VIEW IF NOT EXISTS event_counts_feed TO event_counts AS
SELECT
    e.tenant AS tenant,
    e.type AS type,
    e.source AS source,
    toDate32(e.time) AS day,
    e.topic AS topic,
    e.partition AS partition,
    intDiv(e.offset, 4096) AS run,
    toInt64(count()) AS n,
    sum(cityHash64(e.id, e.time, e.received, e.sequence, e.key, e.sha256, e.offset)) AS digest
FROM events AS e
GROUP BY tenant, type, source, day, topic, partition, run;
