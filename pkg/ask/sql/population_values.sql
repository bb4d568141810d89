-- The value of one field of the event that opened each item of a control, as the
-- item's last revision known at a time names it. A value that isn't text is its JSON.
WITH opened AS (
    SELECT item_id, opening.source AS source, opening.id AS id
    FROM (
        SELECT
            item_id,
            arrayFirst(e -> e.expectation = 'item',
                JSONExtract(evidence, 'Array(Tuple(expectation String, source String, id String))')) AS opening
        FROM verdict_revisions
        WHERE tenant = {tenant:String}
          AND control = {control:String}
          AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
          AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
          AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
        ORDER BY item_id, revision DESC
        LIMIT 1 BY item_id
    )
)
SELECT
    item_id,
    min(if(JSONType(data, {field:String}) = 'String', JSONExtractString(data, {field:String}), JSONExtractRaw(data, {field:String}))) AS value
FROM events
INNER JOIN opened ON events.source = opened.source AND events.id = opened.id
WHERE tenant = {tenant:String}
  AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
GROUP BY item_id
ORDER BY item_id
