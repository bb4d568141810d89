-- The days of a control on which verdict_days counts otherwise than verdicts.
SELECT day, outcome, reason, remediated, sum(counts) AS counted, sum(recounts) AS recounted
FROM
(
    SELECT day, outcome, reason, remediated, n AS counts, toInt64(0) AS recounts
    FROM verdict_days
    WHERE tenant = {tenant:String} AND control = {control:String}
    UNION ALL
    SELECT
        toDate32(item_time) AS day, outcome, reason, remediated_at != toDateTime64(0, 6, 'UTC') AS remediated,
        toInt64(0) AS counts, toInt64(1) AS recounts
    FROM verdicts FINAL
    WHERE tenant = {tenant:String} AND control = {control:String}
)
GROUP BY day, outcome, reason, remediated
HAVING counted != recounted
ORDER BY day, outcome, reason, remediated
