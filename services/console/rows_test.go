package console_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/sampling"
	"assay.example/assay/pkg/workspace"
)

// topic is where the rows' events stand.
const topic = "assay.events.access"

// row is one row in each table; all speak of one event.
type row struct {
	tenant, mark, item string
	// day is a date, of which noon is meant, or a time.
	day    string
	offset int
}

// fill puts the world's rows in. The first one of each table is that of the OpenAPI
// examples.
func (w *world) fill() {
	w.Helper()
	var rows []row
	for _, tenant := range []string{"default", "other"} {
		for _, quarter := range []struct{ name, day string }{{"q3", "2026-08-15"}, {"q2", "2026-05-15"}} {
			mark := tenant + "-" + quarter.name
			rows = append(rows, row{tenant, mark, mark, quarter.day, len(rows) + 1})
		}
	}
	rows[0].item = "DEP-1"
	w.insert(rows...)
	w.exec("INSERT INTO events (tenant, type, source, id, time, received, topic, offset) VALUES ('default', 'deploy.completed', '/cd', 'declared-q2', '2026-05-15', '2026-05-15', ?, 50)", topic)
	for i, r := range rows { // each quarter's examination, which has the row's own name
		quarter := map[bool][2]string{true: {"2026-07-01", "2026-10-01"}, false: {"2026-04-01", "2026-07-01"}}[strings.HasSuffix(r.mark, "q3")]
		w.exec("INSERT INTO events (tenant, type, source, id, time, received, topic, offset, data) VALUES (?, 'period.opened', '/assay/periods', ?, '2026-03-01', '2026-03-01', 'periods', ?, ?)",
			r.tenant, "opened-"+r.mark, i, fmt.Sprintf(`{"period_id": %q, "from": "%sT00:00:00Z", "to": "%sT00:00:00Z", "opened_by": %q}`, r.mark, quarter[0], quarter[1], r.mark))
	}
	for _, r := range rows {
		w.examine(r)
	}
	w.exec("INSERT INTO coverage (topic, start_offset, end_offset, records, rows, last_offset, clock) VALUES (?, 0, 9, 9, 9, 9, '2026-10-31')", topic)
}

// examine opens a workspace, with a request and a sample that is shared.
func (w *world) examine(r row) {
	w.Helper()
	eve := &workspace.Desk{Conn: w.conn, Tenant: r.tenant, Person: workspace.Person{Name: "eve", Role: "auditor", Auditor: true}, Now: w.now()}
	e := workspace.Engagement{Name: "soc2-2026", From: day("2026-07-01"), To: day("2026-10-01")}
	if strings.HasSuffix(r.mark, "q2") {
		e = workspace.Engagement{Name: r.mark, From: day("2026-04-01"), To: day("2026-07-01")}
	}
	require.NoError(w, eve.Engage(w.Context(), e))
	_, err := eve.Ask(w.Context(), e.Name, workspace.Request{Title: r.mark, Control: "CH-01"})
	require.NoError(w, err)
	plan, err := sampling.Named("chiaro")
	require.NoError(w, err)
	id, err := eve.Draw(w.Context(), e.Name, w.bundle, &workspace.Wish{Control: "CH-01", Plan: plan})
	require.NoError(w, err)
	share := workspace.ShareTests
	require.NoError(w, eve.ChangeSample(w.Context(), e.Name, id, &workspace.SampleChange{Version: 1, Share: &share}))
}

func day(text string) compliance.Instant {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return compliance.InstantOf(t)
}

// now is the console's time.
func (w *world) now() compliance.Instant { return compliance.InstantOf(time.Unix(0, w.clock.Load())) }

func (w *world) exec(sql string, args ...any) {
	w.Helper()
	require.NoError(w, w.conn.Exec(w.Context(), sql, args...), sql)
}

func (r row) at() string {
	if len(r.day) == len(time.DateOnly) {
		return r.day + " 12:00:00"
	}
	return r.day
}

// insert puts rows into every table.
func (w *world) insert(rows ...row) {
	w.Helper()
	into := func(head, tuple string, values func(row) []any) {
		var args []any
		for _, r := range rows {
			args = append(args, values(r)...)
		}
		w.exec("INSERT INTO "+head+" VALUES "+strings.TrimSuffix(strings.Repeat(tuple+", ", len(rows)), ", "), args...)
	}
	into("verdict_revisions (tenant, control, item_id, item_time, revision, outcome, reason, rule_hash, bundle, due, known_at, final_at, evidence, offset)",
		"(?, 'CH-01', ?, ?, 1, 'deviation', 'assertion_failed', 'r', 'b', ?, ?, ?, ?, ?)",
		func(r row) []any {
			return []any{r.tenant, r.item, r.at(), r.at(), r.at(), r.at(), w.evidence(r), r.offset}
		})
	into("violations (tenant, control, item_id, item_time, revision, id, title, outcome, known_at, value)",
		"(?, 'CH-01', ?, ?, 1, ?, ?, 'deviation', ?, '{}')", func(r row) []any { return []any{r.tenant, r.item, r.at(), r.mark, r.mark, r.at()} })
	into("rejected (tenant, at, by, code, reason, source, id)",
		"(?, ?, 'collector', 'bad', ?, ?, ?)", func(r row) []any { return []any{r.tenant, r.at(), r.mark, "/" + r.mark, r.mark} })
	into("deliveries (tenant, target, at, id, message, control, items)",
		"(?, 'slack', ?, ?, ?, 'CH-01', [?])", func(r row) []any { return []any{r.tenant, r.at(), r.mark, r.mark, r.item} })
	for n, body := range []string{`{"deploy_id": %q, "environment": "production"}`, `{"deploy_id": %q, "environment": "staging", "twice": true}`} {
		into("events (tenant, family, type, source, id, time, received, key, data, size, sha256, topic, partition, offset, leaf_index, leaf)",
			"(?, 'deployment', 'deploy.completed', ?, ?, ?, ?, ?, ?, 1, unhex(?), ?, 0, ?, ?, unhex(?))", func(r row) []any {
				data, offset := fmt.Sprintf(body, r.item), r.offset+100*n
				sum := fmt.Sprintf("%x", sha256.Sum256([]byte(data)))
				return []any{r.tenant, "/" + r.mark, r.mark, r.at(), r.at(), r.item, data, sum, topic, offset, offset, sum}
			})
	}
}

// evidence is what a row's verdict rests on.
func (w *world) evidence(r row) string {
	w.Helper()
	text, err := json.Marshal([]compliance.Evidence{{
		Expectation: "item", Source: "/" + r.mark, ID: r.mark, Type: "deploy.completed", Topic: topic, Offset: int64(r.offset),
	}})
	require.NoError(w, err)
	return string(text)
}
