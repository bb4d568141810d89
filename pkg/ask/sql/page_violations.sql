-- Violations as they were published, each record once, a page at a time.
SELECT
    id, control, item_id, item_time, revision, change, severity, outcome, reason,
    known_at, supersedes, title, value
FROM violations FINAL
WHERE tenant = {tenant:String}
  AND ({control:String} = '' OR control = {control:String})
  AND ({item:String} = '' OR item_id = {item:String})
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND ({first:UInt8} = 1 OR (known_at, control, item_id, revision)
    > (fromUnixTimestamp64Micro({after_known:Int64}, 'UTC'), {after_control:String}, {after_item:String}, {after_revision:Int64}))
ORDER BY known_at, control, item_id, revision
LIMIT {limit:UInt64}
