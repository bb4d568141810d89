-- observed_flows: a row is a call of a model, a tool or a store as an event tells it:
-- who called, what, and with which class of data. Who doesn't say who called is known
-- by the source. Read by data_flows as of a time, and where a window cuts a day.
CREATE VIEW IF NOT EXISTS observed_flows AS
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

-- data_flows: a row says when a flow was first and last seen on a day (UTC). It counts
-- nothing, so an event that comes twice changes nothing. Always read min(first) and
-- max(last) with GROUP BY. Fed by data_flows_feed, read by the question what the
-- boundary looks like from outside.
CREATE TABLE IF NOT EXISTS data_flows
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
ENGINE = AggregatingMergeTree
ORDER BY (tenant, day, kind, caller, name, model, region, class)
SETTINGS non_replicated_deduplication_window = 50000;

-- data_flows_feed: what observed_flows says, from each insert.
CREATE MATERIALIZED VIEW IF NOT EXISTS data_flows_feed TO data_flows AS
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
FROM events
WHERE type IN ('model.call.completed', 'tool.call.completed', 'retrieval.completed')
GROUP BY tenant, day, kind, caller, name, model, region, class;

-- What was recorded before this table was there.
INSERT INTO data_flows
SELECT tenant, day, kind, caller, name, model, region, class, min(time) AS first, max(time) AS last
FROM observed_flows
GROUP BY tenant, day, kind, caller, name, model, region, class;
