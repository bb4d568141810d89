-- Attempts to tell somebody of violations, the latest first, before a place in that
-- order.
SELECT
    at, id, message, target, kind, control, route, violations, items, revisions, action,
    attempt, outcome, status, error, duration_ms
FROM deliveries
WHERE tenant = {tenant:String}
  AND ({control:String} = '' OR control = {control:String})
  AND ({outcome:String} = '' OR outcome = {outcome:String})
  AND ({target:String} = '' OR target = {target:String})
  AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND ({before_id:String} = '' OR (at, id) < (fromUnixTimestamp64Micro({before_at:Int64}, 'UTC'), {before_id:String}))
ORDER BY at DESC, id DESC
LIMIT {limit:UInt64}
