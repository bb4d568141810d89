-- rule_changes: a row is one word of the control topic about a change of the rules:
-- that somebody proposed or approved it, that it was refused, that it begins, or that
-- it is in force. Rows with one proposal tell its story, in the order of offset.
-- Written by the recorder, read by the console.
CREATE TABLE IF NOT EXISTS rule_changes
(
    -- Always empty: a change concerns every tenant.
    tenant      LowCardinality(String),
    -- proposed, approved, refused, activating or activated.
    kind        LowCardinality(String),
    -- The hash of what was proposed.
    proposal    String CODEC(ZSTD(1)),
    bundle      String CODEC(ZSTD(1)),
    activation  UInt32 CODEC(T64, ZSTD(1)),
    -- Who proposed or approved, when by their clock, and why; or why it was refused.
    by          LowCardinality(String),
    at          DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    reason      String CODEC(ZSTD(1)),
    restates    UInt8 CODEC(ZSTD(1)),
    -- The controls whose rule differs, those whose words do, and in what, as JSON.
    controls    Array(LowCardinality(String)) CODEC(ZSTD(1)),
    differences String CODEC(ZSTD(3)),
    -- The totals of the replay that a restating change was proposed with, as JSON.
    replay      String CODEC(ZSTD(3)),
    -- The offset of the marker in each source, as JSON; the highest clock then.
    markers     String CODEC(ZSTD(1)),
    watermark   DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    topic       LowCardinality(String),
    partition   Int32 CODEC(ZSTD(1)),
    offset      Int64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (tenant, proposal, offset)
SETTINGS non_replicated_deduplication_window = 1000;
