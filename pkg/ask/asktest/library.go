package asktest

import (
	"maps"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// Library are the controls of the tests: by event, by calendar, and with sources that can't
// prove anything.
func Library() fstest.MapFS {
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

// Bundle is the library, compiled.
func Bundle(t testing.TB) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(Library(), types)
	require.NoError(t, err)
	return b
}

// Deployment is an item of CH-01.
func Deployment(id, change, when string) compliance.Event {
	return compliance.Event{Source: "/cd", ID: "ev-" + id, Type: "deploy.completed", Time: At(when), Data: map[string]any{
		"deploy_id": id, "change_id": change, "commit": "c1", "author": "alice", "component": "api", "environment": "production",
	}}
}

// Approval is the evidence that CH-01 looks for.
func Approval(id, change, approver, when string) compliance.Event {
	return compliance.Event{Source: "/vcs", ID: id, Type: "change.approved", Time: At(when), Data: map[string]any{
		"change_id": change, "commit": "c1", "approver": approver,
	}}
}

// Waiver waives what CH-01 says, unless it is changed.
func Waiver(id, when string, change map[string]any) compliance.Event {
	data := map[string]any{
		"waiver_id": id, "control": "CH-01", "scope": map[string]any{"all": true}, "requester": "ann", "approver": "bob",
		"reason": "The old system reviews it.", "until": "2026-08-01T00:00:00Z",
	}
	maps.Copy(data, change)
	return compliance.Event{Source: "/grc", ID: "ev-" + id, Type: "waiver.approved", Time: At(when), Data: data}
}

// Login is an item of AC-01.
func Login(id, when string) compliance.Event {
	return compliance.Event{Source: "/idp", ID: id, Type: "access.login", Time: At(when), Data: map[string]any{"user_id": "u", "system": "s", "mfa": true}}
}
