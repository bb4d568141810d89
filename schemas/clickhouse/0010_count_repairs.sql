-- count_repairs: a row is a count of verdict_days that a recount of verdicts did not
-- confirm, and that was put right. Written by the nightly recount and by assay recount,
-- read by operators and auditors; an empty table says that counts were right all along.
CREATE TABLE IF NOT EXISTS count_repairs
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
ENGINE = MergeTree
ORDER BY (tenant, control, at, day)
SETTINGS non_replicated_deduplication_window = 20000;
