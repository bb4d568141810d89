package page_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/sampling"
	"assay.example/assay/pkg/workspace"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/basis"
	"assay.example/assay/services/console/internal/page"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

// hostile is what nobody should ever read as HTML.
const hostile = `<script>alert(1)</script>"'&<b>/../x?y=#z`

// library has the same controls as other tests of what is asked, in folders, with sources
// that are seldom silent, and with words that would be tags.
func library() fstest.MapFS {
	shared := asktest.Library()
	changes := bytes.ReplaceAll(shared["CH-01.yaml"].Data, []byte("deployment is approved."), []byte("deployment is <b>approved</b>."))
	return fstest.MapFS{
		"boundary.yaml": &fstest.MapFile{Data: []byte(`
effective_from: 2026-06-01T00:00:00Z
boundary: {systems: [console]}
sources:
  /idp: {types: [access.*], max_gap: 1000h}
  /pager: {types: [incident.*], max_gap: 1000h}
  /backup: {types: [backup.*], max_gap: 2500h, sequence: true}
  /cd: {types: [deploy.*]}
`)},
		"access/AC-01.yaml": shared["AC-01.yaml"], "change/CH-01.yaml": &fstest.MapFile{Data: changes}, "incident/IN-01.yaml": shared["IN-01.yaml"],
	}
}

// world is a ClickHouse of a test's own, and the pages over it.
type world struct {
	*asktest.World
	config clickhouse.Config
	types  *dictionary.Dictionary
	mux    *http.ServeMux
	pages  *page.Pages
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, config := clickhousetest.Open(t)
	w := &world{World: &asktest.World{TB: t, Conn: conn, Tenant: "default"}, config: config}
	var err error
	w.types, err = dictionary.Default()
	require.NoError(t, err)
	w.Bundle, err = control.Load(library(), w.types)
	require.NoError(t, err)
	w.serve(conn)
	return w
}

// serve makes the pages anew, over a connection.
func (w *world) serve(conn clickhouse.Conn) {
	w.Helper()
	var err error
	w.pages, err = page.New(basis.Basis{
		Conn: conn, Writer: conn, Bundle: w.Bundle, Files: library(), Types: w.types, Log: zerolog.Nop(),
		Now: func() time.Time { return asktest.At("2026-11-01").Time() }, Program: "test", Arguments: []string{"--controls", "my controls"},
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

func (w *world) exec(sql string) {
	w.Helper()
	require.NoError(w, w.Conn.Exec(w.Context(), sql))
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
	events := w.Event(
		compliance.Event{Source: "/cd", ID: "d1", Type: "deploy.completed", Time: asktest.At("2026-07-02"), Data: map[string]any{"deploy_id": hostile, "environment": "production", "change_id": "c1", "author": "ann"}},
		compliance.Event{Source: "/vcs", ID: hostile, Type: "change.approved", Time: asktest.At("2026-07-01T23:00:00Z"), Data: map[string]any{"change_id": "c1", "approver": "<i>bob</i>"}},
		compliance.Event{Source: "/idp", ID: "twice", Type: "access.login", Time: asktest.At("2026-07-03"), Data: map[string]any{"mfa": true}},
		compliance.Event{Source: "/idp", ID: "twice", Type: "access.login", Time: asktest.At("2026-07-03"), Data: map[string]any{"mfa": false}},
		compliance.Event{Source: "/idp", ID: outside, Type: "access.login", Time: asktest.At("2026-10-03"), Data: map[string]any{"mfa": true}},
		compliance.Event{Source: "/cd", ID: "before-" + outside, Type: "change.approved", Time: asktest.At("2026-06-30T12:00:00Z"), Data: map[string]any{"change_id": "c2"}},
		compliance.Event{Tenant: "other", Source: "/idp", ID: theirs, Type: "access.login", Time: asktest.At("2026-07-03"), Data: map[string]any{"mfa": true}},
	)
	item, approval := compliance.EvidenceOf("item", &events[0]), compliance.EvidenceOf("approval", &events[1])
	gone := item
	gone.Offset = 9_999_999
	w.Say(
		asktest.Said{Control: "CH-01", Item: hostile, At: "2026-07-02", Outcome: compliance.Pass, Evidence: []compliance.Evidence{item, approval}},
		asktest.Said{Control: "CH-01", Item: "d2", At: "2026-07-05", Outcome: compliance.Deviation, Reason: "no_approval", Evidence: []compliance.Evidence{gone}},
		asktest.Said{Control: "CH-01", Item: "d3", At: "2026-07-05", Outcome: compliance.Waived, Reason: "no_approval"},
		asktest.Said{Control: "CH-01", Item: "d4", At: "2026-07-06", Outcome: compliance.NotApplicable},
		asktest.Said{Control: "CH-01", Item: outside, At: "2026-10-02", Outcome: compliance.Deviation, Reason: "no_approval"},
		asktest.Said{Tenant: "other", Control: "CH-01", Item: theirs, At: "2026-07-05", Outcome: compliance.Deviation, Reason: "no_approval"},
		asktest.Said{Control: "IN-01", Item: "i1", At: "2026-07-05", Outcome: compliance.Deviation, Reason: "deviation", Remediated: "2026-07-06"},
		asktest.Said{Control: "IN-01", Item: "i2", At: "2026-07-07", Outcome: compliance.Pending, Reason: "awaiting_evidence"},
		asktest.Said{Control: "AC-01", Item: "a1", At: "2026-08-05", Outcome: compliance.Inconclusive, Reason: compliance.ReasonSourceSilent},
	)
	w.Beats("/idp", "2026-06-30", "2026-08-01", 30*24*time.Hour)
	w.Beats("/pager", "2026-06-30", "2026-10-02", 30*24*time.Hour)
	w.Event(
		compliance.Event{Source: "/backup", ID: "b1", Type: "source.heartbeat", Time: asktest.At("2026-06-30"), Sequence: 1},
		compliance.Event{Source: "/backup", ID: "b2", Type: "source.heartbeat", Time: asktest.At("2026-10-02"), Sequence: 4},
		compliance.Event{Source: "/backup", ID: "b3", Type: "backup.completed", Time: asktest.At("2026-07-05"), Sequence: 2},
	)
	w.Event(
		compliance.Event{Source: "/assay/periods", ID: "p1", Type: "period.opened", Time: asktest.At("2026-06-01"), Data: map[string]any{"period_id": "soc2-q3", "from": "2026-07-01T00:00:00Z", "to": "2026-10-01T00:00:00Z", "opened_by": "ann", "note": hostile}},
		compliance.Event{Source: "/assay/periods", ID: "p2", Type: "period.closed", Time: asktest.At("2026-10-02"), Data: map[string]any{"period_id": "soc2-q3", "closed_by": "ann"}},
		compliance.Event{Source: "/assay/periods", ID: "p3", Type: "period.opened", Time: asktest.At("2026-06-01"), Data: map[string]any{"period_id": outside + "-year", "from": "2026-01-01T00:00:00Z", "to": "2027-01-01T00:00:00Z", "opened_by": "ann"}},
		compliance.Event{Tenant: "other", Source: "/assay/periods", ID: "p4", Type: "period.opened", Time: asktest.At("2026-06-01"), Data: map[string]any{"period_id": theirs, "from": "2026-07-01T00:00:00Z", "to": "2026-10-01T00:00:00Z", "opened_by": theirs}},
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
	w.examine()
	return w
}

// unshared is what auditors keep to themselves.
const unshared = "what only auditors know"

// desk is where an auditor of a tenant writes.
func (w *world) desk(tenant string) *workspace.Desk {
	return &workspace.Desk{Conn: w.Conn, Tenant: tenant, Person: workspace.Person{Name: "u-eve", Role: "auditor", Auditor: true}, Now: asktest.At("2026-10-20")}
}

// examine opens workspaces: one of the quarter, with a sample that is shared and one that
// isn't, one of the year, and one of another tenant.
func (w *world) examine() {
	w.Helper()
	q3 := workspace.Engagement{Name: "soc2-q3", From: asktest.At("2026-07-01"), To: asktest.At("2026-10-01")}
	eve, theirDesk := w.desk("default"), w.desk("other")
	require.NoError(w, eve.Engage(w.Context(), q3))
	require.NoError(w, eve.Engage(w.Context(), workspace.Engagement{Name: outside + "-workspace", From: asktest.At("2026-01-01"), To: asktest.At("2027-01-01")}))
	require.NoError(w, theirDesk.Engage(w.Context(), workspace.Engagement{Name: theirs, From: asktest.At("2026-07-01"), To: asktest.At("2026-10-01")}))
	_, err := eve.Ask(w.Context(), q3.Name, workspace.Request{Title: hostile, Text: hostile + "\n" + hostile, Control: "CH-01", Due: "2026-10-15"})
	require.NoError(w, err)
	plan, err := sampling.Named("chiaro")
	require.NoError(w, err)
	for i, share := range []workspace.Share{workspace.ShareTests, workspace.ShareItems, workspace.ShareNothing} {
		id, err := eve.Draw(w.Context(), q3.Name, w.Bundle, &workspace.Wish{Control: "CH-01", Plan: plan})
		require.NoError(w, err)
		attributes := []workspace.Attribute{{Letter: "A", Text: map[bool]string{true: hostile, false: unshared}[i == 0]}}
		require.NoError(w, eve.ChangeSample(w.Context(), q3.Name, id, &workspace.SampleChange{Version: 1, Attributes: &attributes, Share: &share}))
		require.NoError(w, eve.Test(w.Context(), q3.Name, id, "d2", &workspace.TestChange{
			Result: workspace.Exception, Attributes: map[string]workspace.Result{"A": workspace.NoException}, Note: attributes[0].Text,
		}))
	}
}
