-- What was released in a period, of each component, prompt and tool and in each
-- environment: how often, from when to when, and by how many people. An event that came
-- twice counts once.
SELECT
    type, subject, environment, toInt64(count()) AS times, toInt64(uniqExact(author)) AS authors, min(at) AS first, max(at) AS last
FROM (
    SELECT
        type, source, id, min(time) AS at,
        min(multiIf(type = 'deploy.completed', JSONExtractString(data, 'component'), type = 'tool.changed', JSONExtractString(data, 'tool'),
            type = 'config.changed', JSONExtractString(data, 'setting'), JSONExtractString(data, 'prompt'))) AS subject,
        min(JSONExtractString(data, 'environment')) AS environment,
        min(JSONExtractString(data, 'author')) AS author
    FROM events
    WHERE tenant = {tenant:String} AND type IN ('deploy.completed', 'prompt.released', 'prompt.withdrawn', 'tool.changed', 'config.changed')
      AND time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    GROUP BY type, source, id
)
GROUP BY type, subject, environment
ORDER BY type, environment, subject
