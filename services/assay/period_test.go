package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/period"
	"assay.example/assay/services/console"
)

// assay runs a command against p, and gives what it says and its exit code.
func (p *upProcess) assay(args ...string) (said string, code int) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "assay", append([]string{"--config", filepath.Join(p.dir, clientConfigFile)}, args...)...)
	out, _ := cmd.CombinedOutput()
	return string(out), cmd.ProcessState.ExitCode()
}

// act is a command of somebody whom the demonstration knows.
func (p *upProcess) act(who string, args ...string) (said string, code int) {
	p.t.Helper()
	secret := filepath.Join(p.dir, "password")
	require.NoError(p.t, os.WriteFile(secret, []byte(console.DemoPassword), 0o600))
	return p.assay(append(args, "--as", who, "--secret-file", secret, "--collector", "http://"+p.events)...)
}

// A period is opened, closed and sealed. What comes later restates verdicts by name, and
// the seal still proves what was known.
func TestAPeriodIsSealedAndRestated(t *testing.T) {
	clickhousetest.Library(t)
	p := startUp(t, t.TempDir())
	// The period ended a moment ago: what is sent now for before is late, and counts.
	to := time.Now().Truncate(time.Second)
	from := to.Add(-time.Hour)
	in := to.Add(-10 * time.Minute)
	p.signInAt("one", true, in)
	p.awaitOutcome("one", "pass")

	said, code := p.act("engineer", "period", "open", "h2", "--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339), "--note", "SOC 2")
	require.Zero(t, code, said)
	p.awaitState("h2", "open")
	said, code = p.act("engineer", "period", "open", "h2", "--from", "2026-01-01", "--to", "2026-02-01")
	require.Equal(t, exitUsage, code, said)
	require.Contains(t, said, "h2 is there already")
	said, code = p.act("approver", "period", "seal", "h2")
	require.Equal(t, exitUsage, code, said)
	require.Contains(t, said, "h2 is open, and has to be closed for that")
	said, code = p.act("engineer", "period", "close", "h2")
	require.Zero(t, code, said)
	p.awaitState("h2", "closed")
	said, code = p.act("approver", "period", "seal", "h2")
	require.Equal(t, exitUsage, code, said)
	require.Contains(t, said, "late events count until")
	said, code = p.act("engineer", "period", "seal", "h2", "--early", "the auditor leaves today")
	require.Equal(t, exitUnavailable, code, said)
	require.Contains(t, said, "engineer has the role engineer, which may not do that with a period")
	said, code = p.act("approver", "period", "seal", "h2", "--early", "the auditor leaves today")
	require.Zero(t, code, said)
	sealed := p.awaitState("h2", "sealed")
	require.True(t, sealed.Proof.Intact)
	require.Empty(t, sealed.Proof.Restatement)
	require.Equal(t, "the auditor leaves today", sealed.Sealed.Early)
	require.True(t, sealed.Certificates.Intact)
	require.GreaterOrEqual(t, sealed.Sealed.AsOf, compliance.InstantOf(to))

	p.signInAt("two", false, in.Add(time.Second))
	p.awaitOutcome("two", "deviation")
	restated := p.show("h2")
	require.True(t, restated.Proof.Intact)
	require.Equal(t, sealed.Proof.Facts, restated.Proof.Facts)
	require.Equal(t, sealed.Certificates, restated.Certificates, "what comes later changes no sealed certificate")
	require.True(t, restated.Certificates.Intact)
	require.Len(t, restated.Proof.Restatement, 1)
	require.Equal(t, "two", restated.Proof.Restatement[0].ItemID)
	require.Nil(t, restated.Proof.Restatement[0].Before)
	require.Equal(t, compliance.Deviation, restated.Proof.Restatement[0].Now.Outcome)
	said, code = p.assay("period", "show", "h2")
	require.Zero(t, code, said)
	for _, want := range []string{"made again, the same", "Restated since: 1", "not on record", "sealed early: the auditor leaves today"} {
		require.Contains(t, said, want)
	}
	said, code = p.assay("period", "list")
	require.Zero(t, code, said)
	require.Regexp(t, `h2 .* sealed +engineer at .* 1 *\n`, said)

	reconciles(p, from, to, sealed.Sealed.AsOf)

	// A seal of what never was on record.
	sealsWhatNeverWas(p, from, to)
	require.NoError(t, p.end(syscall.SIGTERM), p.log.String())
}

// reconciles: somebody else's list knows one that isn't on record, and doesn't know one
// that is, but wasn't when the period was sealed.
func reconciles(p *upProcess, from, to time.Time, sealed compliance.Instant) {
	t := p.t
	list := filepath.Join(p.dir, "sign-ins.csv")
	require.NoError(t, os.WriteFile(list, []byte("id\none\nthree\n"), 0o600))
	said, code := p.assay("reconcile", "--control", "AC-01", "--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339), "--export", list, "--key", "id")
	require.Equal(t, exitViolations, code, said)
	require.Contains(t, said, "2 compared, 1 match")
	require.Regexp(t, `missing on record +three +3`, said)
	require.Regexp(t, `missing in the export +two`, said)
	said, code = p.assay("reconcile", "--control", "AC-01", "--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339), "--export", list, "--key", "id",
		"--as-of", sealed.String())
	require.Equal(t, exitViolations, code, said)
	require.NotContains(t, said, "two")
}

// sealsWhatNeverWas: a seal whose hash isn't that of the record is shown as such.
func sealsWhatNeverWas(p *upProcess, from, to time.Time) {
	t := p.t
	for _, act := range []string{"open", "close"} {
		args := []string{"period", act, "h3"}
		if act == "open" {
			args = append(args, "--from", from.UTC().Format(time.RFC3339), "--to", to.UTC().Format(time.RFC3339))
		}
		said, code := p.act("admin", args...)
		require.Zero(t, code, said)
		p.awaitState("h3", map[string]string{"open": "open", "close": "closed"}[act])
	}
	now := compliance.InstantOf(time.Now())
	emit := emitOptions{collector: "http://" + p.events}
	require.NoError(t, emit.emit(t.Context(), Config{Demo: true}, "default", periodSource, period.Sealed, now, map[string]any{
		"period_id": "h3", "as_of": now.String(), "bundle": "b", "facts_sha256": strings.Repeat("0", 64), "sealed_by": "eve",
	}))
	var said string
	require.Eventually(t, func() bool {
		var code int
		said, code = p.assay("period", "show", "h3")
		return code == exitUnverified
	}, time.Minute, 200*time.Millisecond)
	require.Contains(t, said, "NOT what is on record as of then")
}

func (p *upProcess) show(id string) (shown shownPeriod) {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), "assay", "--config", filepath.Join(p.dir, clientConfigFile), "period", "show", id, "-o", "json")
	out, err := cmd.Output()
	if err == nil {
		require.NoError(p.t, json.Unmarshal(out, &shown), string(out))
	}
	return shown
}

func (p *upProcess) awaitState(id, state string) (shown shownPeriod) {
	p.t.Helper()
	require.Eventually(p.t, func() bool {
		shown = p.show(id)
		return shown.Period != nil && shown.State == state
	}, time.Minute, 200*time.Millisecond, "%s is not %s:\n%s", id, state, p.log)
	return shown
}

// What the collector answers is told in its own words, and the key goes to nobody else.
func TestEmitTellsTheAnswer(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the key went on") }))
	defer elsewhere.Close()
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		code   compliance.Code
		says   string
	}{
		"refused": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"title": "The key may not", "detail": "have the source added"}`))
		}, compliance.Forbidden, "403 Forbidden: The key may not have the source added"},
		"busy": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTooManyRequests) }, compliance.Unavailable, "429"},
		"elsewhere": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, compliance.Invalid, "307"},
		"long": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(strings.Repeat("x", 1<<20)))
		}, compliance.Invalid, "400"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.answer)
			defer server.Close()
			err := post(t.Context(), server.URL, "secret", []byte("{}"))
			require.Equal(t, c.code, compliance.CodeOf(err))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "secret")
			require.Less(t, len(err.Error()), 1000)
		})
	}
}
