-- The changes of model routes in a period, in the order of time: which application is
-- served by which provider and model from then on. An event that came twice counts once.
SELECT
    source, id, time, argMin(data, sha256) AS body,
    argMin(topic, sha256) AS topic, argMin(partition, sha256) AS partition, argMin(offset, sha256) AS offset
FROM events
WHERE tenant = {tenant:String} AND type = 'model.route.changed'
  AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY source, id, time
ORDER BY time, source, id
LIMIT 1000
