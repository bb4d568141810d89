-- The event at one place in the log.
SELECT
    time, type, source, id, received, sequence, key, data, lower(hex(sha256)) AS hash,
    topic, partition, offset, family, leaf_index, lower(hex(leaf)) AS leaf_hash, prev_offset
FROM events
WHERE tenant = {tenant:String}
  AND topic = {topic:String}
  AND partition = {partition:Int32}
  AND offset = {offset:Int64}
LIMIT 1
