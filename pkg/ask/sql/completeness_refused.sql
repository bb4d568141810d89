-- What came in a period and was no event, by source, the type that it named, and the reason.
-- A refusal has the time at which it was refused.
SELECT source, type, code, toInt64(count()) AS records
FROM rejected FINAL
WHERE tenant = {tenant:String}
  AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
GROUP BY source, type, code
ORDER BY source, type, code
