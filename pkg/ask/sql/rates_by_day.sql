-- How many items each control has on each day of a period, UTC, by outcome. An outcome of a
-- later release is counted as inconclusive.
SELECT
    control, toDate32(item_time) AS start,
    toInt64(count()) AS items,
    toInt64(countIf(outcome = 'pass')) AS pass,
    toInt64(countIf(outcome = 'deviation')) AS deviation,
    toInt64(countIf(outcome = 'waived')) AS waived,
    toInt64(countIf(outcome = 'not_applicable')) AS not_applicable,
    toInt64(countIf(outcome = 'pending')) AS pending,
    items - pass - deviation - waived - not_applicable - pending AS inconclusive
FROM verdicts FINAL
WHERE tenant = {tenant:String} AND outcome != 'withdrawn'
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control, start
ORDER BY control, start
