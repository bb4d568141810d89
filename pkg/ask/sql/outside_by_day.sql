-- How many decided items each control has before and after a period of whole UTC days.
SELECT control, sum(n) AS items
FROM verdict_days
WHERE tenant = {tenant:String}
  AND outcome IN ('pass', 'deviation', 'waived')
  AND (day < toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
    OR day >= toDate32(fromUnixTimestamp64Micro({to:Int64}, 'UTC')))
GROUP BY control
HAVING items != 0
ORDER BY control
