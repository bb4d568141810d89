-- Where a source gave no sign of life for longer than it may, as it was known at a time.
-- One that wasn't heard again was silent to the end; after a retirement none need come.
SELECT source, time, next
FROM (
    SELECT
        source, time, type,
        leadInFrame(time, 1, fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
            OVER (PARTITION BY source ORDER BY time, type ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS next
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
      AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
)
WHERE type = 'source.heartbeat'
  AND toUnixTimestamp64Micro(next) - toUnixTimestamp64Micro(time)
    > transform(source, {sources:Array(String)}, {gaps:Array(Int64)}, toInt64(0))
ORDER BY source, time
