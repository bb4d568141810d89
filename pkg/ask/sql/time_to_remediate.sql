-- How long the deviations of each control in a period stood, from the item's time to its
-- remedy, waived ones included: in microseconds, the shortest, the median (of two in the
-- middle the shorter) and the longest; 0 where none was remedied.
SELECT
    control,
    toInt64(count()) AS deviations,
    toInt64(countIf(remedied)) AS remediated,
    minIf(took, remedied) AS shortest,
    quantileExactLowIf(0.5)(took, remedied) AS median,
    maxIf(took, remedied) AS longest
FROM (
    SELECT
        control, remediated_at != toDateTime64(0, 6, 'UTC') AS remedied,
        toUnixTimestamp64Micro(remediated_at) - toUnixTimestamp64Micro(item_time) AS took
    FROM verdicts FINAL
    WHERE tenant = {tenant:String} AND outcome IN ('deviation', 'waived')
      AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
)
GROUP BY control
ORDER BY control
