-- Events that came with more than one body.
SELECT
    source, id, type, time, received, toInt64(occurrences) AS copies,
    arraySort(arrayMap(b -> lower(hex(b)), bodies)) AS hashes
FROM event_conflicts
WHERE tenant = {tenant:String}
  AND ({type:String} = '' OR type = {type:String})
  AND ({prefix:String} = '' OR startsWith(type, {prefix:String}))
  AND ({source:String} = '' OR source = {source:String})
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY time, source, id
LIMIT {limit:UInt64}
