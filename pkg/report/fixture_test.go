package report_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/report"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

// The controls of the tests: by event, by calendar, and with sources that can't
// prove anything.
func library() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"boundary.yaml": file(`
effective_from: 2026-06-01T00:00:00Z
boundary: {systems: [console, {id: helpdesk, from: 2026-08-01T00:00:00Z}]}
sources:
  /idp: {types: [access.*], max_gap: 3h}
  /pager: {types: [incident.*], max_gap: 3h}
  /cd: {types: [deploy.*]}
`),
		"AC-01.yaml": file(`
id: AC-01
title: Privileged sign-ins use a second factor
criteria: [CC6.1]
severity: high
population: {event: access.login}
assert: item.mfa
reasons: {no_mfa: "!item.mfa"}
`),
		"AC-04.yaml": file(`
id: AC-04
title: Administrators are reviewed every month
criteria: [CC6.2, CC6.3]
population: {every: month, for_each: boundary.systems}
expect:
  review: {event: access.reviewed, on: {event.system: item.member, event.month: item.slot}, between: "[0s, period + 5d)"}
assert: review.count >= 1
`),
		"BC-01.yaml": file(`
id: BC-01
title: Backups end well
criteria: [A1.2]
population: {event: backup.completed}
assert: item.status == "ok"
`),
		"CH-01.yaml": file(`
id: CH-01
title: Deployments <script>alert(1)</script> & are "approved"
control_text: Every deployment is approved.
criteria: [CC8.1]
severity: high
population: {event: deploy.completed, where: event.environment == "production", item: event.deploy_id}
expect:
  approval:
    event: change.approved
    on: {event.change_id: item.change_id}
    where: event.approver != item.author
    between: "[-14d, 0s]"
assert: approval.count >= 1
reasons: {no_approval: approval.count == 0}
`),
		"IN-01.yaml": file(`
id: IN-01
title: Incidents are acknowledged within 15 minutes
criteria: [CC7.3]
population: {event: incident.opened, item: event.incident_id}
expect:
  ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, between: "[0s, 15m]", remedy_until: 30d}
assert: ack.count >= 1
`),
	}
}

func bundle(t testing.TB) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(library(), types)
	require.NoError(t, err)
	return b
}

// world is a ClickHouse of a test's own.
type world struct {
	testing.TB
	conn   clickhouse.Conn
	bundle *control.Bundle
	tenant string
	offset int64
}

// as is w in the eyes of another tenant, so that cases can share a database.
func (w *world) as(t testing.TB, tenant string) *world {
	return &world{TB: t, conn: w.conn, bundle: w.bundle, tenant: tenant}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, _ := clickhousetest.Open(t)
	return &world{TB: t, conn: conn, bundle: bundle(t), tenant: "default"}
}

func at(text string) compliance.Instant {
	t, err := report.ParseTime(text)
	if err != nil {
		panic(err)
	}
	return t
}

// said is one revision of an item.
type said struct {
	tenant, control, item string
	at                    string
	outcome               compliance.Outcome
	reason                string
	revision              int
	remediated            string
	evidence              []compliance.Evidence
	// before is the outcome of the revision before, with its reason and item time.
	before *said
	known  compliance.Instant
}

func (s said) remediatedAt() compliance.Instant {
	if s.remediated == "" {
		return 0
	}
	return at(s.remediated)
}

// say inserts revisions.
func (w *world) say(revisions ...said) {
	w.Helper()
	batch, err := w.conn.PrepareBatch(w.Context(), `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason,
		rule_hash, bundle, due, known_at, final_at, remediated_at, evidence, previous_outcome, previous_reason, previous_item_time,
		previous_remediated_at, topic, partition, offset)`)
	require.NoError(w, err)
	defer batch.Close()
	for _, s := range revisions {
		w.offset++
		evidence := []byte("[]")
		if len(s.evidence) > 0 {
			evidence, err = json.Marshal(s.evidence)
			require.NoError(w, err)
		}
		before := said{at: "1970-01-01"}
		if s.before != nil {
			before = *s.before
		}
		rule := "none"
		if c := w.bundle.Control(s.control); c != nil {
			rule = c.At(at(s.at)).Hash
		}
		due := at(s.at).Add(time.Hour)
		require.NoError(w, batch.Append(cmp.Or(s.tenant, w.tenant), s.control, s.item, at(s.at).Time(), uint32(max(1, s.revision)), string(s.outcome), s.reason,
			rule, w.bundle.Hash, due.Time(), cmp.Or(s.known, due).Time(), due.Add(time.Hour).Time(), s.remediatedAt().Time(), string(evidence),
			string(before.outcome), before.reason, at(before.at).Time(), before.remediatedAt().Time(), "assay.verdicts", int32(0), w.offset))
	}
	require.NoError(w, batch.Send())
}

// event inserts events as they stand in the log.
func (w *world) event(events ...compliance.Event) []compliance.Event {
	w.Helper()
	batch, err := w.conn.PrepareBatch(w.Context(), `INSERT INTO events (tenant, family, type, source, id, time, received, sequence, key, data, size,
		sha256, topic, partition, offset, prev_offset, leaf_index, leaf)`)
	require.NoError(w, err)
	defer batch.Close()
	for i := range events {
		ev := &events[i]
		w.offset++
		data, err := json.Marshal(ev.Data)
		require.NoError(w, err)
		ev.Tenant = cmp.Or(ev.Tenant, w.tenant)
		ev.Ref = compliance.Ref{Topic: "assay.events.access", Partition: 0, Offset: w.offset, SHA256: sha256.Sum256(data)}
		require.NoError(w, batch.Append(ev.Tenant, "access", ev.Type, ev.Source, ev.ID, ev.Time.Time(), ev.Time.Add(time.Second).Time(), ev.Sequence, "k",
			string(data), uint32(len(data)), ev.Ref.SHA256[:], ev.Ref.Topic, ev.Ref.Partition, ev.Ref.Offset, w.offset-1, uint64(w.offset), make([]byte, 32)))
	}
	require.NoError(w, batch.Send())
	return events
}

// beats makes a source heard from one time to another, both included, at a distance.
func (w *world) beats(source, from, to string, every time.Duration) {
	w.Helper()
	var events []compliance.Event
	for t := at(from); t <= at(to); t = t.Add(every) {
		events = append(events, compliance.Event{
			Source: source, ID: fmt.Sprintf("beat-%d", t), Type: control.Heartbeat, Time: t,
			Data: map[string]any{"interval_seconds": int64(every.Seconds())},
		})
	}
	w.event(events...)
}

func (w *world) report(period string, changes ...func(*report.Params)) *report.Report {
	w.Helper()
	p, err := report.ParsePeriod(period)
	require.NoError(w, err)
	params := report.Params{Tenant: w.tenant, Period: p, MadeAt: at("2026-11-01"), Program: "test", Arguments: []string{"--controls", "my controls"}}
	for _, change := range changes {
		change(&params)
	}
	r, err := report.Make(w.Context(), w.conn, w.bundle, params)
	require.NoError(w, err)
	return r
}

func find(t testing.TB, r *report.Report, id string) report.Control {
	t.Helper()
	for _, c := range r.Controls {
		if c.ID == id {
			return c
		}
	}
	require.Fail(t, "the report has no control "+id)
	return report.Control{}
}
