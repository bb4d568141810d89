-- The same for any period, counted from the items themselves.
SELECT
    control, outcome, reason,
    remediated_at != toDateTime64(0, 6, 'UTC') AS remediated,
    toInt64(count()) AS items
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, outcome, reason, remediated
ORDER BY control, outcome, reason, remediated
