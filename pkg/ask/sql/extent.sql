-- How much was on record when the report was made, and how far it reached.
SELECT
    (SELECT toInt64(count()) FROM events WHERE tenant = {tenant:String}) AS events,
    (SELECT max(received) FROM events WHERE tenant = {tenant:String}) AS received,
    (SELECT toInt64(count()) FROM verdict_revisions WHERE tenant = {tenant:String}) AS revisions,
    (SELECT max(known_at) FROM verdict_revisions WHERE tenant = {tenant:String}) AS known
