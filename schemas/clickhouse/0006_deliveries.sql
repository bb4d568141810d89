-- deliveries: a row is one attempt to tell one target of one or more violations.
-- violations, items and revisions have the same length and order. Written by the
-- recorder, read by the console beside violations: who was told, when, and what
-- never arrived.
CREATE TABLE IF NOT EXISTS deliveries
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
ENGINE = MergeTree
ORDER BY (tenant, target, at, id)
SETTINGS non_replicated_deduplication_window = 20000;

-- delivery_states: a row is what became of a violation at a target: its last
-- attempt and how many there were. Read by the console, always with a tenant.
CREATE VIEW IF NOT EXISTS delivery_states AS
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
