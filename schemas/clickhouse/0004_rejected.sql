-- rejected: a row is a record or request that is no event, with the reason. Who
-- refuses may say it twice, so read with FINAL. Written by the recorder, read by the
-- console (what a source sends that nobody can use) and by completeness reports.
CREATE TABLE IF NOT EXISTS rejected
(
    -- Empty where the refused record named none that could be read.
    tenant           LowCardinality(String),
    at               DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The service that refused it.
    by               LowCardinality(String),
    code             LowCardinality(String),
    reason           String CODEC(ZSTD(1)),
    source           String CODEC(ZSTD(1)),
    id               String CODEC(ZSTD(1)),
    type             String CODEC(ZSTD(1)),
    -- Where it stands in the log, no topic if it never got there.
    origin_topic     LowCardinality(String),
    origin_partition Int32 CODEC(ZSTD(1)),
    origin_offset    Int64 CODEC(Delta, ZSTD(1)),
    -- Of the whole body, body is its beginning.
    sha256           FixedString(32) CODEC(NONE),
    size             UInt64 CODEC(T64, ZSTD(1)),
    body             String CODEC(ZSTD(1)),
    topic            LowCardinality(String),
    partition        Int32 CODEC(ZSTD(1)),
    offset           Int64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree
ORDER BY (tenant, at, by, code, origin_topic, origin_partition, origin_offset, source, id, sha256)
SETTINGS non_replicated_deduplication_window = 20000;

-- quarantined: a row is an event that came later than its control corrects, so that
-- no verdict used it. Written by the recorder from committed quarantine records,
-- read by the console and by replays that take late events in.
CREATE TABLE IF NOT EXISTS quarantined
(
    tenant          LowCardinality(String),
    control         LowCardinality(String),
    join_key        String CODEC(ZSTD(1)),
    -- How far the log was complete when the event came.
    watermark       DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The event: what it is and where it stands in the log.
    expectation     LowCardinality(String),
    source          LowCardinality(String),
    id              String CODEC(ZSTD(1)),
    type            LowCardinality(String),
    time            DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    event_topic     LowCardinality(String),
    event_partition Int32 CODEC(ZSTD(1)),
    event_offset    Int64 CODEC(Delta, ZSTD(1)),
    sha256          FixedString(32) CODEC(NONE),
    topic           LowCardinality(String),
    partition       Int32 CODEC(ZSTD(1)),
    offset          Int64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (tenant, control, time, source, id)
SETTINGS non_replicated_deduplication_window = 20000;
