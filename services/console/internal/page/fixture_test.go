package page_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/page"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

// hostile is what nobody should ever read as HTML.
const hostile = `<script>alert(1)</script>"'&<b>/../x?y=#z`

func library() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"boundary.yaml": file(`
effective_from: 2026-06-01T00:00:00Z
boundary: {systems: [console]}
sources:
  /idp: {types: [access.*], max_gap: 1000h}
  /pager: {types: [incident.*], max_gap: 1000h}
  /backup: {types: [backup.*], max_gap: 2500h, sequence: true}
  /cd: {types: [deploy.*]}
`),
		"access/AC-01.yaml": file(`
id: AC-01
title: Privileged sign-ins use a second factor
criteria: [CC6.1]
severity: high
population: {event: access.login}
assert: item.mfa
reasons: {no_mfa: "!item.mfa"}
`),
		"change/CH-01.yaml": file(`
id: CH-01
title: Deployments <script>alert(1)</script> & are "approved"
control_text: Every deployment is <b>approved</b>.
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
		"incident/IN-01.yaml": file(`
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

// world is a ClickHouse of a test's own, and the pages over it.
type world struct {
	testing.TB
	conn   clickhouse.Conn
	config clickhouse.Config
	bundle *control.Bundle
	types  *dictionary.Dictionary
	mux    *http.ServeMux
	pages  *page.Pages
	offset int64
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, config := clickhousetest.Open(t)
	w := &world{TB: t, conn: conn, config: config}
	var err error
	w.types, err = dictionary.Default()
	require.NoError(t, err)
	w.bundle, err = control.Load(library(), w.types)
	require.NoError(t, err)
	w.serve(conn)
	return w
}

// serve makes the pages anew, over a connection.
func (w *world) serve(conn clickhouse.Conn) {
	w.Helper()
	var err error
	w.pages, err = page.New(page.Options{
		Conn: conn, Bundle: w.bundle, Files: library(), Types: w.types, Log: zerolog.Nop(),
		Now: func() time.Time { return at("2026-11-01").Time() }, Program: "test", Arguments: []string{"--controls", "my controls"},
	})
	require.NoError(w, err)
	w.mux = http.NewServeMux()
	w.pages.Register(w.mux)
}

func engineer() access.Viewer {
	return access.Viewer{User: "u-bob", Role: access.Engineer, Tenant: "default", Tenants: []string{"default"}}
}

func auditor(t testing.TB) access.Viewer {
	t.Helper()
	q3, err := ask.ParsePeriod("2026-Q3")
	require.NoError(t, err)
	return access.Viewer{User: "u-eve", Role: access.Auditor, Tenant: "default", Tenants: []string{"default"}, Periods: []ask.Period{q3}}
}

// get asks for a page as a viewer.
func (w *world) get(ctx context.Context, v access.Viewer, address string) *httptest.ResponseRecorder {
	w.Helper()
	r := httptest.NewRequestWithContext(access.With(ctx, v), http.MethodGet, address, nil)
	rec := httptest.NewRecorder()
	w.mux.ServeHTTP(rec, r)
	return rec
}

// body is a page that must be there.
func (w *world) body(v access.Viewer, address string) string {
	w.Helper()
	rec := w.get(w.Context(), v, address)
	require.Equal(w, http.StatusOK, rec.Code, "%s: %s", address, rec.Body)
	return rec.Body.String()
}

func at(text string) compliance.Instant {
	t, err := ask.ParseTime(text)
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
	remediated            string
	evidence              []compliance.Evidence
}

// say inserts first revisions.
func (w *world) say(revisions ...said) {
	w.Helper()
	batch, err := w.conn.PrepareBatch(w.Context(), `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason,
		rule_hash, bundle, due, known_at, final_at, remediated_at, evidence, previous_outcome, previous_reason, previous_item_time,
		previous_remediated_at, topic, partition, offset)`)
	require.NoError(w, err)
	defer func() { require.NoError(w, batch.Close()) }()
	none := time.Unix(0, 0).UTC()
	for _, s := range revisions {
		w.offset++
		evidence, err := json.Marshal(append([]compliance.Evidence{}, s.evidence...))
		require.NoError(w, err)
		remediated := none
		if s.remediated != "" {
			remediated = at(s.remediated).Time()
		}
		due := at(s.at).Add(time.Hour)
		require.NoError(w, batch.Append(cmp.Or(s.tenant, "default"), s.control, s.item, at(s.at).Time(), uint32(1), string(s.outcome), s.reason,
			w.bundle.Control(s.control).Hash, w.bundle.Hash, due.Time(), due.Time(), due.Add(time.Hour).Time(), remediated, string(evidence),
			"", "", none, none, "assay.verdicts", int32(0), w.offset))
	}
	require.NoError(w, batch.Send())
}

// event inserts events as they stand in the log.
func (w *world) event(events ...compliance.Event) []compliance.Event {
	w.Helper()
	batch, err := w.conn.PrepareBatch(w.Context(), `INSERT INTO events (tenant, family, type, source, id, time, received, sequence, key, data, size,
		sha256, topic, partition, offset, prev_offset, leaf_index, leaf)`)
	require.NoError(w, err)
	defer func() { require.NoError(w, batch.Close()) }()
	for i := range events {
		ev := &events[i]
		w.offset++
		data, err := json.Marshal(ev.Data)
		require.NoError(w, err)
		ev.Tenant = cmp.Or(ev.Tenant, "default")
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

func (w *world) exec(sql string) {
	w.Helper()
	require.NoError(w, w.conn.Exec(w.Context(), sql))
}

// Ids that must be on no page of an auditor of 2026-Q3, and on no page of the tenant.
const (
	outside = "outside-the-period"
	theirs  = "of-another-tenant"
)

// filled has something of everything: each outcome, ids that are no HTML, things
// outside of the quarter, and things of another tenant.
func filled(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	events := w.event(
		compliance.Event{Source: "/cd", ID: "d1", Type: "deploy.completed", Time: at("2026-07-02"), Data: map[string]any{"deploy_id": hostile, "environment": "production", "change_id": "c1", "author": "ann"}},
		compliance.Event{Source: "/vcs", ID: hostile, Type: "change.approved", Time: at("2026-07-01T23:00:00Z"), Data: map[string]any{"change_id": "c1", "approver": "<i>bob</i>"}},
		compliance.Event{Source: "/idp", ID: "twice", Type: "access.login", Time: at("2026-07-03"), Data: map[string]any{"mfa": true}},
		compliance.Event{Source: "/idp", ID: "twice", Type: "access.login", Time: at("2026-07-03"), Data: map[string]any{"mfa": false}},
		compliance.Event{Source: "/idp", ID: outside, Type: "access.login", Time: at("2026-10-03"), Data: map[string]any{"mfa": true}},
		compliance.Event{Source: "/cd", ID: "before-" + outside, Type: "change.approved", Time: at("2026-06-30T12:00:00Z"), Data: map[string]any{"change_id": "c2"}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: theirs, Type: "access.login", Time: at("2026-07-03"), Data: map[string]any{"mfa": true}},
	)
	item, approval := compliance.EvidenceOf("item", &events[0]), compliance.EvidenceOf("approval", &events[1])
	gone := item
	gone.Offset = 9_999_999
	w.say(
		said{control: "CH-01", item: hostile, at: "2026-07-02", outcome: compliance.Pass, evidence: []compliance.Evidence{item, approval}},
		said{control: "CH-01", item: "d2", at: "2026-07-05", outcome: compliance.Deviation, reason: "no_approval", evidence: []compliance.Evidence{gone}},
		said{control: "CH-01", item: "d3", at: "2026-07-05", outcome: compliance.Waived, reason: "no_approval"},
		said{control: "CH-01", item: "d4", at: "2026-07-06", outcome: compliance.NotApplicable},
		said{control: "CH-01", item: outside, at: "2026-10-02", outcome: compliance.Deviation, reason: "no_approval"},
		said{tenant: "other", control: "CH-01", item: theirs, at: "2026-07-05", outcome: compliance.Deviation, reason: "no_approval"},
		said{control: "IN-01", item: "i1", at: "2026-07-05", outcome: compliance.Deviation, reason: "deviation", remediated: "2026-07-06"},
		said{control: "IN-01", item: "i2", at: "2026-07-07", outcome: compliance.Pending, reason: "awaiting_evidence"},
		said{control: "AC-01", item: "a1", at: "2026-08-05", outcome: compliance.Inconclusive, reason: compliance.ReasonSourceSilent},
	)
	w.beats("/idp", "2026-06-30", "2026-08-01", 30*24*time.Hour)
	w.beats("/pager", "2026-06-30", "2026-10-02", 30*24*time.Hour)
	w.event(
		compliance.Event{Source: "/backup", ID: "b1", Type: "source.heartbeat", Time: at("2026-06-30"), Sequence: 1},
		compliance.Event{Source: "/backup", ID: "b2", Type: "source.heartbeat", Time: at("2026-10-02"), Sequence: 4},
		compliance.Event{Source: "/backup", ID: "b3", Type: "backup.completed", Time: at("2026-07-05"), Sequence: 2},
	)
	w.event(
		compliance.Event{Source: "/assay/periods", ID: "p1", Type: "period.opened", Time: at("2026-06-01"), Data: map[string]any{"period_id": "soc2-q3", "from": "2026-07-01T00:00:00Z", "to": "2026-10-01T00:00:00Z", "opened_by": "ann", "note": hostile}},
		compliance.Event{Source: "/assay/periods", ID: "p2", Type: "period.closed", Time: at("2026-10-02"), Data: map[string]any{"period_id": "soc2-q3", "closed_by": "ann"}},
		compliance.Event{Source: "/assay/periods", ID: "p3", Type: "period.opened", Time: at("2026-06-01"), Data: map[string]any{"period_id": outside + "-year", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "opened_by": "ann"}},
		compliance.Event{Tenant: "other", Source: "/assay/periods", ID: "p4", Type: "period.opened", Time: at("2026-06-01"), Data: map[string]any{"period_id": theirs, "from": "2026-07-01T00:00:00Z", "to": "2026-10-01T00:00:00Z", "opened_by": theirs}},
	)
	w.exec(`INSERT INTO violations (tenant, control, item_id, item_time, revision, id, change, outcome, reason, known_at, value)
		SELECT 'default', 'CH-01', 'd2', '2026-07-05', 1, 'default/CH-01/d2#1', 'opened', 'deviation', 'no_approval', '2026-07-05 01:00:00', '{}'`)
	w.exec(`INSERT INTO deliveries (tenant, target, kind, control, at, id, message, violations, items, revisions, action, attempt, outcome, status, error, duration_ms)
		SELECT 'default', 'pager', 'pagerduty', 'CH-01', toDateTime64('2026-07-05 01:00:00', 6, 'UTC') + number, toString(number), 'm', ['default/CH-01/d2#1'], ['d2'], [1],
			'trigger', number + 1, if(number = 69, 'delivered', 'retry'), 500, if(number = 69, '', '<script>no</script>'), 12 FROM numbers(70)`)
	w.exec(`INSERT INTO rejected (tenant, at, by, code, reason, source, id, size) VALUES
		('default', '2026-07-05', 'collector', 'invalid_data', '<script>no</script>', '/cd', 'r1', 12), ('other', '2026-07-05', 'collector', 'x', 'x', 'x', '` + theirs + `', 12)`)
	w.exec(`INSERT INTO quarantined (tenant, control, expectation, source, id, type, time, event_topic, event_partition, event_offset) VALUES
		('default', 'CH-01', 'approval', '/vcs', 'q1', 'change.approved', '2026-07-05', 'assay.events.access', 0, 2)`)
	w.exec(`INSERT INTO coverage (topic, partition, start_offset, end_offset, records, rows, log_time, clock) VALUES
		('assay.events.access', 0, 0, 10, 10, 10, '2026-10-03', '2026-10-03')`)
	return w
}
