-- Where numbers are missing between two signs of life of sources that count, around a period.
-- No number, or one that falls, tells nothing: missing is 0 then.
WITH beats AS (
    SELECT source, time AS at, type = 'source.retired' AS retired, sequence AS number
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time > fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    UNION ALL
    SELECT source, max(time) AS at, argMax(type, (time, type)) = 'source.retired' AS retired, argMax(sequence, (time, type)) AS number
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time <= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    GROUP BY source
    UNION ALL
    SELECT source, min(time) AS at, argMin(type, (time, type)) = 'source.retired' AS retired, argMin(sequence, (time, type)) AS number
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)}
      AND time >= fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY source
), neighbours AS (
    SELECT source, at, retired, number, leadInFrame(at) OVER w AS next, leadInFrame(number) OVER w AS next_number,
        number > 0 AND next_number > 0 AND next_number < number AS fell
    FROM (SELECT DISTINCT source, at, retired, number FROM beats)
    WINDOW w AS (PARTITION BY source ORDER BY at, retired, number ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
), pairs AS (
    -- From where a count falls, it tells nothing.
    SELECT * FROM (
        SELECT *, sum(fell) OVER (PARTITION BY source ORDER BY at, retired, number ROWS UNBOUNDED PRECEDING) AS falls
        FROM neighbours
    )
    WHERE falls = 0 OR falls = 1 AND fell
), counted AS (
    SELECT source, sequence
    FROM events
    WHERE tenant = {tenant:String} AND type NOT IN ('source.heartbeat', 'source.retired')
      AND source IN {sources:Array(String)} AND sequence > 0
      AND time >= (SELECT min(at) FROM beats) - INTERVAL 7 DAY AND time <= (SELECT max(at) FROM beats) + INTERVAL 7 DAY
), found AS (
    SELECT p.source AS source, p.number AS number, uniqExact(n.sequence) AS there
    FROM counted AS n
    ASOF INNER JOIN pairs AS p ON n.source = p.source AND n.sequence > p.number
    WHERE n.sequence < p.next_number AND NOT p.fell
    GROUP BY source, number
)
SELECT source, at, next, fell,
    if(number > 0 AND next_number > 0, greatest(0, toInt64(next_number) - toInt64(number) - 1 - toInt64(there)), 0) AS missing
FROM pairs
LEFT JOIN found USING (source, number)
WHERE next > toDateTime64(0, 6, 'UTC') AND NOT retired
  AND (missing > 0 OR number = 0 OR next_number = 0 OR fell)
ORDER BY source, at
