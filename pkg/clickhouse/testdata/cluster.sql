CREATE TABLE IF NOT EXISTS schema_migrations ON CLUSTER `main` (
	version UInt32, name String, sha256 String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
) ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/all/{database}/{table}', '{shard}-{replica}') ORDER BY version;

CREATE TABLE IF NOT EXISTS events_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, type, time, source, id)
SETTINGS replicated_deduplication_window = 50000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS events ON CLUSTER `main` AS events_local
ENGINE = Distributed(`main`, assay, events_local, cityHash64(tenant, source, id));

CREATE VIEW IF NOT EXISTS event_conflicts ON CLUSTER `main` AS
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

CREATE TABLE IF NOT EXISTS verdict_revisions_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, control, item_id, revision)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS verdict_revisions ON CLUSTER `main` AS verdict_revisions_local
ENGINE = Distributed(`main`, assay, verdict_revisions_local, cityHash64(tenant, control, item_id));

CREATE TABLE IF NOT EXISTS verdicts_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}', revision, moved)
ORDER BY (tenant, control, item_time, item_id)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS verdicts ON CLUSTER `main` AS verdicts_local
ENGINE = Distributed(`main`, assay, verdicts_local, cityHash64(tenant, control, item_id));

CREATE MATERIALIZED VIEW IF NOT EXISTS verdicts_feed ON CLUSTER `main` TO verdicts_local AS
SELECT
    r.tenant AS tenant, r.control AS control, r.item_id AS item_id, at.1 AS item_time, r.revision AS revision,
    r.outcome AS outcome, r.reason AS reason, r.rule_hash AS rule_hash, r.bundle AS bundle, r.due AS due,
    r.known_at AS known_at, r.final_at AS final_at, r.remediated_at AS remediated_at,
    if(at.2 = 1, '', r.evidence) AS evidence, r.topic AS topic, r.partition AS partition, r.offset AS offset, at.2 AS moved
FROM verdict_revisions_local AS r
ARRAY JOIN arrayFilter(a -> a.2 = 0 OR r.previous_outcome != '' AND a.1 != r.item_time,
    [(r.item_time, 0), (r.previous_item_time, 1)]) AS at;

CREATE TABLE IF NOT EXISTS verdict_days_local ON CLUSTER `main`
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
ENGINE = ReplicatedSummingMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}', n)
ORDER BY (tenant, control, day, outcome, reason, remediated)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS verdict_days ON CLUSTER `main` AS verdict_days_local
ENGINE = Distributed(`main`, assay, verdict_days_local, cityHash64(tenant, control, day));

CREATE MATERIALIZED VIEW IF NOT EXISTS verdict_days_feed ON CLUSTER `main` TO verdict_days_local AS
SELECT
    r.tenant AS tenant,
    r.control AS control,
    said.1 AS day,
    said.2 AS outcome,
    said.3 AS reason,
    said.4 AS remediated,
    sum(said.5) AS n
FROM verdict_revisions_local AS r
ARRAY JOIN arrayFilter(s -> s.2 != '',
    [
        (toDate32(r.previous_item_time), toString(r.previous_outcome), toString(r.previous_reason), r.previous_remediated_at != toDateTime64(0, 6, 'UTC'), toInt64(-1)),
        (toDate32(r.item_time), toString(r.outcome), toString(r.reason), r.remediated_at != toDateTime64(0, 6, 'UTC'), toInt64(1))
    ]) AS said
GROUP BY tenant, control, day, outcome, reason, remediated;

CREATE VIEW IF NOT EXISTS verdict_days_drift ON CLUSTER `main` AS
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

CREATE TABLE IF NOT EXISTS violations_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, control, item_id, revision)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS violations ON CLUSTER `main` AS violations_local
ENGINE = Distributed(`main`, assay, violations_local, cityHash64(tenant, control, item_id));

CREATE TABLE IF NOT EXISTS rejected_local ON CLUSTER `main`
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
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, at, by, code, origin_topic, origin_partition, origin_offset, source, id, sha256)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS rejected ON CLUSTER `main` AS rejected_local
ENGINE = Distributed(`main`, assay, rejected_local, cityHash64(tenant, sha256));

CREATE TABLE IF NOT EXISTS quarantined_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, control, time, source, id)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS quarantined ON CLUSTER `main` AS quarantined_local
ENGINE = Distributed(`main`, assay, quarantined_local, cityHash64(tenant, source, id));

CREATE TABLE IF NOT EXISTS coverage_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (topic, partition, topic_id, start_offset)
SETTINGS replicated_deduplication_window = 50000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS coverage ON CLUSTER `main` AS coverage_local
ENGINE = Distributed(`main`, assay, coverage_local, cityHash64(topic, partition));

CREATE TABLE IF NOT EXISTS deliveries_local ON CLUSTER `main`
(
    tenant         LowCardinality(String),
    target         LowCardinality(String),
    -- Of the target: webhook, slack, pagerduty or alertmanager.
    kind           LowCardinality(String),
    control        LowCardinality(String),
    route          LowCardinality(String),
    -- When the attempt began, by the clock of the notifier.
    at             DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- Of the attempt, and of the message that all its attempts share.
    id             String CODEC(ZSTD(1)),
    message        String CODEC(ZSTD(1)),
    violations     Array(String) CODEC(ZSTD(1)),
    items          Array(String) CODEC(ZSTD(1)),
    revisions      Array(UInt32) CODEC(ZSTD(1)),
    -- trigger, resolve or notify.
    action         LowCardinality(String),
    attempt        UInt32 CODEC(T64, ZSTD(1)),
    -- delivered, retry, refused or abandoned.
    outcome        LowCardinality(String),
    -- The HTTP status, 0 if there was no answer.
    status         UInt16 CODEC(T64, ZSTD(1)),
    error          String CODEC(ZSTD(1)),
    duration_ms    UInt32 CODEC(T64, ZSTD(1)),
    -- Of the body that was sent.
    request_sha256 FixedString(32) CODEC(NONE),
    topic          LowCardinality(String),
    partition      Int32 CODEC(ZSTD(1)),
    offset         Int64 CODEC(Delta, ZSTD(1)),
    -- What became of one violation.
    INDEX by_violation violations TYPE bloom_filter(0.001) GRANULARITY 1
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, target, at, id)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS deliveries ON CLUSTER `main` AS deliveries_local
ENGINE = Distributed(`main`, assay, deliveries_local, cityHash64(tenant, target));

CREATE VIEW IF NOT EXISTS delivery_states ON CLUSTER `main` AS
SELECT
    tenant,
    arrayJoin(violations) AS violation,
    target,
    any(kind) AS kind,
    any(control) AS control,
    argMax(route, (at, attempt)) AS route,
    argMax(action, (at, attempt)) AS action,
    argMax(outcome, (at, attempt)) AS outcome,
    argMax(status, (at, attempt)) AS status,
    argMax(error, (at, attempt)) AS error,
    count() AS attempts,
    min(at) AS first_at,
    max(at) AS last_at
FROM deliveries
GROUP BY tenant, violation, target;

CREATE TABLE IF NOT EXISTS received_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, source, at, id)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS received ON CLUSTER `main` AS received_local
ENGINE = Distributed(`main`, assay, received_local, cityHash64(tenant, sha256));

ALTER TABLE events_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS delivery FixedString(32) CODEC(ZSTD(1)) AFTER sha256;

ALTER TABLE events ON CLUSTER `main` ADD COLUMN IF NOT EXISTS delivery FixedString(32) CODEC(ZSTD(1)) AFTER sha256;

CREATE TABLE IF NOT EXISTS rule_changes_local ON CLUSTER `main`
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
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, proposal, offset)
SETTINGS replicated_deduplication_window = 1000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS rule_changes ON CLUSTER `main` AS rule_changes_local
ENGINE = Distributed(`main`, assay, rule_changes_local, cityHash64(proposal));

CREATE VIEW IF NOT EXISTS observed_flows ON CLUSTER `main` AS
WITH if(type = 'tool.call.completed', JSONExtractString(data, 'agent'), JSONExtractString(data, 'actor')) AS said
SELECT
    tenant, time, received, toDate32(time) AS day,
    multiIf(type = 'tool.call.completed', 'tool', type = 'retrieval.completed', 'store', 'provider') AS kind,
    if(said = '', source, said) AS caller,
    JSONExtractString(data, kind) AS name,
    JSONExtractString(data, 'model') AS model,
    JSONExtractString(data, 'region') AS region,
    if(JSONExtractString(data, 'data_class') = '', 'unclassified', JSONExtractString(data, 'data_class')) AS class
FROM events
WHERE type IN ('model.call.completed', 'tool.call.completed', 'retrieval.completed');

CREATE TABLE IF NOT EXISTS data_flows_local ON CLUSTER `main`
(
    tenant LowCardinality(String),
    day    Date32 CODEC(Delta, ZSTD(1)),
    -- provider, tool or store.
    kind   LowCardinality(String),
    caller LowCardinality(String),
    -- Of the provider, the tool or the store.
    name   LowCardinality(String),
    -- Of a provider's; empty of others, and where nobody says.
    model  LowCardinality(String),
    region LowCardinality(String),
    class  LowCardinality(String),
    first  SimpleAggregateFunction(min, DateTime64(6, 'UTC')) CODEC(Delta, ZSTD(1)),
    last   SimpleAggregateFunction(max, DateTime64(6, 'UTC')) CODEC(Delta, ZSTD(1))
)
ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, day, kind, caller, name, model, region, class)
SETTINGS replicated_deduplication_window = 50000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS data_flows ON CLUSTER `main` AS data_flows_local
ENGINE = Distributed(`main`, assay, data_flows_local, cityHash64(tenant, day));

CREATE MATERIALIZED VIEW IF NOT EXISTS data_flows_feed ON CLUSTER `main` TO data_flows_local AS
WITH if(type = 'tool.call.completed', JSONExtractString(data, 'agent'), JSONExtractString(data, 'actor')) AS said
SELECT
    tenant, toDate32(time) AS day,
    multiIf(type = 'tool.call.completed', 'tool', type = 'retrieval.completed', 'store', 'provider') AS kind,
    if(said = '', source, said) AS caller,
    JSONExtractString(data, kind) AS name,
    JSONExtractString(data, 'model') AS model,
    JSONExtractString(data, 'region') AS region,
    if(JSONExtractString(data, 'data_class') = '', 'unclassified', JSONExtractString(data, 'data_class')) AS class,
    min(time) AS first, max(time) AS last
FROM events_local
WHERE type IN ('model.call.completed', 'tool.call.completed', 'retrieval.completed')
GROUP BY tenant, day, kind, caller, name, model, region, class;

INSERT INTO data_flows
SELECT tenant, day, kind, caller, name, model, region, class, min(time) AS first, max(time) AS last
FROM observed_flows
GROUP BY tenant, day, kind, caller, name, model, region, class;

CREATE TABLE IF NOT EXISTS count_repairs_local ON CLUSTER `main`
(
    tenant     LowCardinality(String),
    control    LowCardinality(String),
    day        Date32,
    outcome    LowCardinality(String),
    reason     LowCardinality(String),
    remediated Bool,
    -- What verdict_days said, and what verdicts say.
    counted    Int64,
    recounted  Int64,
    at         DateTime64(6, 'UTC')
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, control, at, day)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS count_repairs ON CLUSTER `main` AS count_repairs_local
ENGINE = Distributed(`main`, assay, count_repairs_local, cityHash64(tenant, control));

CREATE TABLE IF NOT EXISTS event_counts_local ON CLUSTER `main`
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
ENGINE = ReplicatedSummingMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}', (n, digest))
ORDER BY (tenant, type, source, day, topic, partition, run)
SETTINGS replicated_deduplication_window = 50000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS event_counts ON CLUSTER `main` AS event_counts_local
ENGINE = Distributed(`main`, assay, event_counts_local, cityHash64(tenant, topic, partition));

CREATE MATERIALIZED VIEW IF NOT EXISTS event_counts_feed ON CLUSTER `main` TO event_counts_local AS
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
FROM events_local AS e
GROUP BY tenant, type, source, day, topic, partition, run;

CREATE TABLE IF NOT EXISTS workspace_changes_local ON CLUSTER `main`
(
    tenant     LowCardinality(String),
    -- The engagement's name, as its letter has it.
    engagement LowCardinality(String),
    -- engagement, request, sample or test.
    kind       LowCardinality(String),
    -- Of the thing within the engagement; of a test the sample and the item.
    id         String CODEC(ZSTD(1)),
    -- 1, 2, … without gaps. Its insert bears a token made of everything up to here, so
    -- that of two changes from the same version only one is kept.
    version    UInt32 CODEC(T64, ZSTD(1)),
    -- A random name of this change, by which its maker knows whether it was kept.
    change     String CODEC(ZSTD(1)),
    by         LowCardinality(String),
    -- Of the person then: auditor, engineer, approver or admin.
    role       LowCardinality(String),
    at         DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)),
    -- The thing as it is since, as JSON.
    body       String CODEC(ZSTD(3))
)
ENGINE = ReplicatedMergeTree('/clickhouse/tables/main/{shard}/{database}/{table}', '{replica}')
ORDER BY (tenant, engagement, kind, id, version)
SETTINGS replicated_deduplication_window = 20000, replicated_deduplication_window_seconds = 2592000;

CREATE TABLE IF NOT EXISTS workspace_changes ON CLUSTER `main` AS workspace_changes_local
ENGINE = Distributed(`main`, assay, workspace_changes_local, cityHash64(tenant, engagement));

ALTER TABLE verdict_revisions_local ON CLUSTER `main` MODIFY COLUMN item_id CODEC(ZSTD(1));
