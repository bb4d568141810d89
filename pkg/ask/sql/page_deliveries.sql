-- Attempts to tell somebody of violations, a page at a time.
SELECT
    at, id, message, target, kind, control, route, violations, items, revisions, action,
    attempt, outcome, status, error, duration_ms
FROM deliveries
WHERE tenant = {tenant:String}
  AND ({control:String} = '' OR control = {control:String})
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND ({target:String} = '' OR target = {target:String})
  AND at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
  AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND ({first:UInt8} = 1 OR (at, id) > (fromUnixTimestamp64Micro({after_at:Int64}, 'UTC'), {after_id:String}))
ORDER BY at, id
LIMIT {limit:UInt64}
