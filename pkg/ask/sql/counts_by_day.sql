-- How many items each control has in a period of whole UTC days, by what is said of them.
SELECT control, outcome, reason, remediated, sum(n) AS items
FROM verdict_days
WHERE tenant = {tenant:String}
  AND day >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
  AND day < toDate32(fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
GROUP BY control, outcome, reason, remediated
HAVING items != 0
ORDER BY control, outcome, reason, remediated
