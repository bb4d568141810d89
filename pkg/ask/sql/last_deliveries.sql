-- How far deliveries reach that are on record.
SELECT max(at) AS last
FROM deliveries
WHERE tenant = {tenant:String}
