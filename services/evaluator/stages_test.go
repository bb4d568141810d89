package evaluator_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
)

// A control that reads the verdicts of another at another key, and one that joins by
// two fields.
const (
	services = `
id: IN-02
title: A service restarts only where its incidents were acknowledged
criteria: [CC7.4]
severity: high
EFFECTIVE
population: {event: incident.resolved, item: event.incident_id}
expect:
  of: {verdicts: IN-01, on: {event.item.incident_id: item.incident_id}, between: "[-1h, 0s]"}
assert: of.passed >= 1 && of.deviations == 0
`
	twoKeys = `
id: IN-03
title: An incident is resolved, and somebody signs in
criteria: [CC7.4]
severity: high
population: {event: incident.opened, item: event.incident_id}
expect:
  done: {event: incident.resolved, on: {event.incident_id: item.incident_id}, between: "[0s, 1h]"}
  login: {event: access.login, on: {event.system: item.service}, between: "[-1h, 1h]"}
assert: done.count >= 1 && login.count >= 1
`
)

// incident opens one, has it acknowledged or not, and resolved half an hour later.
func (s *site) incident(n int, at compliance.Instant) {
	s.t.Helper()
	id := fmt.Sprintf("inc-%d", n)
	tell := func(kind string, after time.Duration, data string) {
		s.event(compliance.Incident, "incident."+kind, kind+id, id, at.Add(after), fmt.Sprintf(`{"incident_id": %q, `, id)+data+"}")
	}
	tell("opened", 0, `"severity": "sev1", "service": "console"`)
	if n%2 == 0 {
		tell("acknowledged", 5*time.Minute, `"responder": "bob", "responder_kind": "human"`)
	}
	tell("resolved", 30*time.Minute, `"resolver": "bob"`)
}

// said waits until what is said last of some items is that.
func (s *site) said(want map[string]compliance.Outcome) {
	s.t.Helper()
	var got map[string]compliance.Outcome
	require.Eventually(s.t, func() bool {
		got = s.outcomes()
		maps.DeleteFunc(got, func(item string, _ compliance.Outcome) bool { return want[item] == "" })
		return maps.Equal(want, got)
	}, 20*time.Second, 50*time.Millisecond, "%v", &got)
}

// TestStages: controls that read what others say are judged over restarts, and from the
// events anew, and say the same.
func TestStages(t *testing.T) {
	s, at := newSite(t), start(t)
	b := changed(t, map[string]string{"IN-02.yaml": strings.ReplaceAll(services, "EFFECTIVE\n", ""), "IN-03.yaml": twoKeys})
	require.Equal(t, 2, b.Stages())
	e := s.startWith(fast(), b)
	s.incident(0, at)
	s.incident(1, at)
	s.clock(at.Add(40 * time.Minute))
	first := map[string]compliance.Outcome{"IN-02/inc-0": "pass", "IN-02/inc-1": "deviation", "IN-03/inc-0": "pending", "IN-03/inc-1": "pending"}
	s.said(first)
	e.cancel()
	require.NoError(t, <-e.done)

	e = s.startWith(fast(), b)
	s.tellOfLogins(1, 1, at.Add(45*time.Minute))
	s.incident(2, at.Add(50*time.Minute))
	s.clock(at.Add(5 * time.Hour))
	last := map[string]compliance.Outcome{
		"IN-02/inc-0": "pass", "IN-02/inc-1": "deviation", "IN-02/inc-2": "pass",
		"IN-03/inc-0": "pass", "IN-03/inc-1": "pass", "IN-03/inc-2": "pass",
	}
	s.said(last)
	require.Len(t, s.violations(3), 3, "of AC-01, IN-01 and IN-02")
	e.cancel()
	require.NoError(t, <-e.done)
	require.NotContains(t, e.text(), `"level":"error"`)

	s.forget()
	e = s.startWith(fast(), b)
	s.said(last)
	e.cancel()
	require.NoError(t, <-e.done)
}

// TestStagesBegin: a control that reads what others say comes into force while all runs,
// where there was none before.
func TestStagesBegin(t *testing.T) {
	s, at := newSite(t), start(t)
	e := s.startWith(fast(), changed(t, nil))
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	s.incident(0, at)
	s.clock(at.Add(90 * time.Minute))
	s.said(map[string]compliance.Outcome{"IN-01/inc-0": "pass"})
	s.propose("p1", changed(t, map[string]string{"IN-02.yaml": strings.ReplaceAll(services, "EFFECTIVE\n", "")}), false)
	require.Contains(t, s.answer("p1", "refused").Reason, "IN-02")
	s.propose("p2", changed(t, map[string]string{"IN-02.yaml": strings.ReplaceAll(services, "EFFECTIVE", "effective_from: 2026-08-03T12:00:00Z")}), false)
	s.answer("p2", "activated")
	s.clock(at.Add(4 * time.Hour))
	s.incident(1, at.Add(4*time.Hour))
	s.incident(2, at.Add(4*time.Hour))
	s.clock(at.Add(6 * time.Hour))
	last := map[string]compliance.Outcome{"IN-01/inc-1": "deviation", "IN-02/inc-1": "deviation", "IN-01/inc-2": "pass", "IN-02/inc-2": "pass"}
	s.said(last)
	e.cancel()
	require.NoError(t, <-e.done)
	require.NotContains(t, e.text(), `"level":"error"`)

	s.forget()
	e = s.startWith(fast(), changed(t, nil)) // with the rules of before
	s.said(last)
	e.cancel()
	require.NoError(t, <-e.done)
}

// TestStagesHearOfSilence: a stage that begins while all runs knows of a source that fell
// silent before, and never shows that as a pass.
func TestStagesHearOfSilence(t *testing.T) {
	s, at := newSite(t), start(t)
	heard := boundary + "sources: {/test: {types: [incident.opened, incident.acknowledged], max_gap: 30m}}\n"
	files := map[string]string{control.BoundaryFile: heard}
	e := s.startWith(fast(), changed(t, files))
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	for i := range 3 {
		s.event(compliance.Assurance, control.Heartbeat, fmt.Sprintf("h%d", i), "/test", at.Add(time.Duration(10*i)*time.Minute), `{}`)
	}
	s.incident(0, at)
	s.clock(at.Add(90 * time.Minute))
	s.said(map[string]compliance.Outcome{"IN-01/inc-0": "pass"})
	files["IN-02.yaml"] = strings.ReplaceAll(services, "EFFECTIVE", "effective_from: 2026-08-03T12:00:00Z")
	s.propose("p1", changed(t, files), false)
	s.answer("p1", "activated")
	s.clock(at.Add(4 * time.Hour))
	s.incident(2, at.Add(4*time.Hour))
	s.clock(at.Add(6 * time.Hour))
	s.said(map[string]compliance.Outcome{"IN-01/inc-2": "pass", "IN-02/inc-2": "inconclusive"})
	e.cancel()
	require.NoError(t, <-e.done)
	require.NotContains(t, e.text(), `"level":"error"`)
}

// TestASecondPersonRestatesAStage: of a control that reads what others say, too.
func TestASecondPersonRestatesAStage(t *testing.T) {
	s, at := newSite(t), start(t)
	soon := strings.ReplaceAll(services, "EFFECTIVE", "lateness: {correct_until: 1h}")
	before := changed(t, map[string]string{"IN-02.yaml": soon})
	after := changed(t, map[string]string{"IN-02.yaml": strings.ReplaceAll(soon, "of.passed >= 1 && of.deviations == 0", "of.passed >= 0 && of.deviations >= 1")})
	e := s.startWith(fast(), before)
	s.incident(0, at)
	s.incident(1, at)
	later := at.Add(20 * 24 * time.Hour)
	s.clock(later)
	s.incident(2, later)
	s.incident(3, later)
	s.clock(later.Add(50 * time.Minute))
	s.said(map[string]compliance.Outcome{"IN-02/inc-0": "pass", "IN-02/inc-1": "deviation", "IN-02/inc-2": "pass", "IN-02/inc-3": "deviation"})

	files, err := after.Pack()
	require.NoError(t, err)
	replayed := func(item string, o compliance.Outcome) record.Restated {
		return record.Restated{Tenant: "default", Control: "IN-02", Verdict: compliance.Verdict{
			Item: compliance.Item{ID: item, Time: at.Add(30 * time.Minute)}, Outcome: o, Reason: "by_replay", Due: at.Add(30 * time.Minute),
		}}
	}
	s.say(record.Control{Kind: "proposed", Proposal: "p1", Bundle: after.Hash, Files: files, By: "ann", Restates: true, Restated: []record.Restated{
		replayed("inc-0", compliance.Deviation), replayed("inc-1", compliance.Pass),
	}})
	s.say(record.Control{Kind: "approved", Proposal: "p1", By: "bob"})
	s.answer("p1", "activated")
	s.clock(later.Add(55 * time.Minute))
	restated := map[string]compliance.Outcome{
		"IN-01/inc-0": "pass", "IN-01/inc-1": "deviation",
		"IN-02/inc-0": "deviation", "IN-02/inc-1": "pass", "IN-02/inc-2": "deviation", "IN-02/inc-3": "pass",
	}
	s.said(restated)
	var byReplay []string
	for _, r := range s.readAll("verdicts") {
		if rev, err := record.DecodeRevision(r.Value); err == nil && rev.Reason == "by_replay" {
			byReplay = append(byReplay, fmt.Sprintf("%s #%d", rev.Item.ID, rev.Number))
		}
	}
	require.ElementsMatch(t, []string{"inc-0 #2", "inc-1 #2"}, byReplay, "of the items whose state has ended")
	e.cancel()
	require.NoError(t, <-e.done)
	s.forget()
	e = s.startWith(fast(), before)
	s.said(restated)
	e.cancel()
	require.NoError(t, <-e.done)
}
