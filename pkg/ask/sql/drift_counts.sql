-- How many items each control has by day, rule, bundle and what was said of them at a
-- time, in two windows.
SELECT
    control, toDate32(item_time) AS day, rule_hash, bundle, outcome, reason,
    CAST([], 'Array(String)') AS found, toInt64(count()) AS items, min(item_time) AS first
FROM (
    SELECT control, item_id, item_time, rule_hash, bundle, outcome, reason
    FROM verdict_revisions
    WHERE tenant = {tenant:String}
      AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    ORDER BY control, item_id, revision DESC
    LIMIT 1 BY control, item_id
)
WHERE item_time >= fromUnixTimestamp64Micro({baseline_from:Int64}, 'UTC')
    AND item_time < fromUnixTimestamp64Micro({baseline_to:Int64}, 'UTC')
   OR item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, day, rule_hash, bundle, outcome, reason
ORDER BY control, day, rule_hash, bundle, outcome, reason
