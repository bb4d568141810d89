-- On how many days of a period the sums that were kept beside verdicts are not what a
-- recount of the verdicts gives, by control: verdicts are gone there, or were altered.
SELECT control, toInt64(uniqExact(day)) AS days, min(day) AS first
FROM verdict_days_drift
WHERE tenant = {tenant:String}
  AND day >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
  AND day <= toDate32(fromUnixTimestamp64Micro({to:Int64} - 1, 'UTC'))
GROUP BY control
ORDER BY control
