-- What controls said of their items at a time, by control: the last revision known then.
-- That is what they say now, but of those that something was said of since.
WITH since AS (
    SELECT control, item_id
    FROM verdict_revisions
    WHERE tenant = {tenant:String}
      AND ({control:String} = '' OR control = {control:String})
      AND known_at > fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
    GROUP BY control, item_id
)
SELECT *
FROM (
    SELECT
        control, item_id, item_time, outcome, reason, revision, remediated_at,
        due, known_at, final_at, rule_hash, bundle, evidence
    FROM verdicts FINAL
    WHERE tenant = {tenant:String}
      AND ({control:String} = '' OR control = {control:String})
      AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
      AND ({outcome:String} = '' OR outcome = {outcome:String})
      AND ({reason:String} = '' OR reason = {reason:String})
      AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
      AND control >= {after_control:String}
      AND (control > {after_control:String} OR item_time >= fromUnixTimestamp64Micro({after_time:Int64}, 'UTC'))
      AND ({first:UInt8} = 1 OR (control, item_time, item_id)
        > ({after_control:String}, fromUnixTimestamp64Micro({after_time:Int64}, 'UTC'), {after_item:String}))
    ORDER BY control, item_time, item_id
    LIMIT {limit:UInt64}
    UNION ALL
    SELECT *
    FROM (
        SELECT
            control, item_id, item_time, outcome, reason, revision, remediated_at,
            due, known_at, final_at, rule_hash, bundle, evidence
        FROM verdict_revisions
        WHERE tenant = {tenant:String}
          AND (control, item_id) IN (SELECT control, item_id FROM since)
          AND known_at <= fromUnixTimestamp64Micro({as_of:Int64}, 'UTC')
        ORDER BY control, item_id, revision DESC
        LIMIT 1 BY control, item_id
    )
    WHERE ({outcome:String} = '' OR outcome = {outcome:String})
      AND ({reason:String} = '' OR reason = {reason:String})
      AND item_time >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
      AND item_time < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
      AND ({first:UInt8} = 1 OR (control, item_time, item_id)
        > ({after_control:String}, fromUnixTimestamp64Micro({after_time:Int64}, 'UTC'), {after_item:String}))
    ORDER BY control, item_time, item_id
    LIMIT {limit:UInt64}
)
ORDER BY control, item_time, item_id
LIMIT {limit:UInt64}
-- A page is a few rows of where it begins: blocks of the usual size read far more with FINAL.
SETTINGS max_block_size = 1024
