-- By which version of its rule each control's items were judged.
SELECT
    control, rule_hash, bundle, toInt64(count()) AS items,
    min(item_time) AS first, max(item_time) AS last
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, rule_hash, bundle
ORDER BY control, first, rule_hash, bundle
