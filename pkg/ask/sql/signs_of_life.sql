-- Where each source was silent: its first and its last sign of life around a period,
-- and each pair of neighbours that lie further apart than the source may be silent.
-- After a retirement nothing need come.
WITH beats AS (
    SELECT source, time AS at, type = 'source.retired' AS retired
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time > fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    UNION ALL
    SELECT source, max(time) AS at, argMax(type, (time, type)) = 'source.retired' AS retired
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time <= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    GROUP BY source
    UNION ALL
    SELECT source, min(time) AS at, argMin(type, (time, type)) = 'source.retired' AS retired
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time >= fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY source
)
SELECT source, at, retired, next, n = 1 AS is_first, next = toDateTime64(0, 6, 'UTC') AS is_last
FROM (
    SELECT source, at, retired, leadInFrame(at) OVER w AS next, row_number() OVER w AS n
    FROM beats
    WINDOW w AS (PARTITION BY source ORDER BY at, retired ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
WHERE is_first OR is_last
   OR NOT retired AND toUnixTimestamp64Micro(next) - toUnixTimestamp64Micro(at)
        > transform(source, {sources:Array(String)}, {gaps:Array(Int64)}, toInt64(0))
ORDER BY source, at, retired
