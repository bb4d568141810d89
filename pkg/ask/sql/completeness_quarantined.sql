-- Events of a period that came too late for a control to use, by control and source.
SELECT control, source, toInt64(uniqExact(id)) AS events
FROM quarantined
WHERE tenant = {tenant:String}
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND (event_topic, event_partition, event_offset) NOT IN (
    SELECT topic, partition, offset FROM events
    WHERE tenant = {tenant:String} AND received > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
GROUP BY control, source
ORDER BY control, source
