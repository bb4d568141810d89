package explain_test

import (
	"bytes"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/output"
)

func explained(w *asktest.World, id, item string, asOf compliance.Instant) *explain.Explained {
	w.Helper()
	types, err := dictionary.Default()
	require.NoError(w, err)
	e, err := explain.Make(w.Context(), w.Conn, w.Bundle, types, explain.Subject{Tenant: w.Tenant, Control: id, Item: item, AsOf: asOf})
	require.NoError(w, err)
	return e
}

func TestExplainADeviation(t *testing.T) {
	w := asktest.New(t)
	events := w.Event(
		asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"),
		asktest.Approval("own", "C-1", "alice", "2026-07-10T11:00:00Z"),
		asktest.Approval("late", "C-1", "bob", "2026-07-10T13:00:00Z"),
		asktest.Approval("elsewhere", "C-2", "bob", "2026-07-10T11:00:00Z"),
		asktest.Deployment("d2", "C-2", "2026-07-10T12:00:00Z"),
	)
	w.Judge("CH-01", asktest.At("2026-07-11"), events)

	e := explained(w, "CH-01", "d1", 0)
	require.Equal(t, compliance.Deviation, e.Verdict.Outcome)
	require.Equal(t, "no_approval", e.Verdict.Reason)
	require.True(t, e.Again.Equal, e.Again.Differences)
	require.Equal(t, asktest.At("2026-07-11"), e.Again.Watermark)
	require.Equal(t, []explain.Expectation{{
		Name: "approval", State: "missing", Interval: "[2026-06-26T12:00:00Z, 2026-07-10T12:00:00Z]",
		From: asktest.At("2026-06-26T12:00:00Z"), To: asktest.At("2026-07-10T12:00:00Z"), Folds: map[string]any{},
	}}, e.Again.Parts[0].Expectations)
	require.Len(t, e.Evidence, 1)
	require.True(t, e.Evidence[0].OnRecord && e.Evidence[0].Intact)
	require.JSONEq(t, `{"deploy_id":"d1","change_id":"C-1","commit":"c1","author":"alice","component":"api","environment":"production"}`, string(e.Evidence[0].Data))

	passed := explained(w, "CH-01", "d2", 0)
	require.True(t, passed.Again.Equal, passed.Again.Differences)
	require.Equal(t, "found", passed.Again.Parts[0].Expectations[0].State)
	require.Equal(t, "elsewhere", passed.Again.Parts[0].Expectations[0].Found[0].ID)

	var text bytes.Buffer
	e.Rule.ReadWords(asktest.Library(), w.Bundle.Control("CH-01").File)
	require.NoError(t, e.WriteTable(output.Writer{Out: &text}))
	for _, line := range []string{
		"CH-01 of d1: deviation (no_approval)\n", "Every deployment is approved.\n",
		"expects     approval: change.approved in [-14d, 0s] where event.approver != item.author\n",
		"The verdict made again is the stored one: deviation (no_approval).\n", "same bytes",
	} {
		require.Contains(t, text.String(), line)
	}
}

func TestExplainSaysWhatIsOpen(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/pager", "2026-07-01", "2026-07-10T12:00:00Z", time.Hour)
	opened := compliance.Event{Source: "/pager", ID: "o", Type: "incident.opened", Time: asktest.At("2026-07-10T12:00:00Z"), Data: map[string]any{
		"incident_id": "I-1", "severity": "sev1", "service": "api",
	}}
	events := w.Event(opened)
	w.Judge("IN-01", asktest.At("2026-07-10T12:05:00Z"), events)
	e := explained(w, "IN-01", "I-1", 0)
	require.Equal(t, compliance.Pending, e.Verdict.Outcome)
	require.True(t, e.Again.Equal, e.Again.Differences)
	require.Equal(t, "open until 2026-07-10T12:15:00Z", e.Again.Parts[0].Expectations[0].Why)

	// Later on the same record: nobody has heard of the source since.
	e = explained(w, "IN-01", "I-1", asktest.At("2026-07-10T13:00:00Z"))
	require.Equal(t, "its end has passed; the next sign of life of its sources, or a number that they skipped, is not in yet", e.Again.Parts[0].Expectations[0].Why)
	e = explained(w, "IN-01", "I-1", asktest.At("2026-07-10T16:00:00Z"))
	require.Equal(t, compliance.Inconclusive, e.Again.Outcome)
	require.Equal(t, "a source was silent in this interval, or numbers of its events are missing", e.Again.Parts[0].Expectations[0].Why)
	require.Equal(t, []string{"outcome: stored pending, made again inconclusive", "reason: stored awaiting_evidence, made again source_silent"}, e.Again.Differences)
}

func TestExplainASlotAndASingleEvent(t *testing.T) {
	w := asktest.New(t)
	w.Beats("/idp", "2026-07-01", "2026-08-20", time.Hour)
	events := w.Event(
		compliance.Event{Source: "/idp", ID: "r", Type: "access.reviewed", Time: asktest.At("2026-07-20"), Data: map[string]any{
			"system": "console", "month": "2026-07", "scope": "admin", "reviewer": "carol",
		}},
		compliance.Event{Source: "/idp", ID: "login", Type: "access.login", Time: asktest.At("2026-07-20"), Data: map[string]any{
			"user_id": "u", "system": "console", "mfa": false,
		}},
	)
	w.Judge("AC-04", asktest.At("2026-08-10"), events)
	w.Judge("AC-01", asktest.At("2026-08-10"), events)
	slot := explained(w, "AC-04", "console@2026-07", 0)
	require.True(t, slot.Again.Equal, slot.Again.Differences)
	require.Equal(t, compliance.Pass, slot.Again.Outcome)
	require.Equal(t, "[2026-07-01T00:00:00Z, 2026-08-06T00:00:00Z)", slot.Again.Parts[0].Expectations[0].Interval)
	login := explained(w, "AC-01", "login", 0)
	require.True(t, login.Again.Equal, login.Again.Differences)
	require.Equal(t, "no_mfa", login.Again.Reason)
	require.Empty(t, login.Again.Parts[0].Expectations)
}

// What was stored isn't believed: events that changed, went or were never used show.
func TestExplainDoubtsTheRecord(t *testing.T) {
	w := asktest.New(t)
	events := w.Event(
		asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"), asktest.Approval("ok", "C-1", "bob", "2026-07-10T11:00:00Z"),
		asktest.Deployment("d2", "C-2", "2026-07-10T12:00:00Z"), asktest.Approval("too late", "C-2", "bob", "2026-07-10T11:00:00Z"),
	)
	w.Judge("CH-01", asktest.At("2026-07-11"), events[:3])
	late := events[3]
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO quarantined (tenant, control, time, source, id, event_topic, event_partition, event_offset)
		VALUES ('default', 'CH-01', $1, '/vcs', 'too late', $2, $3, $4)`, late.Time.Time(), late.Ref.Topic, late.Ref.Partition, late.Ref.Offset))
	e := explained(w, "CH-01", "d2", 0)
	require.True(t, e.Again.Equal, e.Again.Differences)

	require.NoError(t, w.Conn.Exec(t.Context(), `ALTER TABLE events UPDATE data = replaceAll(data, 'bob', 'alice') WHERE id = 'ok' SETTINGS mutations_sync = 2`))
	e = explained(w, "CH-01", "d1", 0)
	require.False(t, e.Again.Equal)
	require.Equal(t, compliance.Deviation, e.Again.Outcome)
	require.True(t, e.Evidence[1].OnRecord)
	require.False(t, e.Evidence[1].Intact)
	require.NoError(t, w.Conn.Exec(t.Context(), `ALTER TABLE events DELETE WHERE id = 'ok' SETTINGS mutations_sync = 2`))
	e = explained(w, "CH-01", "d1", 0)
	require.False(t, e.Evidence[1].OnRecord)
}

func TestExplainRefuses(t *testing.T) {
	w := asktest.New(t)
	w.Say(asktest.Said{Tenant: "other", Control: "AC-01", Item: "theirs", At: "2026-07-02", Outcome: compliance.Pass})
	types, err := dictionary.Default()
	require.NoError(t, err)
	for _, s := range []explain.Subject{
		{Tenant: "default", Control: "AC-01", Item: "theirs"}, {Tenant: "default", Control: "ZZ-01", Item: "theirs"},
	} {
		_, err := explain.Make(t.Context(), w.Conn, w.Bundle, types, s)
		require.Equal(t, compliance.NotFound, compliance.CodeOf(err), "%v", err)
	}
}

// The explanation is by the oracle's own code, for the product's library too: each
// item of a control with parts.
func TestExplainParts(t *testing.T) {
	w := asktest.New(t)
	w.Bundle = libraryBundle(t)
	grant := func(n, when, kind string) compliance.Event {
		data := map[string]any{"subject": "p", "entitlement_id": n, "system": "vcs"}
		if kind == "access.granted" {
			data["grant_id"], data["entitlement"], data["scopes"] = "g"+n, "e", []any{"read"}
		}
		return compliance.Event{Source: "/idp", ID: kind + n, Type: kind, Time: asktest.At(when), Data: data}
	}
	w.Beats("/idp", "2026-07-01", "2026-09-20", time.Hour)
	events := w.Event(
		grant("1", "2026-05-01", "access.granted"), grant("2", "2026-05-02", "access.granted"), grant("3", "2026-05-03", "access.granted"),
		grant("3", "2026-06-03", "access.revoked"),
		compliance.Event{Source: "/idp", ID: "t", Type: "person.terminated", Time: asktest.At("2026-08-01"), Data: map[string]any{"person_id": "p", "kind": "employee"}},
		grant("1", "2026-08-01T05:00:00Z", "access.revoked"), grant("2", "2026-08-05", "access.revoked"),
	)
	w.Judge("AC-03", asktest.At("2026-09-15"), events)
	e := explained(w, "AC-03", "p", 0)
	require.True(t, e.Again.Equal, e.Again.Differences)
	require.Equal(t, compliance.Deviation, e.Verdict.Outcome)
	require.Equal(t, asktest.At("2026-08-05"), e.Verdict.RemediatedAt)
	require.Len(t, e.Again.Parts, 2)
	require.Equal(t, []string{"1", "2"}, []string{e.Again.Parts[0].Part, e.Again.Parts[1].Part})
	require.Equal(t, compliance.Pass, e.Again.Parts[0].Outcome)
	require.Equal(t, "access.revoked2", e.Again.Parts[1].Expectations[0].Remedy.ID)
}

func libraryBundle(t *testing.T) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(controls.FS, types)
	require.NoError(t, err)
	return b
}

// TestExplainStages: an item that hangs on verdicts of others, or on evidence at several
// keys, is made again from all events that may decide it.
func TestExplainStages(t *testing.T) {
	w := asktest.New(t)
	types, err := dictionary.Default()
	require.NoError(t, err)
	w.Bundle, err = control.Load(fstest.MapFS{
		control.BoundaryFile: {Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")},
		"TT-01.yaml": {Data: []byte(`
id: TT-01
title: Approved
criteria: [CC8.1]
population: {event: deploy.completed, item: event.deploy_id}
expect: {approval: {event: change.approved, on: {event.change_id: item.change_id}, between: "[-14d, 0s]"}}
assert: approval.count >= 1
`)},
		"TT-02.yaml": {Data: []byte(`
id: TT-02
title: The component's deployments before were approved
criteria: [CC8.1]
population: {event: deploy.completed, item: event.deploy_id}
expect: {before: {verdicts: TT-01, on: {event.item.component: item.component}, between: "[-7d, 0s)"}}
assert: before.passed >= 1 && before.deviations == 0
`)},
		"TT-03.yaml": {Data: []byte(`
id: TT-03
title: Approved, and not alone
criteria: [CC8.1]
population: {event: deploy.completed, item: event.deploy_id}
expect:
  approval: {event: change.approved, on: {event.change_id: item.change_id}, between: "[-14d, 0s]"}
  other: {event: deploy.completed, on: {event.component: item.component}, between: "[-7d, 0s)"}
assert: approval.count >= 1 && other.count >= 1
`)},
	}, types)
	require.NoError(t, err)
	events := w.Event(
		asktest.Approval("a1", "C-1", "bob", "2026-07-09T12:00:00Z"),
		asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"),
		asktest.Approval("a2", "C-2", "bob", "2026-07-11T12:00:00Z"),
		asktest.Deployment("d2", "C-2", "2026-07-12T12:00:00Z"),
		asktest.Deployment("d3", "C-3", "2026-07-13T12:00:00Z"),
		asktest.Deployment("d4", "C-4", "2026-07-14T12:00:00Z"),
	)
	for _, id := range []string{"TT-01", "TT-02", "TT-03"} {
		w.Judge(id, asktest.At("2026-07-20"), events)
	}
	for item, want := range map[string]compliance.Outcome{
		"TT-02/d2": compliance.Pass, "TT-02/d4": compliance.Deviation, "TT-03/d2": compliance.Pass, "TT-03/d3": compliance.Deviation,
	} {
		id, of, _ := strings.Cut(item, "/")
		e := explained(w, id, of, 0)
		require.Equal(t, want, e.Verdict.Outcome, item)
		require.True(t, e.Again.Equal, "%s: %v", item, e.Again.Differences)
		for _, x := range e.Evidence {
			require.True(t, x.OnRecord && x.Intact, "%s: %v", item, x)
		}
	}
	e := explained(w, "TT-02", "d2", 0)
	require.Equal(t, "d1", e.Again.Parts[0].Expectations[0].Found[0].ID, "the verdict that decided")
}

// TestConflictsAndWhatCameLate: both are told beside a verdict made again.
func TestConflictsAndWhatCameLate(t *testing.T) {
	w := asktest.New(t)
	events := w.Event(
		asktest.Deployment("d1", "C-1", "2026-07-10T12:00:00Z"),
		asktest.Approval("a", "C-1", "bob", "2026-07-10T11:00:00Z"),
		asktest.Approval("a", "C-1", "alice", "2026-07-10T11:00:00Z"),
	)
	late := w.Event(asktest.Approval("late", "C-1", "bob", "2026-07-10T11:00:00Z"))[0]
	require.NoError(t, w.Conn.Exec(t.Context(), `INSERT INTO quarantined (tenant, control, time, source, id, event_topic, event_partition, event_offset)
		VALUES ('default', 'CH-01', '2026-07-10 11:00:00', '/vcs', 'late', ?, 0, ?)`, late.Ref.Topic, late.Ref.Offset))
	w.Judge("CH-01", asktest.At("2026-07-11"), events)
	e := explained(w, "CH-01", "d1", 0)
	require.Equal(t, compliance.Inconclusive, e.Verdict.Outcome)
	require.Equal(t, compliance.ReasonConflictingEvidence, e.Verdict.Reason)
	require.True(t, e.Again.Equal, e.Again.Differences)
	require.Equal(t, 1, e.Again.Late)
	require.Equal(t, 1, e.Again.Conflicting)
	looked := e.Again.Parts[0].Expectations[0]
	require.Equal(t, "unknown", looked.State)
	require.Equal(t, "an event came with bodies that disagree on whether it belongs", looked.Why)
}
