-- verdict_revisions: a row is one revision of a verdict, and none is ever changed:
-- it answers what was known on a day. Written by the recorder from committed
-- verdicts, read by the console for the history of an item, by restatements and drift.
CREATE TABLE IF NOT EXISTS verdict_revisions
(
    tenant                 LowCardinality(String),
    control                LowCardinality(String),
    item_id                String,
    item_time              DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- Counts 1, 2, … for an item, without gaps.
    revision               UInt32 CODEC(T64, ZSTD(1)),
    outcome                LowCardinality(String),
    reason                 LowCardinality(String),
    rule_hash              LowCardinality(String),
    bundle                 LowCardinality(String),
    due                    DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    known_at               DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    final_at               DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- 1970-01-01 if the item was never remedied.
    remediated_at          DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The evidence, a JSON array as in the verdicts topic (an empty one if there is none).
    evidence               String CODEC(ZSTD(1)),
    -- What the revision before said, all empty for the first one.
    previous_outcome       LowCardinality(String),
    previous_reason        LowCardinality(String),
    previous_item_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    previous_remediated_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    topic                  LowCardinality(String),
    partition              Int32 CODEC(ZSTD(1)),
    offset                 Int64 CODEC(Delta, ZSTD(1))
)
ENGINE = MergeTree
ORDER BY (tenant, control, item_id, revision)
SETTINGS non_replicated_deduplication_window = 20000;

-- verdicts: a row is what a control says about an item now: the highest revision wins,
-- so read it with FINAL. It lies in the order of time, for periods and pages are asked
-- for; so an item that moved to another time leaves a row behind that says so (moved),
-- which FINAL takes away. Fed by verdicts_feed, read by the console, reports and the
-- query command for lists of items.
CREATE TABLE IF NOT EXISTS verdicts
(
    tenant        LowCardinality(String),
    control       LowCardinality(String),
    item_id       String CODEC(ZSTD(1)),
    item_time     DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    revision      UInt32 CODEC(T64, ZSTD(1)),
    outcome       LowCardinality(String),
    reason        LowCardinality(String),
    rule_hash     LowCardinality(String),
    bundle        LowCardinality(String),
    due           DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    known_at      DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    final_at      DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    remediated_at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    evidence      String CODEC(ZSTD(1)),
    topic         LowCardinality(String),
    partition     Int32 CODEC(ZSTD(1)),
    offset        Int64 CODEC(Delta, ZSTD(1)),
    -- 1: with this revision the item went to another time.
    moved         UInt8 CODEC(ZSTD(1)),
    -- One item, without knowing its time.
    INDEX by_item item_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(revision, moved)
ORDER BY (tenant, control, item_time, item_id)
SETTINGS non_replicated_deduplication_window = 20000;

-- verdicts_feed: every revision goes to verdicts, whose engine keeps the highest at each
-- time, and to the time that the item had before, if that was another one.
CREATE MATERIALIZED VIEW IF NOT EXISTS verdicts_feed TO verdicts AS
SELECT
    r.tenant AS tenant, r.control AS control, r.item_id AS item_id, at.1 AS item_time, r.revision AS revision,
    r.outcome AS outcome, r.reason AS reason, r.rule_hash AS rule_hash, r.bundle AS bundle, r.due AS due,
    r.known_at AS known_at, r.final_at AS final_at, r.remediated_at AS remediated_at,
    if(at.2 = 1, '', r.evidence) AS evidence, r.topic AS topic, r.partition AS partition, r.offset AS offset, at.2 AS moved
FROM verdict_revisions AS r
ARRAY JOIN arrayFilter(a -> a.2 = 0 OR r.previous_outcome != '' AND a.1 != r.item_time,
    [(r.item_time, 0), (r.previous_item_time, 1)]) AS at;

-- verdict_days: a row is a change of the number of items of a control with a day (of
-- the time of the item, UTC), outcome and reason. Always read sum(n) with GROUP BY. Fed
-- by verdict_days_feed, read by every question about a period.
CREATE TABLE IF NOT EXISTS verdict_days
(
    tenant     LowCardinality(String),
    control    LowCardinality(String),
    day        Date32 CODEC(Delta, ZSTD(1)),
    outcome    LowCardinality(String),
    reason     LowCardinality(String),
    -- Whether the items have been remedied since.
    remediated Bool,
    n          Int64 CODEC(ZSTD(1))
)
ENGINE = SummingMergeTree(n)
ORDER BY (tenant, control, day, outcome, reason, remediated)
SETTINGS non_replicated_deduplication_window = 20000;

-- verdict_days_feed: a revision takes 1 from what the one before said and adds 1 to
-- what it says itself. That commutes, so the order of inserts does not matter. It is
-- right only because inserts are exactly-once.
CREATE MATERIALIZED VIEW IF NOT EXISTS verdict_days_feed TO verdict_days AS
SELECT
    r.tenant AS tenant,
    r.control AS control,
    said.1 AS day,
    said.2 AS outcome,
    said.3 AS reason,
    said.4 AS remediated,
    sum(said.5) AS n
FROM verdict_revisions AS r
ARRAY JOIN arrayFilter(s -> s.2 != '',
    [
        (toDate32(r.previous_item_time), toString(r.previous_outcome), toString(r.previous_reason), r.previous_remediated_at != toDateTime64(0, 6, 'UTC'), toInt64(-1)),
        (toDate32(r.item_time), toString(r.outcome), toString(r.reason), r.remediated_at != toDateTime64(0, 6, 'UTC'), toInt64(1))
    ]) AS said
GROUP BY tenant, control, day, outcome, reason, remediated;

-- verdict_days_drift: a row is a count in verdict_days that a recount of verdicts
-- does not confirm, so it must be empty. Read by the nightly check and by tests.
CREATE VIEW IF NOT EXISTS verdict_days_drift AS
SELECT
    tenant, control, day, outcome, reason, remediated,
    sum(counted) AS counted,
    sum(recounted) AS recounted
FROM
(
    SELECT tenant, control, day, outcome, reason, remediated, n AS counted, toInt64(0) AS recounted
    FROM verdict_days
    UNION ALL
    SELECT
        tenant, control, toDate32(item_time) AS day, outcome, reason,
        remediated_at != toDateTime64(0, 6, 'UTC') AS remediated,
        toInt64(0) AS counted, toInt64(1) AS recounted
    FROM verdicts FINAL
)
GROUP BY tenant, control, day, outcome, reason, remediated
HAVING counted != recounted;
