-- What controls say now of their items.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle, evidence
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND ({control:String} = '' OR control = {control:String})
  AND ({item:String} = '' OR item_id = {item:String})
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND ({reason:String} = '' OR reason = {reason:String})
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY control, item_time, item_id
LIMIT {limit:UInt64}
