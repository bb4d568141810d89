-- What a control says now of each of its items in a period.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY item_time, item_id
