package evaluator_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// A waiver concerns all keys of its control: items of every routed partition are
// waived, late and on time, also by a judge that has it from its changelog.
func TestWaiversReachEveryPartition(t *testing.T) {
	const half = 20
	s, at := newSite(t), start(t)
	e := s.start(fast())
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	s.tellOfLogins(0, 2*half, at)
	s.clock(at.Add(time.Hour))
	s.violations(half)
	s.event(compliance.Assurance, "waiver.approved", "w1", "wv-1", at.Add(-time.Minute), fmt.Sprintf(
		`{"waiver_id": "wv-1", "control": "AC-01", "scope": {"all": true}, "requester": "ann", "approver": "bob", "reason": "New phones.", "until": %q}`,
		at.Add(24*time.Hour)))
	s.clock(at.Add(2 * time.Hour))
	got := s.violations(2 * half)
	for i := 1; i < 2*half; i += 2 {
		last := lastOf(got, fmt.Sprintf("default/AC-01/l%d", i))
		require.Equal(t, record.Corrected, last.Change)
		require.Equal(t, compliance.Waived, last.Verdict.Outcome)
		require.Equal(t, "assertion_false", last.Verdict.Reason)
		require.Equal(t, "waiver", last.Verdict.Evidence[1].Expectation)
		require.Equal(t, "w1", last.Verdict.Evidence[1].ID)
	}
	e.cancel()
	require.NoError(t, <-e.done)

	e = s.start(fast())
	s.tellOfLogins(2*half, 2*half, at.Add(3*time.Hour)) // waived from the start
	s.event(compliance.Incident, "incident.opened", "o1", "inc-1", at.Add(3*time.Hour), `{"incident_id": "inc-1", "severity": "sev1", "service": "api"}`)
	s.clock(at.Add(4 * time.Hour))
	for episode := range s.violations(2*half + 1) {
		require.NotContains(t, episode, "AC-01/l41", "nobody is told of what is waived from the start")
	}
	s.event(compliance.Assurance, "waiver.revoked", "w2", "wv-1", at.Add(150*time.Minute), `{"waiver_id": "wv-1", "control": "AC-01"}`)
	s.clock(at.Add(5 * time.Hour))
	got = s.violations(3*half + 1)
	for i := 2*half + 1; i < 4*half; i += 2 {
		last := lastOf(got, fmt.Sprintf("default/AC-01/l%d", i))
		require.Equal(t, record.Opened, last.Change)
		require.Equal(t, compliance.Deviation, last.Verdict.Outcome)
	}
	require.Equal(t, compliance.Waived, lastOf(got, "default/AC-01/l1").Verdict.Outcome, "what it covered before stays covered")
	e.cancel()
	require.NoError(t, <-e.done)
}
