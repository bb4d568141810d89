-- Offsets between what was read of a partition and what was read next, with the time of the
-- last record before and that of a record behind. It speaks of topics, not of tenants.
SELECT topic, toString(topic_id) AS id, partition, before AS first, start_offset AS end, time_before AS after, log_time AS until
FROM (
    SELECT
        topic, topic_id, partition, start_offset, log_time,
        lagInFrame(end_offset) OVER w AS before, lagInFrame(log_time) OVER w AS time_before, row_number() OVER w AS n
    FROM coverage
    WHERE match(topic, {events:String})
      AND log_time <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    WINDOW w AS (PARTITION BY topic, topic_id, partition ORDER BY start_offset ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
)
WHERE n > 1 AND start_offset > before
ORDER BY topic, partition, id, first
