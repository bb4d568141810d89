-- How far events reach that are on record.
SELECT max(received) AS last
FROM events
WHERE tenant = {tenant:String}
