package report_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/report"
)

func all(f report.Filter) report.Filter {
	from, to := report.Always()
	if f.From == 0 {
		f.From = from
	}
	if f.To == 0 {
		f.To = to
	}
	if f.Limit == 0 {
		f.Limit = 100
	}
	return f
}

func TestQueryEvents(t *testing.T) {
	w := newWorld(t)
	w.beats("/idp", "2026-07-01", "2026-07-01T02:00:00Z", time.Hour)
	first := deployment("d1", "C-1", "2026-07-10T12:00:00Z")
	w.event(first, approval("a", "C-1", "bob", "2026-07-10T12:00:00Z"), first)
	w.as(t, "other").event(deployment("theirs", "C-1", "2026-07-10T12:00:00Z"))

	ids := func(f report.Filter) (ids []string) {
		t.Helper()
		events, err := report.Events(t.Context(), asker(w), all(f))
		require.NoError(t, err)
		for _, e := range events.Rows {
			ids = append(ids, e.ID)
		}
		return ids
	}
	require.Equal(t, []string{"ev-d1", "ev-d1", "a"}, ids(report.Filter{From: at("2026-07-02")}), "by time, source, id, and place")
	require.Equal(t, []string{"ev-d1"}, ids(report.Filter{From: at("2026-07-02"), Limit: 1}))
	require.Len(t, ids(report.Filter{To: at("2026-07-01T02:00:00Z")}), 2, "half-open")
	require.Equal(t, []string{"a"}, ids(report.Filter{Type: "change.approved"}))
	require.Equal(t, []string{"a"}, ids(report.Filter{Type: "change.*"}))
	require.Len(t, ids(report.Filter{Type: "*"}), 6)
	require.Equal(t, []string{"a"}, ids(report.Filter{Source: "/vcs"}))
	require.Equal(t, []string{"a"}, ids(report.Filter{ID: "a"}))
	for _, hostile := range []string{"' OR 1=1 --", "{tenant:String}", "\\", "a\x00", "%", "?", "$1"} {
		require.Empty(t, ids(report.Filter{ID: hostile}), hostile)
		require.Empty(t, ids(report.Filter{Source: hostile, Type: hostile}), hostile)
	}
	events, err := report.Events(t.Context(), asker(w), all(report.Filter{ID: "a"}))
	require.NoError(t, err)
	require.JSONEq(t, `{"change_id": "C-1", "commit": "c1", "approver": "bob"}`, string(events.Rows[0].Data))
	require.Equal(t, "assay.events.access", events.Rows[0].Topic)
}

func TestQueryVerdictsAndViolations(t *testing.T) {
	w := newWorld(t)
	pending := said{control: "CH-01", item: "d1", at: "2026-07-10", outcome: compliance.Pending}
	decided := pending
	decided.outcome, decided.reason, decided.revision, decided.before = compliance.Deviation, "no_approval", 2, &pending
	w.say(pending, decided, said{control: "AC-01", item: "z", at: "2026-08-10", outcome: compliance.Pass},
		said{tenant: "other", control: "AC-01", item: "y", at: "2026-08-10", outcome: compliance.Pass})
	verdicts := func(f report.Filter) []report.Found {
		t.Helper()
		got, err := report.Verdicts(t.Context(), asker(w), all(f))
		require.NoError(t, err)
		return got.Rows
	}
	require.Len(t, verdicts(report.Filter{}), 2)
	require.Equal(t, "z", verdicts(report.Filter{})[0].Item.ID)
	require.Equal(t, 2, verdicts(report.Filter{Control: "CH-01"})[0].Revision, "the latest only")
	require.Len(t, verdicts(report.Filter{Outcome: "deviation", Reason: "no_approval"}), 1)
	require.Empty(t, verdicts(report.Filter{Outcome: "pending"}))
	require.Len(t, verdicts(report.Filter{Item: "z", From: at("2026-08-10")}), 1)
	require.Empty(t, verdicts(report.Filter{Item: "z", To: at("2026-08-10")}))

	for range 2 { // the publisher may repeat a record
		require.NoError(t, w.conn.Exec(t.Context(), `INSERT INTO violations (tenant, control, item_id, item_time, revision, id, change, outcome, value)
			VALUES ('default', 'CH-01', 'd1', '2026-07-10', 2, 'default/CH-01/d1#2', 'opened', 'deviation', '{"schema":"violation/v1"}'), ('other', 'CH-01', 'd1', '2026-07-10', 2, 'x', 'opened', 'deviation', '{}')`))
	}
	violations, err := report.Violations(t.Context(), asker(w), all(report.Filter{}))
	require.NoError(t, err)
	require.Len(t, violations.Rows, 1)
	require.JSONEq(t, `{"schema":"violation/v1"}`, string(violations.Rows[0].Record))
}

func TestQueryRejectedAndConflicts(t *testing.T) {
	w := newWorld(t)
	require.NoError(t, w.conn.Exec(t.Context(), `INSERT INTO rejected (tenant, at, by, code, reason, source, id, type, sha256, size)
		SELECT tenant, toDateTime64('2026-07-10', 6, 'UTC'), 'collector', 'invalid_data', 'data/user_id is missing', '/idp', 'r', 'access.login', unhex(repeat('ab', 32)), 10
		FROM (SELECT arrayJoin(['default', 'other', '']) AS tenant)`))
	rejected, err := report.Refused(t.Context(), asker(w), all(report.Filter{Type: "access.*", Code: "invalid_data"}))
	require.NoError(t, err)
	require.Len(t, rejected.Rows, 1)
	require.Equal(t, strings.Repeat("ab", 32), rejected.Rows[0].SHA256)

	other := approval("a", "C-1", "mallory", "2026-07-10T12:00:00Z")
	w.event(approval("a", "C-1", "bob", "2026-07-10T12:00:00Z"), other, other, approval("b", "C-1", "bob", "2026-07-10T12:00:00Z"))
	w.as(t, "other").event(approval("b", "C-1", "carol", "2026-07-10T12:00:00Z"))
	conflicts, err := report.Conflicts(t.Context(), asker(w), all(report.Filter{}))
	require.NoError(t, err)
	require.Len(t, conflicts.Rows, 1)
	require.Equal(t, "a", conflicts.Rows[0].ID)
	require.Equal(t, int64(3), conflicts.Rows[0].Copies)
	require.Len(t, conflicts.Rows[0].Bodies, 2)
}
