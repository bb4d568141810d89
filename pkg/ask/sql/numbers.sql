-- The numbers of events of sources that count, with the least time of each, but for those that came too late for a control.
SELECT source, sequence AS number, min(time) AS at
FROM events
WHERE tenant = {tenant:String} AND type NOT IN ('source.heartbeat', 'source.retired')
  AND source IN {sources:Array(String)} AND sequence > 0
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND (topic, partition, offset) NOT IN (
    SELECT event_topic, event_partition, event_offset FROM quarantined WHERE tenant = {tenant:String} AND control = {control:String})
GROUP BY source, number
LIMIT {limit:UInt64}
