-- What a control said at a time of each of its items in a period: the last revision
-- known then, without items that had left the population.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle
FROM (
    SELECT
        control, item_id, item_time, outcome, reason, revision, remediated_at,
        due, known_at, final_at, rule_hash, bundle
    FROM verdict_revisions
    WHERE tenant = {tenant:String}
      AND control = {control:String}
      AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    ORDER BY item_id, revision DESC
    LIMIT 1 BY item_id
)
WHERE item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND outcome != 'withdrawn'
ORDER BY item_time, item_id
