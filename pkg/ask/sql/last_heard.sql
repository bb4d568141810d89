-- When each source was last heard, by its own clock and by the log's.
SELECT source, toInt64(count()) AS events, max(time) AS last_time, max(received) AS last_received
FROM events
WHERE tenant = {tenant:String}
GROUP BY source
ORDER BY source
