-- What vendors delivered in a period, by source and their word for it, and how much of that
-- became no event for want of a mapping. A delivery in parts, or repeated, is one.
SELECT source, kind, toInt64(count()) AS deliveries, toInt64(countIf(made = 0 AND noted)) AS unmapped
FROM (
    SELECT source, kind, id, sum(events) AS made, max(note != '') AS noted
    FROM received
    WHERE tenant = {tenant:String}
      AND at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
      AND at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    GROUP BY source, kind, id
)
GROUP BY source, kind
ORDER BY source, kind
