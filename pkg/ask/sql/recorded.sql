-- All events of some types below a watermark, redeliveries included, as a replay wants them.
SELECT
    time, type, source, id, received, sequence, key, data, lower(hex(sha256)) AS hash,
    topic, partition, offset
FROM events
WHERE tenant = {tenant:String}
  AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY time, source, id, topic, partition, offset
