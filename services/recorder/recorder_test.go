package recorder

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/recorder/internal/rows"
)

func TestEventsAreRows(t *testing.T) {
	w := newWorld(t)
	noEvent := &kgo.Record{Value: []byte("not an event")}
	ancient := event(9, 0)
	for i, h := range ancient.Headers {
		if h.Key == record.HeaderTime {
			ancient.Headers[i].Value = []byte("0001-01-01T00:00:00Z")
		}
	}
	produced := []*kgo.Record{clock(start, 0), event(0, 0), noEvent, event(1, 0), clock(start.Add(time.Second), 0), ancient, event(2, 0), event(2, 0)}
	w.produce("events.deployment", produced...)
	conflict := event(2, 0)
	conflict.Value = []byte(`{"change_id":"CHG-2","approver":"mallory"}`)
	w.produce("events.deployment", conflict)
	produced = append(produced, conflict)

	r := w.start(seams{})
	w.awaitCovered("events.deployment", uint64(len(produced)))
	r.stop()

	keys, err := ledger.NewKeys([]byte(DemoCommitmentKey.Reveal()))
	require.NoError(t, err)
	result, err := w.conn.Query(t.Context(), `SELECT e.id, e.time, e.received, e.sequence, e.key, e.data, e.size, e.sha256, e.family,
		e.offset, e.prev_offset, e.leaf_index, e.leaf, c.topic_id
		FROM events AS e JOIN (SELECT DISTINCT topic, topic_id FROM coverage) AS c USING (topic) ORDER BY e.offset`)
	require.NoError(t, err)
	defer result.Close()
	var offsets []int64
	for result.Next() {
		var id, key, data, sha, family, leaf string
		var at, received time.Time
		var sequence, index uint64
		var bytes uint32
		var offset, prev int64
		var topicID uuid.UUID
		require.NoError(t, result.Scan(&id, &at, &received, &sequence, &key, &data, &bytes, &sha, &family, &offset, &prev, &index, &leaf, &topicID))
		rec := produced[offset]
		ev, err := record.DecodeEvent(rec)
		require.NoError(t, err)
		require.Equal(t, ev.ID, id)
		require.Equal(t, ev.Time, rows.Instant(at))
		require.Equal(t, compliance.InstantOf(rec.Timestamp), rows.Instant(received))
		require.Equal(t, ev.Sequence, sequence)
		require.Equal(t, string(rec.Key), key)
		require.Equal(t, string(rec.Value), data)
		require.Len(t, rec.Value, int(bytes))
		require.Equal(t, string(ev.Ref.SHA256[:]), sha)
		require.Equal(t, "deployment", family)
		require.Equal(t, offset-1, prev)
		require.Equal(t, uint64(offset), index)
		want, err := rows.Leaf(keys, rec, ledger.Place{Topic: topicID, Offset: offset, Prev: prev})
		require.NoError(t, err)
		sum := want.Hash()
		require.Equal(t, string(sum[:]), leaf)
		offsets = append(offsets, offset)
	}
	require.NoError(t, result.Err())
	require.Equal(t, []int64{1, 3, 6, 7, 8}, offsets)
	require.Equal(t, uint64(2), one[uint64](w, "SELECT sum(skipped) FROM coverage"))
	require.Equal(t, start.Add(time.Second), rows.Instant(one[time.Time](w, "SELECT max(clock) FROM coverage")))
	require.Equal(t, []string{"ev-000002"}, one[[]string](w, "SELECT groupArray(id) FROM event_conflicts WHERE tenant = 'default'"))
	require.Equal(t, uint64(3), one[uint64](w, "SELECT occurrences FROM event_conflicts WHERE tenant = 'default'"))
	w.requireContiguous()
}

func TestVerdictsReadBackExactly(t *testing.T) {
	w := newWorld(t)
	evidence := []compliance.Evidence{
		{Expectation: "item", Source: "/cd", ID: "d1", Type: "deploy.completed", Time: start, Topic: "assay.events.deployment", Partition: 1, Offset: 7, SHA256: compliance.Hash{1, 2}},
		{Expectation: "approval", Source: "/ü", ID: "\"<&>\x7f", Type: "change.approved", Time: start + 1, SHA256: compliance.Hash{0xff}},
	}
	item := compliance.Item{ID: "deploy/ü 1", Time: start + 123456}
	first := &compliance.Revision{
		Tenant: "default", Control: "CH-01", RuleHash: "r", Bundle: "b", Number: 1, KnownAt: start, FinalAt: compliance.Never,
		Verdict: compliance.Verdict{Item: item, Outcome: compliance.Pending, Reason: compliance.ReasonAwaitingEvents, Due: compliance.Never},
	}
	second := &compliance.Revision{
		Tenant: "default", Control: "CH-01", RuleHash: "r2", Bundle: "b2", Number: 2, KnownAt: start + 5, FinalAt: start + 6,
		Verdict:  compliance.Verdict{Item: item, Outcome: compliance.Deviation, Reason: "no_approval", Evidence: evidence, Due: start, RemediatedAt: start + 9},
		Previous: &compliance.Previous{Outcome: compliance.Pending, Reason: compliance.ReasonAwaitingEvents, ItemTime: start},
	}
	w.produce("verdicts", revisionRecord(t, first, 0), &kgo.Record{Value: []byte("{")}, revisionRecord(t, second, 0))
	r := w.start(seams{})
	w.awaitCovered("verdicts", 3)
	r.stop()

	for _, want := range []*compliance.Revision{first, second} {
		got := compliance.Revision{}
		var number uint32
		var itemTime, due, known, final, remedied, previousTime, previousRemedied time.Time
		var raw, outcome, previousOutcome, previousReason string
		require.NoError(t, w.conn.QueryRow(t.Context(), `SELECT tenant, control, item_id, item_time, revision, outcome, reason, rule_hash, bundle,
			due, known_at, final_at, remediated_at, evidence, previous_outcome, previous_reason, previous_item_time, previous_remediated_at
			FROM verdict_revisions WHERE revision = ?`, want.Number).Scan(&got.Tenant, &got.Control, &got.Item.ID, &itemTime, &number, &outcome, &got.Reason,
			&got.RuleHash, &got.Bundle, &due, &known, &final, &remedied, &raw, &previousOutcome, &previousReason, &previousTime, &previousRemedied))
		got.Item.Time, got.Number, got.Outcome = rows.Instant(itemTime), int(number), compliance.Outcome(outcome)
		got.Due, got.KnownAt, got.FinalAt, got.RemediatedAt = rows.Instant(due), rows.Instant(known), rows.Instant(final), rows.Instant(remedied)
		require.NoError(t, json.Unmarshal([]byte(raw), &got.Evidence))
		if len(got.Evidence) == 0 {
			got.Evidence = nil
		}
		if previousOutcome != "" {
			got.Previous = &compliance.Previous{
				Outcome: compliance.Outcome(previousOutcome), Reason: previousReason,
				ItemTime: rows.Instant(previousTime), RemediatedAt: rows.Instant(previousRemedied),
			}
		}
		require.Equal(t, want, &got)
	}
	require.Equal(t, uint32(2), one[uint32](w, "SELECT revision FROM verdicts FINAL"))
}

func TestMessagesAreRows(t *testing.T) {
	w := newWorld(t)
	rev := history(2)[2]
	violation := record.Violation{
		Schema: record.ViolationSchema, ID: "default/CH-01/item#2", Episode: "default/CH-01/item", Change: record.Opened,
		Severity: "high", Title: "Deployments are approved", Criteria: []string{"CC8.1", "CC6.1"}, Supersedes: 1, Verdict: *rev,
	}
	rejected := record.Rejected{
		At: start, By: "evaluator", Code: record.RejectedMalformed, Reason: "header ce_id is missing", Topic: "assay.events.access",
		Partition: 1, Offset: 12, SHA256: compliance.Hash{9}, Size: 5, Body: []byte{0, 1, 0xff, 3, 4},
	}
	quarantined := record.Quarantined{
		Tenant: "default", Control: "CH-01", JoinKey: "k", Watermark: start.Add(time.Hour),
		Event: compliance.Evidence{Expectation: "approval", Source: "/vcs", ID: "late", Type: "change.approved", Time: start, Topic: "t", Partition: 2, Offset: 3, SHA256: compliance.Hash{7}},
	}
	for topic, v := range map[string]any{"violations": violation, "rejected": rejected, "quarantine": quarantined} {
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		w.produce(topic, &kgo.Record{Value: raw}, &kgo.Record{Value: []byte("no JSON")}, &kgo.Record{Value: raw})
	}
	r := w.start(seams{})
	for _, topic := range []string{"violations", "rejected", "quarantine"} {
		w.awaitCovered(topic, 3)
	}
	r.stop()

	var got record.Violation
	require.NoError(t, json.Unmarshal([]byte(one[string](w, "SELECT value FROM violations FINAL")), &got))
	require.Equal(t, violation, got)
	require.Equal(t, []string{"CC8.1", "CC6.1"}, one[[]string](w, "SELECT criteria FROM violations FINAL"))
	require.Equal(t, string(rejected.Body), one[string](w, "SELECT body FROM rejected FINAL"))
	require.Equal(t, int64(12), one[int64](w, "SELECT origin_offset FROM rejected FINAL"))
	require.Equal(t, uint64(2), one[uint64](w, "SELECT count() FROM quarantined WHERE event_offset = 3 AND watermark > time"))
}
