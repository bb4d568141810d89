-- Rules for every table here.
--
-- Inserts are exactly-once: the recorder gives each one a deduplication token made
-- of topic id, partition, offset range and table. A repeated token changes nothing
-- as long as it is among the last non_replicated_deduplication_window inserts, of a
-- table and of each table that a view feeds from it. The window is at least 100 for
-- each Kafka partition that feeds the table. A recorder that takes a partition over
-- repeats the last insert of the one before it, before anything else.
--
-- No table is partitioned: an insert is then one part and one entry of the window,
-- and a batch with odd event times cannot open hundreds of parts.
--
-- Times are UTC in microseconds. In columns that hold an instant with no date,
-- 1970-01-01 00:00:00 says none, 1900-01-01 00:00:00 ever, and
-- 2261-12-31 23:59:59.999999 never.

-- events: a row is one event as it stands in the log, redeliveries included.
-- Written by the recorder from events.*, read by the console and reports as the
-- evidence behind verdicts, and by replays.
CREATE TABLE IF NOT EXISTS events
(
    tenant      LowCardinality(String),
    family      LowCardinality(String),
    type        LowCardinality(String),
    source      LowCardinality(String),
    id          String,
    -- When it happened, by the clock of its source.
    time        DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- When the log took it.
    received    DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- Counts the events of a source from 1, 0 if the source does not count.
    sequence    UInt64 CODEC(T64, ZSTD(1)),
    -- The key of the record: the subject of the type of the event.
    key         String CODEC(ZSTD(1)),
    -- The value of the record, byte for byte, and its length and SHA-256.
    data        String CODEC(ZSTD(1)),
    size        UInt32 CODEC(T64, ZSTD(1)),
    sha256      FixedString(32) CODEC(NONE),
    topic       LowCardinality(String),
    partition   Int32 CODEC(ZSTD(1)),
    offset      Int64 CODEC(Delta, ZSTD(1)),
    -- The record before it in the partition, of whatever kind, -1 if there is none.
    prev_offset Int64 CODEC(Delta, ZSTD(1)),
    -- Its place in the Merkle tree of the partition and its leaf (docs/formats/leaf.md).
    leaf_index  UInt64 CODEC(Delta, ZSTD(1)),
    leaf        FixedString(32) CODEC(NONE),
    -- For event_conflicts, so that it compares 16 bytes an event instead of 100.
    identity    UInt64 MATERIALIZED cityHash64(tenant, source, id) CODEC(NONE),
    fingerprint UInt64 MATERIALIZED reinterpretAsUInt64(sha256) CODEC(NONE),
    -- One event by (tenant, source, id), without knowing its type and time.
    INDEX by_id id TYPE bloom_filter(0.001) GRANULARITY 1,
    -- One event by its place in the log.
    INDEX by_offset offset TYPE minmax GRANULARITY 1,
    PROJECTION by_identity (SELECT tenant, identity, fingerprint ORDER BY tenant, identity)
)
ENGINE = MergeTree
ORDER BY (tenant, type, time, source, id)
SETTINGS non_replicated_deduplication_window = 50000;

-- event_conflicts: a row is an identity (tenant, source, id) that came with more
-- than one body. bodies holds the SHA-256 of each, occurrences counts the records.
-- Read by the console and reports, always with a tenant (the predicate reaches both
-- sides of the join).
CREATE VIEW IF NOT EXISTS event_conflicts AS
SELECT
    e.tenant AS tenant,
    e.source AS source,
    e.id AS id,
    any(e.type) AS type,
    min(e.time) AS time,
    max(e.received) AS received,
    count() AS occurrences,
    groupUniqArray(e.sha256) AS bodies
FROM events AS e
INNER JOIN
(
    SELECT tenant, identity
    FROM events
    GROUP BY tenant, identity
    HAVING min(fingerprint) != max(fingerprint)
) AS c USING (tenant, identity)
GROUP BY tenant, source, id
HAVING length(bodies) > 1;
