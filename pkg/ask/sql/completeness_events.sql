-- What came by source, type and day (of an event's first time): records, events, those that
-- came again with the same body, those that came with several, and how many events came
-- later than each of some thresholds.
SELECT
    source, type, day,
    toInt64(sum(copies)) AS records,
    toInt64(count()) AS events,
    toInt64(sum(copies) - sum(bodies)) AS repeats,
    toInt64(countIf(bodies > 1)) AS conflicts,
    min(earliest) AS first,
    max(latest) AS last,
    sumForEach(arrayMap(t -> toInt64(lateness > t), {thresholds:Array(Int64)})) AS late
FROM (
    SELECT
        source, type, id, toDate32(min(time)) AS day, count() AS copies, uniqExact(sha256) AS bodies,
        min(time) AS earliest, max(time) AS latest,
        min(toUnixTimestamp64Micro(received) - toUnixTimestamp64Micro(time)) AS lateness
    FROM events
    WHERE tenant = {tenant:String}
      AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
      AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    GROUP BY source, type, id
)
GROUP BY source, type, day
ORDER BY source, type, day
