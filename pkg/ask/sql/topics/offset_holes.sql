-- Offsets that were not read of each partition: between what was read and what was read next,
-- and within what was read, where fewer records came than there are offsets. With what the
-- log's own clock had said before, and said next (1970-01-01: nothing yet). It speaks of topics,
-- not of tenants.
SELECT topic, toString(topic_id) AS id, partition, hole.1 AS first, hole.2 AS end, hole.3 AS missing, clock_before AS after, clock_next AS until
FROM (
    SELECT
        topic, topic_id, partition, clock_before, clock_next,
        arrayJoin(arrayFilter(h -> h.3 > 0, [
            (before, start_offset, if(n > 1, start_offset - before, toInt64(0))),
            (start_offset, end_offset, end_offset - start_offset - toInt64(records))
        ])) AS hole
    FROM (
        SELECT
            topic, topic_id, partition, start_offset, end_offset, records,
            lagInFrame(end_offset) OVER w AS before, row_number() OVER w AS n,
            max(clock) OVER (PARTITION BY topic, topic_id, partition ORDER BY start_offset ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS clock_before,
            minIf(clock, clock > toDateTime64(0, 6, 'UTC')) OVER (PARTITION BY topic, topic_id, partition ORDER BY start_offset ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS clock_next
        FROM coverage
        WHERE match(topic, {events:String})
          AND log_time <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
        WINDOW w AS (PARTITION BY topic, topic_id, partition ORDER BY start_offset ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
    )
)
ORDER BY topic, partition, id, first, end
