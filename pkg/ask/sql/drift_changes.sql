-- What was changed in production in a stretch of time, as it was known at a time:
-- each event once, however often it came.
SELECT source, id, type, time, data
FROM events
WHERE tenant = {tenant:String}
  AND type IN {types:Array(String)}
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
  AND JSONExtractString(data, 'environment') IN ('', 'production')
ORDER BY time, source, id, data
LIMIT 1 BY source, id
