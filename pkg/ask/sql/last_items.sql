-- How far verdict_revisions reach that are on record.
SELECT max(known_at) AS last
FROM verdict_revisions
WHERE tenant = {tenant:String}
