-- What a control says now of its items in a period, the earliest first, after a place
-- in the order of (item time, item id).
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND ({reason:String} = '' OR reason = {reason:String})
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND (item_time, item_id) > (fromUnixTimestamp64Micro({after_time:Int64}, 'UTC'), {after_id:String})
ORDER BY item_time, item_id
LIMIT {limit:UInt64}
