-- What became known of items: new deviations, remedies, what became unknown, and
-- deviations that were corrected. The latest first, after a place in that order.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle, previous_outcome,
    multiIf(
        outcome = 'deviation' AND previous_outcome != 'deviation', 'deviation',
        outcome = 'inconclusive' AND previous_outcome != 'inconclusive', 'unknown',
        previous_outcome IN ('deviation', 'inconclusive') AND outcome != previous_outcome, 'corrected',
        remediated_at != toDateTime64(0, 6, 'UTC') AND previous_remediated_at != remediated_at, 'remediated',
        '') AS kind
FROM verdict_revisions
WHERE tenant = {tenant:String}
  AND (outcome IN ('deviation', 'inconclusive') OR previous_outcome IN ('deviation', 'inconclusive'))
  AND known_at >= fromUnixTimestamp64Micro({from:Int64}, 'UTC')
  AND known_at < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
  AND kind != ''
ORDER BY known_at DESC, control, item_id, revision DESC
LIMIT {limit:UInt64}
