-- What came of each source on each day and could not be used: refused on that day, or of that
-- day and quarantined, or come with several bodies.
SELECT source, day, toInt64(sum(refused)) AS refused, toInt64(sum(late)) AS quarantined, toInt64(sum(several)) AS conflicts
FROM (
    SELECT source, toDate32(at) AS day, 1 AS refused, 0 AS late, 0 AS several
    FROM rejected FINAL
    WHERE tenant = {tenant:String}
      AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    UNION ALL
    SELECT source, toDate32(min(time)) AS day, 0 AS refused, 1 AS late, 0 AS several
    FROM quarantined
    WHERE tenant = {tenant:String}
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY source, id
    UNION ALL
    SELECT source, toDate32(min(time)) AS day, 0 AS refused, 0 AS late, 1 AS several
    FROM events
    WHERE tenant = {tenant:String}
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY source, id
    HAVING uniqExact(sha256) > 1
)
GROUP BY source, day
ORDER BY source, day
