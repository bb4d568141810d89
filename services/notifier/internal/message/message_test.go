package message_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/notifier/internal/message"
	"assay.example/assay/services/notifier/internal/receivertest"
)

// The vector that the libraries of Standard Webhooks test themselves with.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
	vectorTime      = 1614265330
)

func TestStandardWebhooksVector(t *testing.T) {
	key, err := message.DecodeKey(vectorSecret)
	require.NoError(t, err)
	require.Equal(t, vectorSignature, message.Sign(key, vectorID, time.Unix(vectorTime, 0), []byte(vectorBody)))
	require.NotEqual(t, vectorSignature, message.Sign(key, vectorID, time.Unix(vectorTime+1, 0), []byte(vectorBody)))

	for _, bad := range []settings.Secret{
		"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_?", "whsec_c2hvcnQ=",
		settings.Secret("whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 65))),
	} {
		_, err := message.DecodeKey(bad)
		require.Error(t, err)
		if bad != "" && bad != "whsec_" {
			require.NotContains(t, err.Error(), bad.Reveal())
		}
	}
}

var at = compliance.InstantOf(time.Date(2026, 7, 1, 9, 30, 0, 0, time.UTC))

func violation(item string, n int, change record.Change, outcome compliance.Outcome) *record.Violation {
	episode := record.ItemKey("default", "CH-01", item)
	return &record.Violation{
		Schema: record.ViolationSchema, ID: fmt.Sprintf("%s#%d", episode, n), Episode: episode, Change: change,
		Severity: "high", Title: "Deployments are approved", Criteria: []string{"CC8.1"},
		Verdict: compliance.Revision{
			Tenant: "default", Control: "CH-01", Number: n, KnownAt: at, FinalAt: at.Add(time.Hour),
			Verdict: compliance.Verdict{Item: compliance.Item{ID: item, Time: at}, Outcome: outcome, Reason: "no_approval", Due: at},
		},
	}
}

func opened(item string) *record.Violation {
	return violation(item, 1, record.Opened, compliance.Deviation)
}

func corrected(item string) *record.Violation {
	return violation(item, 2, record.Corrected, compliance.Pass)
}

func of(list ...*record.Violation) *message.Message {
	m := &message.Message{Tenant: "default", Control: "CH-01", Route: "changes"}
	for _, v := range list {
		m.Entries = append(m.Entries, message.Entry{Violation: v})
	}
	return m
}

// deliver writes a message and gives it to a receiver; it returns what that says.
func deliver(t require.TestingT, f message.Format, to http.Handler, m *message.Message) (int, string) {
	r, err := f.Request(m, time.Now())
	require.NoError(t, err)
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodPost, r.URL, strings.NewReader(string(r.Body)))
	req.Header = r.Header
	to.ServeHTTP(w, req)
	return w.Code, w.Body.String()
}

func secret(fill byte) string {
	key := make([]byte, 32)
	for i := range key {
		key[i] = fill
	}
	return "whsec_" + base64.StdEncoding.EncodeToString(key)
}

// While a secret is replaced, receivers that know the old one and receivers that
// know the new one both verify; a file is read anew.
func TestWebhookSecretsRotate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte(secret(2)+"\n"), 0o600))
	w := &message.Webhook{Address: message.Address{URL: "https://hook.example.com/x"}, Secrets: []settings.Secret{settings.Secret(secret(1))}, SecretFiles: []string{file}}
	for _, known := range []string{secret(1), secret(2)} {
		code, text := deliver(t, w, receivertest.NewWebhook(known), of(opened("d-1")))
		require.Equal(t, http.StatusNoContent, code, text)
	}
	code, _ := deliver(t, w, receivertest.NewWebhook(secret(3)), of(opened("d-1")))
	require.Equal(t, http.StatusUnauthorized, code)
	require.NoError(t, os.WriteFile(file, []byte(secret(3)), 0o600))
	code, _ = deliver(t, w, receivertest.NewWebhook(secret(3)), of(opened("d-1")))
	require.Equal(t, http.StatusNoContent, code)
}

func TestWebhookIsTheSameAtEachAttempt(t *testing.T) {
	w := &message.Webhook{Address: message.Address{URL: "https://hook.example.com/x"}, Secrets: []settings.Secret{vectorSecret}, Link: "https://assay.example.com/{control}/{item}"}
	first, err := w.Request(of(opened("d/1")), time.Unix(1, 0))
	require.NoError(t, err)
	second, err := w.Request(of(opened("d/1")), time.Unix(2, 0))
	require.NoError(t, err)
	require.Equal(t, string(first.Body), string(second.Body))
	require.Equal(t, "default/CH-01/d/1#1", first.Header.Get(message.HeaderID))
	require.Equal(t, first.Header.Get(message.HeaderID), second.Header.Get(message.HeaderID))
	require.NotEqual(t, first.Header.Get(message.HeaderSignature), second.Header.Get(message.HeaderSignature))
	var body struct {
		Type string
		Data struct {
			Count      int
			Violations []record.Violation
			Links      []string
		}
	}
	require.NoError(t, json.Unmarshal(first.Body, &body))
	require.Equal(t, message.TypeViolations, body.Type)
	require.Equal(t, *opened("d/1"), body.Data.Violations[0])
	require.Equal(t, []string{"https://assay.example.com/CH-01/d%2F1"}, body.Data.Links)
}

func TestIDs(t *testing.T) {
	require.Equal(t, "default/CH-01/d-1#1", of(opened("d-1")).ID())
	for _, odd := range []string{"a b", "ü", "x\r\nevil: 1", strings.Repeat("x", 300)} {
		id := of(opened(odd)).ID()
		require.Regexp(t, "^sha256-[0-9a-f]{64}$", id)
		require.Equal(t, id, of(opened(odd)).ID())
		require.LessOrEqual(t, len(message.Key(opened(odd))), 255)
	}
	two := of(opened("a"), opened("b"))
	require.Regexp(t, "^group-[0-9a-f]{64}$", two.ID())
	require.NotEqual(t, two.ID(), of(opened("b"), opened("a")).ID())
}

func slack() *message.Slack {
	return &message.Slack{Address: message.Address{URL: settings.Secret("https://hooks.slack.example.com" + receivertest.SlackPath)}, Link: "https://assay.example.com/{tenant}/{control}/{item}"}
}

func TestSlack(t *testing.T) {
	to := receivertest.NewSlack()
	code, text := deliver(t, slack(), to, of(opened("d-1")))
	require.Equal(t, http.StatusOK, code, text)
	require.Equal(t, "ok", text)
	var many []*record.Violation
	for i := range 100 {
		many = append(many, opened(fmt.Sprintf("d-%d", i)))
	}
	code, text = deliver(t, slack(), to, of(append(many, corrected("d-1"))...))
	require.Equal(t, http.StatusOK, code, text)
	got := to.Got()
	require.Contains(t, string(got[0].Body), `<https://assay.example.com/default/CH-01/d-1|d-1>`[1:20])
	require.Contains(t, string(got[1].Body), "100 violations, 1 no longer open: CH-01 Deployments are approved")
	require.Contains(t, string(got[1].Body), "and *91 more*")

	wrong := slack()
	wrong.Address.URL = "https://hooks.slack.example.com/services/T/B/other"
	code, text = deliver(t, wrong, to, of(opened("d-1")))
	require.Equal(t, http.StatusNotFound, code)
	require.Equal(t, "no_service", text)
}

// Whatever an item or a control is called, Slack takes the message, and nothing in
// it mentions anybody or leads elsewhere.
func TestSlackTakesAnyText(t *testing.T) {
	for _, evil := range []string{"<!channel>", "<@U123>", "<https://evil.example.com|click>", "a|b>c", "&lt;!here&gt;", "x\ny", "\x00", strings.Repeat("<", 5000), strings.Repeat("ü&", 3000)} {
		v := opened(evil)
		v.Title, v.Verdict.Reason, v.Criteria, v.Severity = evil, evil, []string{evil}, evil
		code, text := deliver(t, slack(), receivertest.NewSlack(), of(v))
		require.Equal(t, http.StatusOK, code, "%s: %q", text, evil)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := opened(rapid.String().Draw(t, "item"))
		v.Title, v.Verdict.Reason = rapid.String().Draw(t, "title"), rapid.String().Draw(t, "reason")
		code, text := deliver(t, slack(), receivertest.NewSlack(), of(v, corrected("x")))
		require.Equal(t, http.StatusOK, code, text)
	})
}

const routingKey = "0123456789abcdef0123456789abcdef"

func pager(key settings.Secret) *message.PagerDuty {
	return &message.PagerDuty{Address: message.Address{URL: "https://events.pagerduty.example.com/"}, RoutingKey: key, Link: "https://assay.example.com/{control}/{item}"}
}

func TestPagerDuty(t *testing.T) {
	to := receivertest.NewPagerDuty(routingKey)
	remediated := violation("d-1", 3, record.Remediated, compliance.Deviation)
	remediated.Verdict.RemediatedAt = at
	for _, v := range []*record.Violation{
		opened("d-1"), violation("d-1", 2, record.Updated, compliance.Deviation), remediated,
		opened("d-2"), corrected("d-2"), opened("d-3"), violation("d-3", 2, record.Corrected, compliance.Waived),
	} {
		code, text := deliver(t, pager(routingKey), to, of(v))
		require.Equal(t, http.StatusAccepted, code, text)
		require.Contains(t, text, `"message":"Event processed"`)
	}
	require.Equal(t, []string{"trigger", "trigger", "resolve"}, to.Events("default/CH-01/d-1"))
	require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/d-2"))
	require.Equal(t, []string{"trigger", "resolve"}, to.Events("default/CH-01/d-3"))
	require.Contains(t, string(to.Got()[0].Body), `"links":[{"href":"https://assay.example.com/CH-01/d-1"`)

	code, text := deliver(t, pager("short"), to, of(opened("d-1")))
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, text, "Length of 'routing_key' is incorrect")
}

func TestPagerDutySeverities(t *testing.T) {
	for severity, want := range map[string]string{"critical": "critical", "high": "error", "medium": "warning", "low": "info", "info": "info", "unknown": "warning", "sev1": "warning"} {
		v := opened("d-1")
		v.Severity = severity
		r, err := pager(routingKey).Request(of(v), time.Now())
		require.NoError(t, err)
		require.Contains(t, string(r.Body), `"severity":"`+want+`"`, severity)
	}
}

func TestPagerDutyTakesAnyText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := opened(rapid.StringN(1, 2000, -1).Draw(t, "item"))
		v.Title = rapid.StringN(0, 3000, -1).Draw(t, "title")
		code, text := deliver(t, pager(routingKey), receivertest.NewPagerDuty(routingKey), of(v))
		require.Equal(t, http.StatusAccepted, code, text)
	})
}

func TestAlertmanager(t *testing.T) {
	to := receivertest.NewAlertmanager()
	f := &message.Alertmanager{Address: message.Address{URL: "https://am.example.com"}, Labels: map[string]string{"team": "grc"}, HoldFor: time.Minute, Token: "t0ken"}
	send := func(v, open *record.Violation) {
		t.Helper()
		m := of(v)
		m.Entries[0].Opened = open
		code, text := deliver(t, f, to, m)
		require.Equal(t, http.StatusOK, code, text)
	}
	send(opened("d-1"), nil)
	require.Equal(t, map[string]string{"d-1": "high"}, to.Firing())
	require.Equal(t, "Bearer t0ken", to.Got()[0].Header.Get("Authorization"))
	require.Contains(t, string(to.Got()[0].Body), `"team":"grc"`)

	worse := violation("d-1", 2, record.Updated, compliance.Deviation)
	worse.Severity = "critical"
	send(worse, opened("d-1"))
	require.Equal(t, map[string]string{"d-1": "critical"}, to.Firing(), "the alert of the old severity has ended")
	send(corrected("d-1"), worse)
	require.Empty(t, to.Firing())
	require.Equal(t, 2, to.Known(), "it was resolved under the labels it fired under")

	future := opened("d-2")
	future.Verdict.KnownAt = compliance.InstantOf(time.Now().Add(24 * time.Hour))
	send(future, nil)
	send(corrected("d-2"), future)

	bad := &message.Alertmanager{Address: f.Address, Labels: map[string]string{"no-label": "x"}, HoldFor: time.Minute}
	code, text := deliver(t, bad, to, of(opened("d-3")))
	require.Equal(t, http.StatusBadRequest, code)
	require.Contains(t, text, "invalid label name")
}

// No error of a format shows a secret, and the request names all of its own.
func TestSecretsAreNamed(t *testing.T) {
	const hidden = "http://user:passw0rd@[bad"
	for _, f := range []message.Format{
		&message.Webhook{Address: message.Address{URL: hidden}}, &message.Slack{Address: message.Address{URL: hidden}},
		&message.PagerDuty{Address: message.Address{URL: hidden}}, &message.Alertmanager{Address: message.Address{URL: hidden}},
		&message.Webhook{Address: message.Address{URL: "https://x.example.com"}, Secrets: []settings.Secret{"whsec_passw0rd"}},
	} {
		_, err := f.Request(of(opened("d-1")), time.Now())
		require.Error(t, err)
		require.NotContains(t, err.Error(), "passw0rd")
	}
	r, err := slack().Request(of(opened("d-1")), time.Now())
	require.NoError(t, err)
	require.Contains(t, r.Secrets, receivertest.SlackPath)
	r, err = pager(routingKey).Request(of(opened("d-1")), time.Now())
	require.NoError(t, err)
	require.Contains(t, r.Secrets, routingKey)

	// A target may show a part of its address alone.
	w := &message.Webhook{Address: message.Address{URL: "https://user:passw0rd@hook.example.com/hooks/t0ken-of-mine?key=k3y%2Fvalue"}, Secrets: []settings.Secret{vectorSecret}}
	r, err = w.Request(of(opened("d-1")), time.Now())
	require.NoError(t, err)
	require.Subset(t, r.Secrets, []string{"passw0rd", "t0ken-of-mine", "k3y/value", "k3y%2Fvalue", "dXNlcjpwYXNzdzByZA=="})
	require.NotContains(t, r.Secrets, "hooks", "a word is none")
}
