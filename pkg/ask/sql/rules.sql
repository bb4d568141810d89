-- By which version of its rule each control's items were judged, and when the first and
-- the last of their deviations happened, waived ones included (1970-01-01 without any).
SELECT
    control, rule_hash, bundle, toInt64(count()) AS items,
    min(item_time) AS first, max(item_time) AS last,
    minIf(item_time, outcome IN ('deviation', 'waived')) AS first_deviation,
    maxIf(item_time, outcome IN ('deviation', 'waived')) AS last_deviation
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, rule_hash, bundle
ORDER BY control, first, rule_hash, bundle
