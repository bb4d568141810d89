-- Events of some types whose field has a value (no field: any), below the watermark.
SELECT
    time, type, source, id, received, sequence, key, data, lower(hex(sha256)) AS hash,
    topic, partition, offset
FROM events
WHERE tenant = {tenant:String}
  AND (type IN {types:Array(String)} OR arrayExists(p -> startsWith(type, p), {prefixes:Array(String)}))
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND ({field:String} = '' OR JSONExtractString(data, {field:String}) = {value:String})
ORDER BY time, source, id, topic, partition, offset
LIMIT {limit:UInt64}
