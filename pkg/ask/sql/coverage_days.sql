-- What each source sent on each day of a period, its signs of life apart, and how long events
-- took to come: the median, the 99th percentile and the longest, in microseconds.
SELECT
    source, toDate32(time) AS day,
    toInt64(countIf(NOT alive)) AS records,
    toInt64(countIf(alive)) AS beats,
    toInt64(ifNull(quantileExactIfOrNull(0.5)(lateness, NOT alive), 0)) AS median,
    toInt64(ifNull(quantileExactIfOrNull(0.99)(lateness, NOT alive), 0)) AS p99,
    toInt64(ifNull(maxIfOrNull(lateness, NOT alive), 0)) AS longest
FROM (
    SELECT
        source, time, type IN ('source.heartbeat', 'source.retired') AS alive,
        toUnixTimestamp64Micro(received) - toUnixTimestamp64Micro(time) AS lateness
    FROM events
    WHERE tenant = {tenant:String}
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
)
GROUP BY source, day
ORDER BY source, day
