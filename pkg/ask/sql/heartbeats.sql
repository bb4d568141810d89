-- The signs of life of some sources in a window, and the last one before it.
SELECT source, id AS event, time AS at, type AS kind, sequence AS number
FROM events
WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
  AND source IN {sources:Array(String)}
  AND time > fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
UNION ALL
SELECT source, argMax(id, (time, type)) AS event, max(time) AS at, argMax(type, (time, type)) AS kind, argMax(sequence, (time, type)) AS number
FROM events
WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
  AND source IN {sources:Array(String)}
  AND time <= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
GROUP BY source
