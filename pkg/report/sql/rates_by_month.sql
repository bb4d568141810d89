-- How many items each control has in each month of a period, UTC, by outcome. The first and
-- the last month may lie in the period in part.
SELECT
    control, toDate32(item_time) - (toDayOfMonth(item_time) - 1) AS start,
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
