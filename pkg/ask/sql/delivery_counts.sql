-- What became of the attempts to tell each target of violations in a stretch of time.
SELECT
    target, any(kind) AS kind, outcome, toInt64(count()) AS attempts, toInt64(uniqExact(message)) AS messages,
    max(at) AS last, toUInt32(quantileExact(0.5)(duration_ms)) AS median_ms
FROM deliveries
WHERE tenant = {tenant:String}
  AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY target, outcome
ORDER BY target, outcome
