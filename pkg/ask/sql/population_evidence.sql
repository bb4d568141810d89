-- The evidence of some items of a control, as it was named at a time.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle, evidence
FROM verdict_revisions
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND item_id IN {items:Array(String)}
  AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
ORDER BY item_id, revision DESC
LIMIT 1 BY item_id
