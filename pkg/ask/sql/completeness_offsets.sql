-- Where the events of a period stand in the log: the first and the last offset by source,
-- type and partition.
SELECT source, type, topic, partition, min(offset) AS first, max(offset) AS last, toInt64(count()) AS records
FROM events
WHERE tenant = {tenant:String}
  AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
GROUP BY source, type, topic, partition
ORDER BY source, type, topic, partition
