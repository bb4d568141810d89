-- Where the events stand in the log that came too late for a control to use.
SELECT event_topic AS topic, event_partition AS partition, event_offset AS offset
FROM quarantined
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
