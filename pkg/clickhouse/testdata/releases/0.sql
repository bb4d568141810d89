-- Rows as recorders of release 0 left them, in each table that they write.
INSERT INTO events (tenant, family, type, source, id, time, received, sequence, key, data, size, sha256, topic, partition, offset, prev_offset, leaf_index, leaf)
SELECT ['acme', 'beta'][1 + number % 2], 'model-call', ['model.call.completed', 'access.granted'][1 + number % 2], '/src', concat('ev-', toString(intDiv(number, 3) * 2)),
    toDateTime64('2026-07-01', 6, 'UTC') + toIntervalMinute(number), toDateTime64('2026-07-01', 6, 'UTC') + toIntervalMinute(number + 1), number, 'k',
    concat('{"provider":"p', toString(number % 3), '","model":"m","data_class":"public","actor":"a"}'), 70, SHA256(toString(number)),
    'assay.events.model-call', 0, number, toInt64(number) - 1, number, SHA256(concat('leaf', toString(number)))
FROM numbers(3000);

INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason, rule_hash, bundle, due, known_at, final_at, evidence,
    previous_outcome, previous_reason, previous_item_time, topic, partition, offset)
SELECT ['acme', 'beta'][1 + item % 2], concat('CH-0', toString(item % 5)), concat('item-', toString(item)), at + toIntervalHour(revision), revision,
    if(revision = 1, 'deviation', 'pass'), if(revision = 1, 'no_approval', ''), 'r', 'b', at, at, at, '[]',
    if(revision = 1, '', 'deviation'), if(revision = 1, '', 'no_approval'), if(revision = 1, toDateTime64(0, 6, 'UTC'), at + toIntervalHour(1)), 'assay.verdicts', 0, number
FROM (SELECT number, intDiv(number, 2) AS item, toUInt32(1 + number % 2) AS revision, toDateTime64('2026-07-01', 6, 'UTC') + toIntervalHour(item) AS at FROM numbers(999));

INSERT INTO violations (tenant, control, item_id, item_time, revision, id, episode, change, severity, title, criteria, outcome, reason, known_at, value, topic, partition, offset)
SELECT 'acme', 'CH-01', concat('item-', toString(number % 90)), toDateTime64('2026-07-01', 6, 'UTC'), 1, concat('v', toString(number % 90)), 'e', 'opened', 'high', 't', ['CC8.1'],
    'deviation', 'no_approval', toDateTime64('2026-07-02', 6, 'UTC'), '{}', 'assay.violations', 0, number
FROM numbers(100);

INSERT INTO rejected (tenant, at, by, code, reason, source, id, type, sha256, size, body, topic, partition, offset)
SELECT 'acme', toDateTime64('2026-07-01', 6, 'UTC'), 'collector', 'invalid', 'no id', '/src', toString(number), 't', SHA256(toString(number)), 2, '{}', 'assay.rejected', 0, number FROM numbers(20);

INSERT INTO quarantined (tenant, control, join_key, watermark, expectation, source, id, type, time, event_topic, event_partition, event_offset, sha256, topic, partition, offset)
SELECT 'acme', 'CH-01', 'k', toDateTime64('2026-07-09', 6, 'UTC'), 'approval', '/src', toString(number), 't', toDateTime64('2026-07-01', 6, 'UTC'), 'assay.events.model-call', 0, number,
    SHA256(toString(number)), 'assay.quarantine', 0, number FROM numbers(20);

INSERT INTO coverage (topic, topic_id, partition, start_offset, end_offset, records, rows, skipped, last_offset, leaves, log_time, clock)
SELECT 'assay.verdicts', toUUID('00000000-0000-0000-0000-000000000007'), 0, number * 100, number * 100 + 100, 100, 99, 1, number * 100 + 99, number * 100 + 100,
    toDateTime64('2026-07-01', 6, 'UTC'), toDateTime64('2026-07-01', 6, 'UTC') FROM numbers(10);

INSERT INTO deliveries (tenant, target, kind, control, route, at, id, message, violations, items, revisions, action, attempt, outcome, status, topic, partition, offset)
SELECT 'acme', 'ops', 'slack', 'CH-01', 'r', toDateTime64('2026-07-02', 6, 'UTC') + toIntervalSecond(number), toString(number), 'm', [concat('v', toString(number % 30))],
    ['item-1'], [1], 'trigger', 1 + intDiv(number, 30), if(number < 30, 'retry', 'delivered'), 200, 'assay.deliveries', 0, number FROM numbers(60);

INSERT INTO received (tenant, source, kind, id, at, media_type, mapping, events, body, size, sha256, topic, partition, offset)
SELECT 'acme', '/github', 'github.push', toString(number), toDateTime64('2026-07-01', 6, 'UTC'), 'application/json', 'github@1', 1, '{}', 2, SHA256(toString(number)), 'assay.received', 0, number FROM numbers(30);

INSERT INTO rule_changes (tenant, kind, proposal, bundle, activation, by, at, controls, topic, partition, offset)
SELECT '', 'proposed', toString(number), 'b', number, 'kim', toDateTime64('2026-07-01', 6, 'UTC'), ['CH-01'], 'assay.control', 0, number FROM numbers(5);

INSERT INTO count_repairs (tenant, control, day, outcome, reason, remediated, counted, recounted, at)
VALUES ('acme', 'CH-01', '2026-07-01', 'pass', '', false, 3, 2, '2026-07-02 03:00:00');
