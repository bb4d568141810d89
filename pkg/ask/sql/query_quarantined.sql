-- Events that came later than their control corrects, so that no verdict used them.
SELECT
    control, join_key, watermark, expectation, source, id, type, time,
    event_topic AS topic, event_partition AS partition, event_offset AS offset, lower(hex(sha256)) AS hash
FROM quarantined
WHERE tenant = {tenant:String}
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY time, control, source, id
LIMIT {limit:UInt64}
