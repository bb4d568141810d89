-- How far rejected reach that are on record.
SELECT max(at) AS last
FROM rejected
WHERE tenant = {tenant:String}
