-- Which verdicts of a period are not what they were at a time, and what they say now: of
-- every item that something was said of since, if it is or was in the period.
WITH since AS (
    SELECT DISTINCT control, item_id
    FROM verdict_revisions
    WHERE tenant = {tenant:String} AND known_at > fromUnixTimestamp64Micro({sealed:Int64}, 'UTC')
), before AS (
    SELECT control, item_id, item_time, outcome, reason, revision, remediated_at, known_at
    FROM verdict_revisions
    WHERE tenant = {tenant:String} AND known_at <= fromUnixTimestamp64Micro({sealed:Int64}, 'UTC')
      AND (control, item_id) IN (SELECT control, item_id FROM since)
    ORDER BY control, item_id, revision DESC
    LIMIT 1 BY control, item_id
), now AS (
    SELECT control, item_id, item_time, outcome, reason, revision, remediated_at, known_at
    FROM verdict_revisions
    WHERE tenant = {tenant:String} AND (control, item_id) IN (SELECT control, item_id FROM since)
    ORDER BY control, item_id, revision DESC
    LIMIT 1 BY control, item_id
)
SELECT
    now.control AS control, now.item_id AS item_id, now.item_time AS item_time, now.outcome AS outcome, now.reason AS reason,
    now.revision AS revision, now.remediated_at AS remediated_at, now.known_at AS known_at,
    before.item_time AS before_time, before.outcome AS before_outcome, before.reason AS before_reason,
    before.revision AS before_revision, before.remediated_at AS before_remediated_at
FROM now
LEFT JOIN before ON before.control = now.control AND before.item_id = now.item_id
WHERE (now.outcome, now.reason, now.item_time, now.remediated_at) != (before.outcome, before.reason, before.item_time, before.remediated_at)
  AND (now.item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND now.item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
    OR before.revision > 0 AND before.item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND before.item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
ORDER BY known_at, control, item_id
