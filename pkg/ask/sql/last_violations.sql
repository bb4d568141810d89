-- How far violations reach that are on record.
SELECT max(known_at) AS last
FROM violations
WHERE tenant = {tenant:String}
