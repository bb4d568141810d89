-- The changes of rules that concern one control, the latest first.
SELECT
    proposal,
    anyIf(bundle, kind = 'proposed') AS bundle,
    maxIf(activation, kind = 'activated') AS activation,
    anyIf(by, kind = 'proposed') AS proposed_by,
    minIf(at, kind = 'proposed') AS proposed_at,
    anyIf(reason, kind = 'proposed') AS why,
    anyIf(by, kind = 'approved') AS approved_by,
    anyIf(reason, kind = 'refused') AS refused,
    countIf(kind = 'approved') > 0 AS is_approved,
    countIf(kind = 'refused') > 0 AS is_refused,
    maxIf(restates, kind = 'proposed') > 0 AS is_restating,
    anyIf(replay, kind = 'proposed') AS totals,
    maxIf(watermark, kind = 'activated') AS in_force_at
FROM rule_changes
WHERE (tenant = '' OR tenant = {tenant:String})
GROUP BY proposal
HAVING has(anyIf(controls, kind = 'proposed'), {control:String})
ORDER BY max(offset) DESC
