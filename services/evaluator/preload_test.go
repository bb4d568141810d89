package evaluator_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/record"
)

// before is a control in its first version: it looks back, and asks nothing of what it finds.
const before = `
id: AC-11
title: Who signs in has signed in before
criteria: [CC6.1]
severity: low
population: {event: access.login, where: event.privileged, item: event.id}
expect:
  earlier: {event: access.login, on: {event.user_id: item.user_id}, between: "[-4h, 0s)"}
assert: earlier.count >= 1
`

// known is a control whose table is made of what no rule read.
const known = `
id: AC-10
title: Who signs in uses a system that they know
criteria: [CC6.1]
severity: low
effective_from: 2026-08-03T12:00:00Z
population: {event: access.login, where: event.privileged, item: event.id}
tables: {used: {from: [access.login], key: [event.user_id, event.system], live: "!event.privileged"}}
expect:
  itself: {event: access.login, on: {event.user_id: item.user_id}, between: "[0s, 0s]"}
assert: '[item.user_id, "vpn"] in refs.used && itself.count >= 1'
`

// TestChangedRulesHaveHistory: what new rules look back to, though no rule had read it, counts
// from their first item on, whether they are a control, a version that reads further fields or a
// table, over a change that follows another at once, a restart, and when all is read anew. It is
// what the reference rules say over the whole log; and what was said before stays.
func TestChangedRulesHaveHistory(t *testing.T) {
	s, at := newSite(t), start(t)
	base := map[string]string{"AC-11.yaml": before}
	first := map[string]string{"AC-10.yaml": known, "AC-11-2.yaml": "effective_from: 2026-08-03T12:00:00Z" +
		strings.ReplaceAll(before, "between:", `where: event.system == "vpn", between:`)}
	second := map[string]string{"AC-12.yaml": "effective_from: 2026-08-03T15:00:00Z" +
		strings.NewReplacer("AC-11", "AC-12", "-4h", "-8h", "between:", "where: event.mfa, between:").Replace(before)}
	maps.Copy(first, base)
	maps.Copy(second, first)
	one, two := changed(t, first), changed(t, second)

	e := s.startWith(fast(), changed(t, base))
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	for i, system := range []string{"vpn", "vpn", "console", "console"} {
		s.event(compliance.Access, "access.login", fmt.Sprintf("past%d", i), fmt.Sprintf("u%d", i), at.Add(time.Hour),
			fmt.Sprintf(`{"user_id": "u%d", "system": "%s", "privileged": false, "mfa": %t}`, i, system, i%2 == 0))
	}
	s.tellOfLogins(0, 6, at.Add(80*time.Minute))
	s.clock(at.Add(90 * time.Minute))
	s.verdicts(12)

	s.propose("p1", one, false)
	s.propose("p2", two, false)
	require.Equal(t, 3, s.answer("p2", "activated").Activation)
	s.clock(at.Add(170 * time.Minute))
	later := func(n int, at compliance.Instant) {
		for i := range 6 {
			s.event(compliance.Access, "access.login", fmt.Sprintf("later%d-%d", n, i), fmt.Sprintf("u%d", i), at,
				fmt.Sprintf(`{"user_id": "u%d", "system": "console", "privileged": true, "mfa": false}`, i))
		}
	}
	later(1, at.Add(3*time.Hour)) // u0 and u1 have been on the VPN
	s.clock(at.Add(4 * time.Hour))
	s.verdicts(12 + 18)
	e.cancel()
	require.NoError(t, <-e.done)

	e = s.startWith(fast(), changed(t, base))
	s.clock(at.Add(350 * time.Minute))
	later(2, at.Add(6*time.Hour)) // the users of AC-12 have used a second factor before it was there
	s.clock(at.Add(9 * time.Hour))
	live := s.verdicts(12 + 18 + 24)
	require.Contains(t, live, "AC-10/later1-0 #1 pass ")
	require.Contains(t, live, "AC-10/later1-2 #1 deviation assertion_false")
	require.Contains(t, live, "AC-11/later1-1 #1 pass ")
	require.Contains(t, live, "AC-11/later1-3 #1 deviation assertion_false")
	require.Contains(t, live, "AC-12/later2-0 #1 pass ")
	require.Contains(t, live, "AC-12/later2-1 #1 deviation assertion_false")
	require.Equal(t, s.byTheReference(two, at.Add(9*time.Hour)), s.outcomes())
	e.cancel()
	require.NoError(t, <-e.done)
	require.NotContains(t, e.text(), `"level":"error"`)
	require.NotContains(t, e.text(), "left out")

	s.forget()
	e = s.startWith(fast(), changed(t, base))
	require.Equal(t, live, s.verdicts(len(live)), "all events, read anew")
	e.cancel()
	require.NoError(t, <-e.done)
}

// byTheReference is what pkg/oracle says of the whole log at a watermark.
func (s *site) byTheReference(b *control.Bundle, w compliance.Instant) map[string]compliance.Outcome {
	s.t.Helper()
	types, err := dictionary.Default()
	require.NoError(s.t, err)
	var events []*compliance.Event
	for _, r := range s.readAll("events.access") {
		if _, clock := record.DecodeClock(r); clock {
			continue
		}
		ev, err := record.DecodeEvent(r)
		require.NoError(s.t, err)
		kind, err := types.Find(ev.Type)
		require.NoError(s.t, err)
		ev.Data, err = kind.Decode(r.Value)
		require.NoError(s.t, err)
		events = append(events, ev)
	}
	slices.SortFunc(events, func(a, b *compliance.Event) int { return a.Compare(b) })
	all := map[string]compliance.Outcome{}
	for _, c := range b.Controls {
		for _, v := range oracle.Verdicts(b, c, "default", events, w) {
			all[c.ID+"/"+v.Item.ID] = v.Outcome
		}
	}
	return all
}
