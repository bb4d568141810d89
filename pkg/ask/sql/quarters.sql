-- Which quarters have items on record, and how many.
SELECT toStartOfQuarter(day) AS quarter, sum(n) AS items
FROM verdict_days
WHERE tenant = {tenant:String}
GROUP BY quarter
HAVING items != 0
ORDER BY quarter
