package explain_test

import (
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/compliance"
)

// TestBecause: in words why an outcome is what it is, which interval is open until
// when, and what may still change it.
func TestBecause(t *testing.T) {
	b := libraryBundle(t)
	noon := asktest.At("2026-07-20T12:00:00Z")
	event := func(id, source, kind string, after time.Duration, data map[string]any) *compliance.Event {
		return &compliance.Event{Tenant: "default", Source: source, ID: id, Type: kind, Time: noon.Add(after), Received: noon.Add(after), Data: data}
	}
	opened := event("open", "/pager", "incident.opened", 0, map[string]any{"incident_id": "i-1", "severity": "sev1", "service": "assist"})
	ack := func(after time.Duration) *compliance.Event {
		return event("ack", "/pager", "incident.acknowledged", after, map[string]any{"incident_id": "i-1", "responder": "bob", "responder_kind": "human"})
	}
	beat := event("beat", "/pager", "source.heartbeat", -time.Hour, nil)
	const wanted = "incident.acknowledged with its incident_id for which `event.responder_kind == \"human\"`"
	for _, c := range []struct {
		name    string
		events  []*compliance.Event
		after   time.Duration
		outcome compliance.Outcome
		want    explain.Because
	}{
		{"waiting", []*compliance.Event{opened}, 5 * time.Minute, compliance.Pending, explain.Because{
			Why: []string{
				"`ack.count >= 1` can't be told yet.",
				"ack: nothing yet in [2026-07-20T12:00:00Z, 2026-07-20T12:15:00Z]; open until 2026-07-20T12:15:00Z.",
			},
			Change: []string{
				"ack: one " + wanted + " that happens until 2026-07-20T12:15:00Z may decide it; without one, that moment does.",
				"An event of its intervals that arrives 7d late at most, until 2026-07-27T12:15:00Z, counts: a new revision.",
				"It is provisional until 2026-07-20T13:15:00Z.",
			},
		}},
		{"in time", []*compliance.Event{opened, ack(5 * time.Minute)}, time.Hour, compliance.Pass, explain.Because{
			Why: []string{
				"`ack.count >= 1` is true.",
				"ack: found ack (incident.acknowledged) of 2026-07-20T12:05:00Z.",
			},
			Change: []string{
				"No further event: what it needs is there, and more of it takes nothing away.",
				"It is provisional until 2026-07-20T13:15:00Z.",
			},
		}},
		{"nobody", []*compliance.Event{opened}, 60 * 24 * time.Hour, compliance.Deviation, explain.Because{
			Why: []string{
				"`ack.count >= 1` is false.",
				"The reason is not_acknowledged, the first whose condition is true: `ack.count == 0`.",
				"ack: no " + wanted + " in [2026-07-20T12:00:00Z, 2026-07-20T12:15:00Z], which is over.",
			},
			Change: []string{
				"No event of its intervals any more: it could arrive 7d late, until 2026-07-27T12:15:00Z at the latest. A later one is quarantined, and only a replay uses it.",
				"ack: one that happens until 2026-08-19T12:00:00Z is noted as its remedy. It stays a deviation.",
			},
		}},
		{"silent", []*compliance.Event{beat, opened}, 4 * time.Hour, compliance.Inconclusive, explain.Because{
			Why: []string{
				"A source was silent where evidence has to lie, so nobody can tell what it would have said.",
				"ack: can't be told: a source was silent in this interval, or numbers of its events are missing.",
			},
			Change: []string{
				"An event of its intervals that arrives 7d late at most, until 2026-07-27T12:15:00Z, may correct it: a new revision.",
			},
		}},
	} {
		got, outcome := explain.BecauseOf(b, "IN-01", "i-1", c.events, noon.Add(c.after))
		require.Equal(t, c.outcome, outcome, c.name)
		require.Equal(t, c.want, got, c.name)
	}
}

// TestBecauseAPassMayGo: where something may undo what was found, a late event may take
// a pass away, and the words say so.
func TestBecauseAPassMayGo(t *testing.T) {
	b := libraryBundle(t)
	noon := asktest.At("2026-07-20T12:00:00Z")
	var events []*compliance.Event
	for _, e := range []struct {
		id, source, kind string
		after            time.Duration
		more             map[string]any
	}{
		{"push", "/vcs", "change.pushed", -2 * time.Hour, nil},
		{"ok", "/vcs", "change.approved", -time.Hour, map[string]any{"approver": "bob"}},
		{"deploy", "/cd", "deploy.completed", 0, map[string]any{"deploy_id": "d-1", "component": "api", "environment": "production"}},
	} {
		data := map[string]any{"change_id": "c-1", "commit": "abc", "author": "alice"}
		maps.Copy(data, e.more)
		events = append(events, &compliance.Event{Tenant: "default", Source: e.source, ID: e.id, Type: e.kind, Time: noon.Add(e.after), Data: data})
	}
	got, outcome := explain.BecauseOf(b, "CH-01", "d-1", events, noon.Add(time.Hour))
	require.Equal(t, compliance.Pass, outcome)
	require.Equal(t, []string{
		"`approval.count >= 1` is true.",
		"push: found push (change.pushed) of 2026-07-20T10:00:00Z.",
		"approval: found ok (change.approved) of 2026-07-20T11:00:00Z.",
	}, got.Why)
	require.Equal(t, "An event of its intervals that arrives 7d late at most, until 2026-07-27T12:00:00Z, may take the pass away: a new revision.", got.Change[0])
}

// TestBecauseOfParts: of many parts, those that have the item's outcome are spoken of.
func TestBecauseOfParts(t *testing.T) {
	b := libraryBundle(t)
	noon := asktest.At("2026-07-20T12:00:00Z")
	var events []*compliance.Event
	add := func(id, kind string, after time.Duration, data map[string]any) {
		events = append(events, &compliance.Event{Tenant: "default", Source: "/idp", ID: id, Type: kind, Time: noon.Add(after), Data: data})
	}
	for _, e := range []string{"e-1", "e-2"} {
		add("grant-"+e, "access.granted", -time.Hour, map[string]any{"grant_id": e, "subject": "ann", "entitlement_id": e, "entitlement": "x", "system": "console", "scopes": []any{"all"}})
	}
	add("left", "person.terminated", 0, map[string]any{"person_id": "ann"})
	add("gone", "access.revoked", time.Hour, map[string]any{"subject": "ann", "entitlement_id": "e-1", "system": "console"})
	got, outcome := explain.BecauseOf(b, "AC-03", "ann", events, noon.Add(48*time.Hour))
	require.Equal(t, compliance.Deviation, outcome)
	require.Len(t, got.Why, 3)
	require.Contains(t, got.Why[2], "gone of e-2: no access.revoked whose subject is its person_id for which ")
}
