-- Events as they stand in the log, redeliveries included.
SELECT
    time, type, source, id, received, sequence, key, data, lower(hex(sha256)) AS hash,
    topic, partition, offset
FROM events
WHERE tenant = {tenant:String}
  AND ({type:String} = '' OR type = {type:String})
  AND ({prefix:String} = '' OR startsWith(type, {prefix:String}))
  AND ({source:String} = '' OR source = {source:String})
  AND ({id:String} = '' OR id = {id:String})
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY time, source, id, topic, partition, offset
LIMIT {limit:UInt64}
