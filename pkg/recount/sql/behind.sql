-- How many items of a control are not in verdicts as their newest revision says them.
SELECT toInt64(count()) AS items
FROM
(
    SELECT item_id, max(revision) AS newest
    FROM verdict_revisions
    WHERE tenant = {tenant:String} AND control = {control:String}
    GROUP BY item_id
) AS said
LEFT JOIN
(
    SELECT item_id, max(revision) AS kept
    FROM verdicts
    WHERE tenant = {tenant:String} AND control = {control:String}
    GROUP BY item_id
) AS now USING (item_id)
WHERE said.newest != now.kept
