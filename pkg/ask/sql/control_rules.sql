-- By which version of its rule one control's items of a period were judged.
SELECT
    control, rule_hash, bundle, toInt64(count()) AS items,
    min(item_time) AS first, max(item_time) AS last
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, rule_hash, bundle
ORDER BY first, rule_hash, bundle
