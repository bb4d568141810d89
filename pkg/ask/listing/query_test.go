package listing_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

func all(f listing.Filter) listing.Filter {
	from, to := ask.Always()
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
	w := asktest.New(t)
	w.Beats("/idp", "2026-07-01", "2026-07-01T02:00:00Z", time.Hour)
	first := asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z")
	w.Event(first, asktest.Approval("a", "C-1", "bob", "2026-07-10T12:00:00Z"), first)
	w.As(t, "other").Event(asktest.Deployment("theirs", "C-1", "2026-07-10T12:00:00Z"))

	ids := func(f listing.Filter) (ids []string) {
		t.Helper()
		events, err := listing.Events(t.Context(), w.Asker(), all(f))
		require.NoError(t, err)
		for _, e := range events.Rows {
			ids = append(ids, e.ID)
		}
		return ids
	}
	require.Equal(t, []string{"ev-d1", "ev-d1", "a"}, ids(listing.Filter{From: asktest.At("2026-07-02")}), "by time, source, id, and place")
	require.Equal(t, []string{"ev-d1"}, ids(listing.Filter{From: asktest.At("2026-07-02"), Limit: 1}))
	require.Len(t, ids(listing.Filter{To: asktest.At("2026-07-01T02:00:00Z")}), 2, "half-open")
	require.Equal(t, []string{"a"}, ids(listing.Filter{Type: "change.approved"}))
	require.Equal(t, []string{"a"}, ids(listing.Filter{Type: "change.*"}))
	require.Len(t, ids(listing.Filter{Type: "*"}), 6)
	require.Equal(t, []string{"a"}, ids(listing.Filter{Source: "/vcs"}))
	require.Equal(t, []string{"a"}, ids(listing.Filter{ID: "a"}))
	for _, hostile := range []string{"' OR 1=1 --", "{tenant:String}", "\\", "a\x00", "%", "?", "$1"} {
		require.Empty(t, ids(listing.Filter{ID: hostile}), hostile)
		require.Empty(t, ids(listing.Filter{Source: hostile, Type: hostile}), hostile)
	}
	events, err := listing.Events(t.Context(), w.Asker(), all(listing.Filter{ID: "a"}))
	require.NoError(t, err)
	require.JSONEq(t, `{"change_id": "C-1", "commit": "c1", "approver": "bob"}`, string(events.Rows[0].Data))
	require.Equal(t, "assay.events.access", events.Rows[0].Topic)
}

func TestQueryVerdictsAndViolations(t *testing.T) {
	w := asktest.New(t)
	pending := asktest.Said{Control: "CH-01", Item: "d1", At: "2026-07-10", Outcome: compliance.Pending}
	decided := pending
	decided.Outcome, decided.Reason, decided.Revision, decided.Before = compliance.Deviation, "no_approval", 2, &pending
	w.Say(pending, decided, asktest.Said{Control: "AC-01", Item: "z", At: "2026-08-10", Outcome: compliance.Pass},
		asktest.Said{Tenant: "other", Control: "AC-01", Item: "y", At: "2026-08-10", Outcome: compliance.Pass})
	verdicts := func(f listing.Filter) []listing.Found {
		t.Helper()
		got, err := listing.Verdicts(t.Context(), w.Asker(), all(f))
		require.NoError(t, err)
		return got.Rows
	}
	require.Len(t, verdicts(listing.Filter{}), 2)
	require.Equal(t, "z", verdicts(listing.Filter{})[0].Item.ID)
	require.Equal(t, 2, verdicts(listing.Filter{Control: "CH-01"})[0].Revision, "the latest only")
	require.Len(t, verdicts(listing.Filter{Outcome: "deviation", Reason: "no_approval"}), 1)
	require.Empty(t, verdicts(listing.Filter{Outcome: "pending"}))
	require.Len(t, verdicts(listing.Filter{Item: "z", From: asktest.At("2026-08-10")}), 1)
	require.Empty(t, verdicts(listing.Filter{Item: "z", To: asktest.At("2026-08-10")}))

	for range 2 { // the publisher may repeat a record
		require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO violations (tenant, control, item_id, item_time, revision, id, change, outcome, value)
			VALUES ('default', 'CH-01', 'd1', '2026-07-10', 2, 'default/CH-01/d1#2', 'opened', 'deviation', '{"schema":"violation/v1"}'), ('other', 'CH-01', 'd1', '2026-07-10', 2, 'x', 'opened', 'deviation', '{}')`))
	}
	violations, err := listing.Violations(t.Context(), w.Asker(), all(listing.Filter{}))
	require.NoError(t, err)
	require.Len(t, violations.Rows, 1)
	require.JSONEq(t, `{"schema":"violation/v1"}`, string(violations.Rows[0].Record))
}

func TestQueryRejectedAndConflicts(t *testing.T) {
	w := asktest.New(t)
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO rejected (tenant, at, by, code, reason, source, id, type, sha256, size)
		SELECT tenant, toDateTime64('2026-07-10', 6, 'UTC'), 'collector', 'invalid_data', 'data/user_id is missing', '/idp', 'r', 'access.login', unhex(repeat('ab', 32)), 10
		FROM (SELECT arrayJoin(['default', 'other', '']) AS tenant)`))
	rejected, err := listing.Refused(t.Context(), w.Asker(), all(listing.Filter{Type: "access.*", Code: "invalid_data"}))
	require.NoError(t, err)
	require.Len(t, rejected.Rows, 1)
	require.Equal(t, strings.Repeat("ab", 32), rejected.Rows[0].SHA256)

	other := asktest.Approval("a", "C-1", "mallory", "2026-07-10T12:00:00Z")
	w.Event(asktest.Approval("a", "C-1", "bob", "2026-07-10T12:00:00Z"), other, other, asktest.Approval("b", "C-1", "bob", "2026-07-10T12:00:00Z"))
	w.As(t, "other").Event(asktest.Approval("b", "C-1", "carol", "2026-07-10T12:00:00Z"))
	conflicts, err := listing.Conflicts(t.Context(), w.Asker(), all(listing.Filter{}))
	require.NoError(t, err)
	require.Len(t, conflicts.Rows, 1)
	require.Equal(t, "a", conflicts.Rows[0].ID)
	require.Equal(t, int64(3), conflicts.Rows[0].Copies)
	require.Len(t, conflicts.Rows[0].Bodies, 2)
}
