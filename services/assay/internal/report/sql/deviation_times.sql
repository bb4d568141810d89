-- When the first and the last deviation of each control happened, waived ones included.
SELECT control, min(item_time) AS first, max(item_time) AS last
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND outcome IN ('deviation', 'waived')
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control
ORDER BY control
