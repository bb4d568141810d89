-- The incidents that were opened in a period, with when a person first took each on and
-- when it was resolved (1970-01-01: that isn't on record). What came after the period's
-- end counts, too.
WITH opened AS (
    SELECT JSONExtractString(data, 'incident_id') AS incident, argMin(data, (time, source, id)) AS body, min(time) AS at
    FROM events
    WHERE tenant = {tenant:String} AND type = 'incident.opened'
    GROUP BY incident
    HAVING at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
), answered AS (
    SELECT
        JSONExtractString(data, 'incident_id') AS incident,
        minIf(time, type = 'incident.acknowledged' AND JSONExtractString(data, 'responder_kind') = 'human') AS acknowledged,
        minIf(time, type = 'incident.resolved') AS resolved
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('incident.acknowledged', 'incident.resolved')
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
    GROUP BY incident
)
SELECT
    opened.incident AS incident, JSONExtractString(opened.body, 'severity') AS severity, JSONExtractString(opened.body, 'service') AS service,
    JSONExtractString(opened.body, 'title') AS title, opened.at AS at, answered.acknowledged AS acknowledged, answered.resolved AS resolved
FROM opened
LEFT JOIN answered ON answered.incident = opened.incident
ORDER BY at, incident
LIMIT 10000
