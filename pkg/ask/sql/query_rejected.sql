-- What came and was no event, with the reason.
SELECT
    at, by, code, reason, source, id, type, origin_topic, origin_partition, origin_offset,
    lower(hex(sha256)) AS hash, size
FROM rejected FINAL
WHERE tenant = {tenant:String}
  AND ({type:String} = '' OR type = {type:String})
  AND ({prefix:String} = '' OR startsWith(type, {prefix:String}))
  AND ({source:String} = '' OR source = {source:String})
  AND ({code:String} = '' OR code = {code:String})
  AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY at, by, code, origin_topic, origin_partition, origin_offset, source, id, hash
LIMIT {limit:UInt64}
