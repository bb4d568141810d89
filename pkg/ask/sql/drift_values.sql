-- The same of one control, split by what its items say in some fields: those of the
-- event that opened the item, or, of an item that the calendar made, its member.
WITH said AS (
    SELECT
        control, item_id, item_time, rule_hash, bundle, outcome, reason,
        arrayFirst(e -> e.expectation = 'item',
            JSONExtract(evidence, 'Array(Tuple(expectation String, source String, id String))')) AS opening
    FROM verdict_revisions
    WHERE tenant = {tenant:String}
      AND control = {control:String}
      AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    ORDER BY item_id, revision DESC
    LIMIT 1 BY item_id
), openings AS (
    SELECT
        source, id,
        arrayMap(f -> if(JSONType(body, f) = 'String', JSONExtractString(body, f), JSONExtractRaw(body, f)), {fields:Array(String)}) AS read
    FROM (
        SELECT source, id, min(data) AS body
        FROM events
        WHERE tenant = {tenant:String}
          AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
        GROUP BY source, id
    )
)
SELECT
    control, toDate32(item_time) AS day, rule_hash, bundle, outcome, reason,
    if({scheduled:UInt8} = 1, [arrayStringConcat(arrayPopBack(splitByChar('@', item_id)), '@')], openings.read) AS found,
    toInt64(count()) AS items, min(item_time) AS first
FROM said
LEFT JOIN openings ON openings.source = said.opening.source AND openings.id = said.opening.id
WHERE item_time >= fromUnixTimestamp64Micro({baseline_from:Int64}, 'UTC')
    AND item_time < fromUnixTimestamp64Micro({baseline_to:Int64}, 'UTC')
   OR item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, day, rule_hash, bundle, outcome, reason, found
ORDER BY control, day, rule_hash, bundle, outcome, reason, found
