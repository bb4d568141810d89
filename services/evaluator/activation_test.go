package evaluator_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/evaluator/internal/consume"
)

// backwards is a later version of logins that says the contrary.
const backwards = `
id: AC-01
title: Privileged sign-ins use no second factor
criteria: [CC6.1]
severity: high
effective_from: 2026-08-03T12:00:00Z
population: {event: access.login, where: event.privileged, item: event.id}
assert: "!item.mfa"
`

// again is a control that looks back.
const again = `
id: AC-09
title: Who signs in has signed in before
criteria: [CC6.1]
severity: low
effective_from: 2026-08-03T12:00:00Z
population: {event: access.login, where: event.privileged, item: event.id}
expect:
  before: {event: access.login, on: {event.user_id: item.user_id}, between: "[-4h, 0s)"}
assert: before.count >= 1
`

// changed is the bundle of these tests with other files beside or instead.
func changed(t *testing.T, files map[string]string) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	fsys := fstest.MapFS{
		control.BoundaryFile: {Data: []byte(boundary)},
		"AC-01.yaml":         {Data: []byte(strings.ReplaceAll(logins, "event.mfa", "item.mfa"))},
		"IN-01.yaml":         {Data: []byte(incidents)},
	}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := control.Load(fsys, types)
	require.NoError(t, err)
	return b
}

// say writes a record of the control topic, as a tool does.
func (s *site) say(c record.Control) {
	s.t.Helper()
	value, err := json.Marshal(c)
	require.NoError(s.t, err)
	require.NoError(s.t, s.cl.ProduceSync(s.t.Context(), &kgo.Record{Topic: s.kafka.Topic("control"), Key: []byte(c.Kind), Value: value}).FirstErr())
}

func (s *site) propose(id string, b *control.Bundle, restates bool) {
	s.t.Helper()
	files, err := b.Pack()
	require.NoError(s.t, err)
	s.say(record.Control{Kind: "proposed", Proposal: id, Bundle: b.Hash, Files: files, By: "ann", Restates: restates})
}

// readAll is what stands committed in a topic.
func (s *site) readAll(topic string) (all []*kgo.Record) {
	s.t.Helper()
	opts, err := s.kafka.Options(zerolog.Nop())
	require.NoError(s.t, err)
	n, err := consume.Partitions(s.t.Context(), s.cl, s.kafka.Topic(topic))
	require.NoError(s.t, err)
	for p := range n {
		_, err := consume.ToEnd(s.t.Context(), opts, s.kafka.Topic(topic), p, func(r *kgo.Record) error {
			all = append(all, r)
			return nil
		})
		require.NoError(s.t, err)
	}
	return all
}

// answer waits for what became of a proposal.
func (s *site) answer(id, kind string) (found record.Control) {
	s.t.Helper()
	var said []string
	require.Eventually(s.t, func() bool {
		said = nil
		for _, r := range s.readAll("control") {
			var c record.Control
			require.NoError(s.t, json.Unmarshal(r.Value, &c))
			said = append(said, fmt.Sprintf("%s %s %d %s", c.Kind, c.Proposal, c.Activation, c.Reason))
			if c.Proposal == id && c.Kind == kind {
				found = c
				return true
			}
		}
		return false
	}, 20*time.Second, 50*time.Millisecond, "%s is never %s, but %v", id, kind, &said)
	return found
}

// verdicts waits for so many revisions, and gives each as a line.
func (s *site) verdicts(n int) []string {
	s.t.Helper()
	var lines []string
	require.Eventually(s.t, func() bool {
		lines = nil
		for _, r := range s.readAll("verdicts") {
			rev, err := record.DecodeRevision(r.Value)
			require.NoError(s.t, err)
			lines = append(lines, fmt.Sprintf("%s/%s #%d %s %s", rev.Control, rev.Item.ID, rev.Number, rev.Outcome, rev.Reason))
		}
		return len(lines) >= n
	}, 20*time.Second, 50*time.Millisecond, "there are %d revisions of %d", len(lines), n)
	slices.Sort(lines)
	require.Len(s.t, lines, n)
	return lines
}

// TestRulesChangeWhileRunning: a bundle that is activated holds from its markers on, in an
// evaluator that runs, in one that is started again with the rules of before, and in one
// that reads all events anew, and all say the same.
func TestRulesChangeWhileRunning(t *testing.T) {
	s, at := newSite(t), start(t)
	e := s.start(fast())
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	s.tellOfLogins(0, 2, at)
	// read by no rule yet, and looked for by one to come
	s.event(compliance.Access, "access.login", "past", "u20", at.Add(time.Hour), `{"user_id": "u20", "system": "console", "privileged": false, "mfa": true}`)
	s.clock(at.Add(90 * time.Minute))
	s.verdicts(2)

	s.propose("early", changed(t, map[string]string{"AC-01-2.yaml": strings.ReplaceAll(backwards, "T12:00", "T11:00")}), false)
	require.Contains(t, s.answer("early", "refused").Reason, "AC-01 assert from 2026-08-03T11:00:00Z")
	s.propose("p1", changed(t, map[string]string{"AC-01-2.yaml": backwards, "AC-09.yaml": again}), false)
	done := s.answer("p1", "activated")
	require.Equal(t, 2, done.Activation)
	require.Equal(t, at.Add(90*time.Minute), done.Watermark)
	require.Equal(t, done.Watermark.Add(time.Hour), done.Routed)
	require.NotEmpty(t, done.Markers)

	s.tellOfLogins(10, 2, at.Add(2*time.Hour)) // the old version's
	s.clock(at.Add(200 * time.Minute))
	s.tellOfLogins(20, 2, at.Add(4*time.Hour)) // the new one's, looking back to before it
	s.clock(at.Add(5 * time.Hour))
	s.verdicts(2 + 2 + 4)
	e.cancel()
	require.NoError(t, <-e.done)

	e = s.start(fast()) // with the rules of before
	s.clock(at.Add(430 * time.Minute))
	s.tellOfLogins(30, 2, at.Add(8*time.Hour))
	s.clock(at.Add(9 * time.Hour))
	live := s.verdicts(2 + 2 + 4 + 4)
	require.Equal(t, []string{
		"AC-01/l0 #1 pass ", "AC-01/l1 #1 deviation assertion_false",
		"AC-01/l10 #1 pass ", "AC-01/l11 #1 deviation assertion_false",
		"AC-01/l20 #1 deviation assertion_false", "AC-01/l21 #1 pass ",
		"AC-01/l30 #1 deviation assertion_false", "AC-01/l31 #1 pass ",
		"AC-09/l20 #1 pass ", "AC-09/l21 #1 deviation assertion_false",
		"AC-09/l30 #1 deviation assertion_false", "AC-09/l31 #1 deviation assertion_false",
	}, live)
	e.cancel()
	require.NoError(t, <-e.done)
	require.NotContains(t, e.text(), `"level":"error"`)
	require.NotContains(t, e.text(), "left out")

	s.forget()
	e = s.start(fast())
	require.Equal(t, live, s.verdicts(len(live)), "all events, read anew")
	e.cancel()
	require.NoError(t, <-e.done)
}

// forget deletes everything after the events, as a rebuild does.
func (s *site) forget() {
	s.t.Helper()
	admin := kadm.NewClient(s.cl)
	var topics []string
	for _, name := range []string{"routed", "findings", "state", "verdicts", "quarantine"} {
		topics = append(topics, s.kafka.Topic(name))
	}
	_, err := admin.DeleteTopics(s.t.Context(), topics...)
	require.NoError(s.t, err)
	var groups []string
	for _, group := range []string{"router", "judge", "stages", "publisher"} {
		groups = append(groups, s.kafka.Topic(group)) // the stages' is there if there are any
	}
	_, err = admin.DeleteGroups(s.t.Context(), groups...)
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		return stream.CreateTopics(s.t.Context(), s.cl, s.kafka, stream.Embedded) == nil
	}, 20*time.Second, 100*time.Millisecond)
}

// TestASecondPersonRestates: what restates waits for somebody else. Then closed items get
// what the replay said, open ones are judged anew, each once, by whoever reads it how often.
func TestASecondPersonRestates(t *testing.T) {
	s, at := newSite(t), start(t)
	soon := "lateness: {correct_until: 1h}" + strings.ReplaceAll(logins, "event.mfa", "item.mfa")
	before := changed(t, map[string]string{"AC-01.yaml": soon})
	after := changed(t, map[string]string{"AC-01.yaml": strings.ReplaceAll(soon, "assert: item.mfa", `assert: "!item.mfa"`)})
	e := s.startWith(fast(), before)
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	s.tellOfLogins(0, 2, at)
	s.clock(at.Add(3 * time.Hour))
	s.verdicts(2)
	s.tellOfLogins(10, 2, at.Add(3*time.Hour-30*time.Minute))
	s.clock(at.Add(3*time.Hour + time.Minute))
	s.verdicts(4)

	s.propose("quietly", after, false)
	require.Contains(t, s.answer("quietly", "refused").Reason, "which another person approves")
	files, err := after.Pack()
	require.NoError(t, err)
	restated := func(item string, o compliance.Outcome, reason string) record.Restated {
		return record.Restated{Tenant: "default", Control: "AC-01", Verdict: compliance.Verdict{
			Item: compliance.Item{ID: item, Time: at}, Outcome: o, Reason: reason, Due: at,
		}}
	}
	s.say(record.Control{Kind: "proposed", Proposal: "p1", Bundle: after.Hash, Files: files, By: "ann", Restates: true, Restated: []record.Restated{
		restated("l0", compliance.Deviation, "by_replay"), restated("l1", compliance.Pass, ""), restated("l10", compliance.Pending, "never"),
	}})
	s.say(record.Control{Kind: "approved", Proposal: "p1", By: "ann"})
	s.tellOfLogins(20, 1, at.Add(3*time.Hour+time.Minute))
	s.clock(at.Add(3*time.Hour + 2*time.Minute))
	require.Len(t, s.verdicts(5), 5, "who proposed it approves nothing")
	s.say(record.Control{Kind: "approved", Proposal: "p1", By: "bob"})
	s.answer("p1", "activated")
	want := []string{
		"AC-01/l0 #1 pass ", "AC-01/l0 #2 deviation by_replay", "AC-01/l1 #1 deviation assertion_false", "AC-01/l1 #2 pass ",
		"AC-01/l10 #1 pass ", "AC-01/l10 #2 deviation assertion_false", "AC-01/l11 #1 deviation assertion_false", "AC-01/l11 #2 pass ",
		"AC-01/l20 #1 pass ", "AC-01/l20 #2 deviation assertion_false",
	}
	require.Equal(t, want, s.verdicts(10))
	e.cancel()
	require.NoError(t, <-e.done)

	e = s.startWith(fast(), before)
	s.tellOfLogins(30, 1, at.Add(3*time.Hour+time.Minute))
	s.clock(at.Add(3*time.Hour + 5*time.Minute))
	live := s.verdicts(11)
	require.Equal(t, append(want, "AC-01/l30 #1 deviation assertion_false"), live)
	final := s.outcomes()
	e.cancel()
	require.NoError(t, <-e.done)
	s.forget()
	e = s.startWith(fast(), before)
	require.Eventually(t, func() bool { return len(s.outcomes()) == 6 }, 20*time.Second, 50*time.Millisecond)
	require.Eventually(t, func() bool { return maps.Equal(s.outcomes(), final) }, 20*time.Second, 50*time.Millisecond, "all events, read anew")
	e.cancel()
	require.NoError(t, <-e.done)
}

// outcomes are what is said of each item last.
func (s *site) outcomes() map[string]compliance.Outcome {
	s.t.Helper()
	all := map[string]compliance.Outcome{}
	for _, r := range s.readAll("verdicts") { // an item's are in one partition, in order
		rev, err := record.DecodeRevision(r.Value)
		require.NoError(s.t, err)
		all[rev.Control+"/"+rev.Item.ID] = rev.Outcome
	}
	return all
}
