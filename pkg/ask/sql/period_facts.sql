-- What is said of each item of a period, as one SHA-256 a control: of a line an item, in the
-- order of (item time, item id). docs/formats/periods.md says what stands in a line.
SELECT
    control, toInt64(count()) AS items,
    lower(hex(SHA256(arrayStringConcat(arrayMap(l -> l.3, arraySort(groupArray((item_time, item_id, line)))))))) AS sha256
FROM (
    SELECT
        control, item_time, item_id,
        concat(toString(length(item_id)), ':', item_id, ' ', toString(toUnixTimestamp64Micro(item_time)), ' ', outcome, ' ', reason, ' ',
            toString(revision), ' ', toString(toUnixTimestamp64Micro(remediated_at)), '\n') AS line
    FROM verdicts FINAL
    WHERE tenant = {tenant:String}
      AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
)
GROUP BY control
ORDER BY control
