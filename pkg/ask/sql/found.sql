-- When the deviations of a period were found: when it first became known of each that it
-- is one, waived ones included.
SELECT control, item_id, min(known_at) AS found
FROM verdict_revisions
WHERE tenant = {tenant:String} AND outcome IN ('deviation', 'waived')
  AND (control, item_id) IN (
    SELECT control, item_id
    FROM verdicts FINAL
    WHERE tenant = {tenant:String} AND outcome IN ('deviation', 'waived')
      AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  )
GROUP BY control, item_id
ORDER BY control, item_id
