-- Who called what with which class of data: by day in a period, and in one row before
-- it. Whole days come from the sums, those that an end of the period cuts from events.
WITH fromUnixTimestamp64Micro({from:Int64}, 'UTC') AS starts,
    fromUnixTimestamp64Micro({to:Int64}, 'UTC') AS ends
SELECT
    first < starts AS before, if(before, toDate32(0), day) AS on_day,
    kind, caller, name, model, region, class,
    min(first) AS first_seen, max(last) AS last_seen
FROM
(
    SELECT day, kind, caller, name, model, region, class, first, last
    FROM data_flows
    WHERE tenant = {tenant:String} AND day < toDate32(ends) AND (day != toDate32(starts) OR toDateTime64(day, 6, 'UTC') = starts)
    UNION ALL
    SELECT day, kind, caller, name, model, region, class, time AS first, time AS last
    FROM observed_flows
    WHERE tenant = {tenant:String} AND time < ends
      AND (day = toDate32(ends) OR day = toDate32(starts) AND toDateTime64(day, 6, 'UTC') != starts)
)
GROUP BY before, on_day, kind, caller, name, model, region, class
ORDER BY kind, caller, name, model, region, class, before DESC, on_day
