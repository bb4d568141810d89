-- Which verdicts name the event at one place in the log as evidence. The text is what
-- their evidence says of the place. Candidates are found among all revisions that the
-- table still holds, so that FINAL has a few items to look at and not all.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle
FROM verdicts FINAL
WHERE tenant = {tenant:String}
  AND (control, item_time, item_id) IN (
    SELECT control, item_time, item_id FROM verdicts
    WHERE tenant = {tenant:String} AND position(evidence, {place:String}) > 0
  )
  AND position(evidence, {place:String}) > 0
ORDER BY control, item_time, item_id
LIMIT {limit:UInt64}
