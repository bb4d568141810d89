-- Events as they stand in the log, redeliveries included, a page at a time.
SELECT
    time, type, source, id, received, sequence, key, data, lower(hex(sha256)) AS hash,
    topic, partition, offset
FROM events
WHERE tenant = {tenant:String}
  AND ({type:String} = '' OR type = {type:String})
  AND ({prefix:String} = '' OR startsWith(type, {prefix:String}))
  AND ({source:String} = '' OR source = {source:String})
  AND ({id:String} = '' OR id = {id:String})
  AND received <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND ({first:UInt8} = 1 OR (time, source, id, topic, partition, offset)
    > (fromUnixTimestamp64Micro({after_time:Int64}, 'UTC'), {after_source:String}, {after_id:String},
       {after_topic:String}, {after_partition:Int64}, {after_offset:Int64}))
ORDER BY time, source, id, topic, partition, offset
LIMIT {limit:UInt64}
