-- The deviations of each control, waived ones included, the first thousand of each. Only
-- items that were ever one are read with FINAL.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND (control, item_time, item_id) IN (
    SELECT control, item_time, item_id
    FROM verdicts
    WHERE tenant = {tenant:String} AND outcome IN ('deviation', 'waived')
      AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  )
  AND outcome IN ('deviation', 'waived')
  AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY control, item_time, item_id
LIMIT 1000 BY control
