-- violations: a row is one violation record as it was published. The publisher may
-- repeat one, with the same id (tenant, control, item, revision), so read with FINAL.
-- Written by the recorder, read by the console beside deliveries.
CREATE TABLE IF NOT EXISTS violations
(
    tenant     LowCardinality(String),
    control    LowCardinality(String),
    item_id    String,
    item_time  DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    revision   UInt32 CODEC(T64, ZSTD(1)),
    id         String CODEC(ZSTD(1)),
    -- The same from opened to corrected.
    episode    String CODEC(ZSTD(1)),
    -- opened, corrected, remediated or updated.
    change     LowCardinality(String),
    severity   LowCardinality(String),
    title      LowCardinality(String),
    criteria   Array(LowCardinality(String)),
    -- The revision that this one replaces, 0 if none.
    supersedes UInt32 CODEC(T64, ZSTD(1)),
    outcome    LowCardinality(String),
    reason     LowCardinality(String),
    known_at   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The whole record, as published (pkg/record Violation).
    value      String CODEC(ZSTD(1)),
    topic      LowCardinality(String),
    partition  Int32 CODEC(ZSTD(1)),
    offset     Int64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, control, item_id, revision)
SETTINGS non_replicated_deduplication_window = 20000;
