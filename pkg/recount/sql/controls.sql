-- The controls that have revisions of a tenant.
SELECT control
FROM verdict_revisions
WHERE tenant = {tenant:String}
GROUP BY control
ORDER BY control
