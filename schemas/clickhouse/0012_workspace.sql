-- workspace_changes: a row is one change that somebody made in the workspace of an
-- engagement: that an auditor opened it, asked for something, drew a sample, tested an
-- item, or that the entity answered. They are people's own words: no count, report or
-- verdict is made of them. Rows are never altered; the latest version of a thing is what
-- holds, and the others are its history. Written and read by pkg/workspace, always with a
-- tenant.
CREATE TABLE IF NOT EXISTS workspace_changes
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
ENGINE = MergeTree
ORDER BY (tenant, engagement, kind, id, version)
SETTINGS non_replicated_deduplication_window = 20000;
