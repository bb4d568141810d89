-- Items of each control in a period, without those that left the population, and how many
-- revisions of verdicts are missing: they count 1, 2, … for an item, without gaps. Undecidable
-- are items of which couldn't be told whether they belong.
SELECT
    control,
    toInt64(countIf(said != 'withdrawn')) AS items,
    toInt64(countIf(why = {undecidable:String})) AS undecidable,
    toInt64(sum(last - kept)) AS missing
FROM (
    SELECT
        control, item_id, max(revision) AS last, uniqExact(revision) AS kept,
        argMax(item_time, revision) AS at, argMax(outcome, revision) AS said, argMax(reason, revision) AS why
    FROM verdict_revisions
    WHERE tenant = {tenant:String}
      AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    GROUP BY control, item_id
)
WHERE at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
GROUP BY control
ORDER BY control
