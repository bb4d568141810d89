-- How many of each kind became known in a stretch of time.
SELECT
    toInt64(countIf(outcome = 'deviation' AND previous_outcome != 'deviation')) AS deviations,
    toInt64(countIf(outcome = 'inconclusive' AND previous_outcome != 'inconclusive')) AS unknown,
    toInt64(countIf(previous_outcome IN ('deviation', 'inconclusive') AND outcome != previous_outcome
        AND outcome NOT IN ('deviation', 'inconclusive'))) AS corrected,
    toInt64(countIf(remediated_at != toDateTime64(0, 6, 'UTC') AND previous_remediated_at != remediated_at)) AS remediated,
    toInt64(count()) AS revisions
FROM verdict_revisions
WHERE tenant = {tenant:String}
  AND known_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND known_at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
