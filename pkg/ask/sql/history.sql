-- Everything that was ever said about one item.
SELECT
    control, item_id, item_time, outcome, reason, revision, remediated_at,
    due, known_at, final_at, rule_hash, bundle, evidence
FROM verdict_revisions
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND item_id = {item:String}
ORDER BY revision
