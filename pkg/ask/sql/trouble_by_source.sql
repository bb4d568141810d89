-- What came of each source in a period and could not be used: refused, quarantined.
SELECT source, sum(refused) AS refused, sum(late) AS quarantined
FROM
(
    SELECT source, toInt64(count()) AS refused, toInt64(0) AS late
    FROM rejected FINAL
    WHERE tenant = {tenant:String}
      AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY source
    UNION ALL
    SELECT source, toInt64(0) AS refused, toInt64(count()) AS late
    FROM quarantined
    WHERE tenant = {tenant:String}
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY source
)
GROUP BY source
ORDER BY source
