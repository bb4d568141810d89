-- On how many days of a period the sums that were kept beside verdicts are not what a
-- recount of the verdicts gives, or had to be put right, by control: verdicts are gone there,
-- were altered, or were not counted.
SELECT control, toInt64(uniqExact(day)) AS days, min(day) AS first
FROM (
    SELECT control, day
    FROM verdict_days_drift
    WHERE tenant = {tenant:String}
      AND day >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
      AND day <= toDate32(fromUnixTimestamp64Micro({to:Int64} - 1, 'UTC'))
    UNION ALL
    SELECT control, day
    FROM count_repairs
    WHERE tenant = {tenant:String}
      AND day >= toDate32(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
      AND day <= toDate32(fromUnixTimestamp64Micro({to:Int64} - 1, 'UTC'))
)
GROUP BY control
ORDER BY control
