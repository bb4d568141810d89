-- How far each partition of the events is on record, of what had come at a time, and how many
-- records that came since another time couldn't be decoded. It speaks of topics, not of tenants.
SELECT
    topic, toString(topic_id) AS id, partition,
    min(start_offset) AS first, max(end_offset) AS end,
    toInt64(sum(records)) AS all_records, toInt64(sumIf(skipped, log_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC'))) AS undecoded,
    max(log_time) AS latest, max(clock) AS told
FROM coverage
WHERE match(topic, {events:String})
  AND log_time <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
GROUP BY topic, topic_id, partition
ORDER BY topic, partition, latest
