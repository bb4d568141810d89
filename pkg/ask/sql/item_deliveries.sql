-- Attempts to tell somebody of one item, the earliest first.
SELECT
    at, id, message, target, kind, control, route, violations, items, revisions, action,
    attempt, outcome, status, error, duration_ms
FROM deliveries
WHERE tenant = {tenant:String}
  AND control = {control:String}
  AND has(items, {item:String})
ORDER BY at, id
LIMIT {limit:UInt64}
