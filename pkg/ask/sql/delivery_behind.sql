-- What a vendor sent that the event at one place in the log was made from, as often as
-- it came.
SELECT
    source, kind, id, at, media_type, mapping, events, note, size, lower(hex(sha256)) AS hash,
    topic, partition, offset
FROM received
WHERE tenant = {tenant:String}
  AND sha256 IN (
    SELECT delivery
    FROM events
    WHERE tenant = {tenant:String}
      AND topic = {topic:String}
      AND partition = {partition:Int32}
      AND offset = {offset:Int64}
      AND delivery != toFixedString('', 32)
  )
ORDER BY at, topic, partition, offset
LIMIT {limit:UInt64}
