-- The changes of the rules that came into force in a period, in their order: who proposed
-- and approved each, why, and which controls' rules differ.
SELECT
    proposal,
    anyIf(bundle, kind = 'activated') AS bundle,
    toInt64(maxIf(activation, kind = 'activated')) AS activation,
    anyIf(by, kind = 'proposed') AS proposed_by,
    anyIf(reason, kind = 'proposed') AS why,
    anyIf(by, kind = 'approved') AS approved_by,
    anyIf(controls, kind = 'proposed') AS changed,
    maxIf(restates, kind = 'proposed') > 0 AS is_restating,
    maxIf(watermark, kind = 'activated') AS in_force_at
FROM rule_changes
WHERE (tenant = '' OR tenant = {tenant:String})
GROUP BY proposal
HAVING in_force_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND in_force_at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY activation, proposal
