-- The same for any period, counted from the items themselves.
SELECT control, toInt64(count()) AS items
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND outcome IN ('pass', 'deviation', 'waived')
  AND (item_time < fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    OR item_time >= fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
GROUP BY control
ORDER BY control
