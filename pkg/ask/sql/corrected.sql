-- Every revision of the items of a period whose decided outcome was not always the same.
-- The innermost part finds few that may be: a decided outcome followed another one, or
-- came third or later.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle
FROM verdict_revisions
WHERE tenant = {tenant:String}
  AND (control, item_id) IN (
    SELECT control, item_id
    FROM verdict_revisions
    WHERE tenant = {tenant:String}
      AND (control, item_id) IN (
        SELECT control, item_id
        FROM verdict_revisions
        WHERE tenant = {tenant:String} AND revision > 1 AND previous_outcome != outcome
          AND outcome IN ('pass', 'deviation', 'waived', 'not_applicable')
          AND (previous_outcome IN ('pass', 'deviation', 'waived', 'not_applicable') OR revision > 2)
      )
    GROUP BY control, item_id
    HAVING uniqExactIf(outcome, outcome IN ('pass', 'deviation', 'waived', 'not_applicable')) > 1
       AND argMax(item_time, revision) >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
       AND argMax(item_time, revision) < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  )
ORDER BY control, item_id, revision
