-- How many items each control has on each day of a period, by what is said of them.
SELECT control, day, outcome, reason, remediated, sum(n) AS items
FROM verdict_days
WHERE tenant = {tenant:String}
  AND ({control:String} = '' OR control = {control:String})
  AND day >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
  AND day < toDate32(fromUnixTimestamp64Micro({to:Int64}, 'UTC'))
GROUP BY control, day, outcome, reason, remediated
HAVING items != 0
ORDER BY control, day, outcome, reason, remediated
