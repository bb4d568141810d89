-- coverage: a row is a range of offsets that was read and whose rows are all in the
-- tables: it is inserted last. Ranges of a (topic_id, partition) never overlap, and
-- a hole between two says that the log lost records before they were read. Written
-- by the recorder, read by the console (how far and how fresh), by completeness
-- reports, and by a recorder whose group has lost its offsets.
--
-- When a source was last heard is not here: heartbeats are rows of events.
CREATE TABLE IF NOT EXISTS coverage
(
    topic        LowCardinality(String),
    topic_id     UUID,
    partition    Int32 CODEC(ZSTD(1)),
    -- Offsets from start_offset to below end_offset.
    start_offset Int64 CODEC(Delta, ZSTD(1)),
    end_offset   Int64 CODEC(Delta, ZSTD(1)),
    -- All records read, those stored as rows, and those that could not be decoded.
    -- The rest are clock records.
    records      UInt64 CODEC(T64, ZSTD(1)),
    rows         UInt64 CODEC(T64, ZSTD(1)),
    skipped      UInt64 CODEC(T64, ZSTD(1)),
    -- The last record of the range, and how many leaves the partition has up to it.
    last_offset  Int64 CODEC(Delta, ZSTD(1)),
    leaves       UInt64 CODEC(Delta, ZSTD(1)),
    -- The timestamp of the last record, and the latest clock record of the range
    -- (1970-01-01 if there is none).
    log_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    clock        DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    at           DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC') CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (topic, partition, topic_id, start_offset)
SETTINGS non_replicated_deduplication_window = 50000;
