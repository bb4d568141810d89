package workspace_test

import (
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
	"assay.example/assay/pkg/sampling"
	"assay.example/assay/pkg/workspace"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

// hostile is what nobody should read as anything but text.
const hostile = `=HYPERLINK("x") '; DROP TABLE events; -- <script>`

func at(text string) compliance.Instant {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return compliance.InstantOf(t)
}

// world is a ClickHouse of a test's own, with sixty items of one control in the third
// quarter.
type world struct {
	testing.TB
	conn   clickhouse.Conn
	config clickhouse.Config
	bundle *control.Bundle
	now    compliance.Instant
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, config := clickhousetest.Open(t)
	w := &world{TB: t, conn: conn, config: config, now: at("2026-10-20")}
	types, err := dictionary.Default()
	require.NoError(t, err)
	w.bundle, err = control.Load(fstest.MapFS{
		"boundary.yaml": &fstest.MapFile{Data: []byte("effective_from: 2026-01-01T00:00:00Z\n")},
		"CH-01.yaml": &fstest.MapFile{Data: []byte(`
id: CH-01
title: Deployments are approved
criteria: [CC8.1]
severity: high
population: {event: deploy.completed, item: event.deploy_id}
assert: item.environment == "staging"
`)},
	}, types)
	require.NoError(t, err)
	require.NoError(t, conn.Exec(t.Context(), said+` SELECT 'acme', 'CH-01', 'dep-' || leftPad(toString(number), 2, '0'), toDateTime64('2026-07-01', 6, 'UTC') + toIntervalDay(number),
		1, 'pass', '', 'r', 'b', '2026-10-01', '2026-10-01', '2026-10-01', '[]' FROM numbers(60)`))
	return w
}

const said = `INSERT INTO verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason,
	rule_hash, bundle, due, known_at, final_at, evidence)`

// say puts an item on record, known since a time.
func (w *world) say(item string, when, known compliance.Instant) {
	w.Helper()
	require.NoError(w, w.conn.Exec(w.Context(), said+` VALUES ('acme', 'CH-01', $1, $2, 1, 'pass', '', 'r', 'b', $3, $3, $3, '[]')`, item, when.Time(), known.Time()))
}

// desk is where somebody of a role writes.
func (w *world) desk(name, role string) *workspace.Desk {
	return &workspace.Desk{Conn: w.conn, Tenant: "acme", Person: person(name, role), Now: w.now}
}

func person(name, role string) workspace.Person {
	return workspace.Person{Name: name, Role: role, Auditor: role == "auditor"}
}

func (w *world) eve() *workspace.Desk { return w.desk("eve", "auditor") }

func (w *world) bob() *workspace.Desk { return w.desk("bob", "engineer") }

const soc2 = "soc2-2026"

// engaged opens the workspace of the third quarter.
func (w *world) engaged() *world {
	w.Helper()
	require.NoError(w, w.eve().Engage(w.Context(), workspace.Engagement{Name: soc2, From: at("2026-07-01"), To: at("2026-10-01")}))
	return w
}

// drawn draws a sample, and says what is tested of it.
func (w *world) drawn() *workspace.Sample {
	w.Helper()
	plan, err := sampling.Named("chiaro")
	require.NoError(w, err)
	id, err := w.eve().Draw(w.Context(), soc2, w.bundle, &workspace.Wish{Control: "CH-01", Plan: plan})
	require.NoError(w, err)
	attributes := []workspace.Attribute{{Letter: "A", Text: "Approved " + hostile}, {Letter: "B", Text: "By somebody else"}}
	require.NoError(w, w.eve().ChangeSample(w.Context(), soc2, id, &workspace.SampleChange{Version: 1, Attributes: &attributes}))
	return w.sample(id)
}

func (w *world) read() *workspace.Workspace {
	w.Helper()
	got, err := workspace.Read(w.Context(), w.conn, "acme", soc2)
	require.NoError(w, err)
	return got
}

func (w *world) sample(id string) *workspace.Sample {
	w.Helper()
	s, err := w.read().Sample(id)
	require.NoError(w, err)
	return s
}

func (w *world) request(id string) *workspace.Request {
	w.Helper()
	r, err := w.read().Request(id)
	require.NoError(w, err)
	return r
}

func code(err error) compliance.Code { return compliance.CodeOf(err) }
