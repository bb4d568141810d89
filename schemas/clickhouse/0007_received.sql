-- received: a row is one delivery of a vendor, byte for byte, as it was believed,
-- also if nothing in it became an event. The same delivery may come again, as a row
-- of its own. Written by the recorder, read by the console and reports as what stands
-- behind events: events.delivery is the sha256 of one of these rows.
CREATE TABLE IF NOT EXISTS received
(
    tenant     LowCardinality(String),
    -- The CloudEvents source that the door speaks for, as events have it.
    source     LowCardinality(String),
    -- The words of the vendor for what it holds, its name before them: github.push.
    kind       LowCardinality(String),
    -- What the vendor calls the delivery, else sha256. Few vendors sign it.
    id         String CODEC(ZSTD(1)),
    at         DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    media_type LowCardinality(String),
    -- Which mappings read it: github@1f3a9c02.
    mapping    LowCardinality(String),
    -- How many events it became, and why something in it became none.
    events     UInt32 CODEC(T64, ZSTD(1)),
    note       String CODEC(ZSTD(1)),
    body       String CODEC(ZSTD(3)),
    size       UInt32 CODEC(T64, ZSTD(1)),
    sha256     FixedString(32) CODEC(NONE),
    topic      LowCardinality(String),
    partition  Int32 CODEC(ZSTD(1)),
    offset     Int64 CODEC(Delta, ZSTD(1)),
    -- The delivery behind an event.
    INDEX by_sha256 sha256 TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = MergeTree
ORDER BY (tenant, source, at, id)
SETTINGS non_replicated_deduplication_window = 20000;

-- The sha256 of the delivery that an event was mapped from, zeros for one that was
-- sent as it is.
ALTER TABLE events ADD COLUMN IF NOT EXISTS delivery FixedString(32) CODEC(ZSTD(1)) AFTER sha256;
