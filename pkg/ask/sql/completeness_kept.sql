-- Where rows of events are not those that were counted when they were recorded, by run of
-- 4096 offsets, on the whole days that a period touches. Found is less than counted where
-- rows are gone, and more where some were recorded before anything was counted, or were
-- slipped in; the same with another sum says that rows were altered.
SELECT source, type, day, topic, partition, run, toInt64(sum(was)) AS counted, toInt64(sum(there)) AS found
FROM (
    SELECT source, type, day, topic, partition, run, n AS was, toInt64(0) AS there, digest AS hash_was, toUInt64(0) AS hash_is
    FROM event_counts
    WHERE tenant = {tenant:String}
      AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
      AND day >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
      AND day <= toDate32(fromUnixTimestamp64Micro({to:Int64} - 1, 'UTC'))
    UNION ALL
    SELECT
        source, type, toDate32(time) AS day, topic, partition, intDiv(offset, 4096) AS run, toInt64(0) AS was, toInt64(1) AS there,
        toUInt64(0) AS hash_was, cityHash64(id, time, received, sequence, key, sha256, offset) AS hash_is
    FROM events
    WHERE tenant = {tenant:String}
      AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
      AND toDate32(time) >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
      AND toDate32(time) <= toDate32(fromUnixTimestamp64Micro({to:Int64} - 1, 'UTC'))
)
GROUP BY source, type, day, topic, partition, run
HAVING sum(was) != sum(there) OR sum(hash_was) != sum(hash_is)
ORDER BY source, type, day, topic, partition, run
