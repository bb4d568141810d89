-- The events at some places in the log, as they stand there.
SELECT
    time, type, source, id, received, sequence, key, data, lower(hex(sha256)) AS hash,
    topic, partition, offset
FROM events
WHERE tenant = {tenant:String}
  AND type IN {types:Array(String)}
  AND id IN {ids:Array(String)}
  AND offset IN {offsets:Array(Int64)}
ORDER BY time, source, id, topic, partition, offset
