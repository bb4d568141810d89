-- What was approved, and taken back, of the controls' deviations before the end of a
-- period, and how many of the period's items each approval covers.
WITH covered AS (
    SELECT JSONExtractString(role, 'source') AS source, JSONExtractString(role, 'id') AS id, JSONExtractString(role, 'sha256') AS hash, control, count() AS items
    FROM (
        SELECT control, arrayJoin(arrayFilter(e -> JSONExtractString(e, 'expectation') = 'waiver', JSONExtractArrayRaw(evidence))) AS role
        FROM verdicts FINAL
        WHERE tenant = {tenant:String} AND outcome = 'waived'
          AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
          AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    )
    GROUP BY source, id, hash, control
)
SELECT w.control AS control, w.type AS type, w.source AS source, w.id AS id, w.time AS time, w.data AS data, covered.items AS items
FROM (
    SELECT JSONExtractString(data, 'control') AS control, type, source, id, time, data, lower(hex(sha256)) AS hash
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('waiver.approved', 'waiver.revoked')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    ORDER BY time, type, source, id, hash
    LIMIT 1 BY source, id, hash
) AS w
LEFT JOIN covered ON covered.source = w.source AND covered.id = w.id AND covered.hash = w.hash AND covered.control = w.control
ORDER BY w.control, w.time, w.type, w.source, w.id, w.hash
