-- What each source sent on each day of a period, its signs of life apart.
SELECT
    source, toDate32(time) AS day,
    toInt64(countIf(type NOT IN ('source.heartbeat', 'source.retired'))) AS events,
    toInt64(countIf(type IN ('source.heartbeat', 'source.retired'))) AS beats
FROM events
WHERE tenant = {tenant:String}
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY source, day
ORDER BY source, day
