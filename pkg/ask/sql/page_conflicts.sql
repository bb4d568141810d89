-- Events that came with more than one body, a page at a time. How many there are of one
-- may grow, so nothing of them is left out for coming later.
SELECT
    source, id, type, time, received, toInt64(occurrences) AS copies,
    arraySort(arrayMap(b -> lower(hex(b)), bodies)) AS hashes
FROM event_conflicts
WHERE tenant = {tenant:String}
  AND ({type:String} = '' OR type = {type:String})
  AND ({prefix:String} = '' OR startsWith(type, {prefix:String}))
  AND ({source:String} = '' OR source = {source:String})
  AND {as_of:Int64} != 0
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND ({first:UInt8} = 1 OR (time, source, id)
    > (fromUnixTimestamp64Micro({after_time:Int64}, 'UTC'), {after_source:String}, {after_id:String}))
ORDER BY time, source, id
LIMIT {limit:UInt64}
