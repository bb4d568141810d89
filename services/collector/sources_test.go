package collector_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector"
)

// mappings are the same for all vendors of these tests: what signs differs.
const mappings = `title: A vendor
documentation: https://vendor.example/webhooks
signature: %s
headers: [x-github-event, x-github-delivery, x-hub-signature-256, x-gitlab-token, authorization, x-api-key]
delivery: headers[?"x-github-delivery"].orValue("")
each: 'has(body.records) ? body.records : [body]'
kind: 'headers[?"x-github-event"].orValue(text(record.?kind))'
mappings:
  - kinds: [push]
    type: change.pushed
    id: record.after
    time: instant(record.at)
    data: {change_id: record.ref, commit: record.after, author: record.sender}
  - kinds: ["login.*"]
    type: access.login
    data: {user_id: record.user, system: '"app"', mfa: record.mfa}
  - kinds: [leak]
    type: access.login
    data: {user_id: 'headers[?"x-hub-signature-256"].orValue("-") + headers[?"x-gitlab-token"].orValue("-") + headers[?"x-api-key"].orValue("-") + headers[?"authorization"].orValue("-")', system: '"app"', mfa: "true"}
`

func vendors(t *testing.T) *source.Library {
	t.Helper()
	fsys := fstest.MapFS{}
	for _, scheme := range []string{"github", "pagerduty", "promptlayer", "gitlab", "standard", "bearer", "none"} {
		fsys[scheme+"/source.yaml"] = &fstest.MapFile{Data: fmt.Appendf(nil, mappings, scheme)}
	}
	types, err := dictionary.Default()
	require.NoError(t, err)
	library, err := source.Load(fsys, types)
	require.NoError(t, err)
	return library
}

// secretOf is the secret of a test's source.
func secretOf(name string) string {
	if name == "standard" {
		return "whsec_" + base64.StdEncoding.EncodeToString([]byte("the-secret-of-standard"))
	}
	return "the-secret-of-" + name + "-is-this"
}

func withSources() collector.Config {
	cfg := config()
	for _, name := range []string{"github", "pagerduty", "promptlayer", "gitlab", "standard", "bearer"} {
		cfg.Sources = append(cfg.Sources, collector.Source{
			Name: name, Vendor: name, Tenant: "acme", Source: "/" + name + "/acme", Secrets: []settings.Secret{settings.Secret(secretOf(name))},
		})
	}
	return cfg
}

func startSources(t *testing.T, cfg collector.Config) *rig {
	t.Helper()
	return startWith(t, cfg, func(d *collector.Deps) { d.Vendors = vendors(t) })
}

func mac(key, text string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

// sign gives the headers of a right signature of body by a source.
func sign(name, body string) []string {
	key := secretOf(name)
	switch name {
	case "github":
		return []string{"X-Hub-Signature-256", "sha256=" + hex.EncodeToString(mac(key, body))}
	case "pagerduty":
		return []string{"X-PagerDuty-Signature", "v1=" + hex.EncodeToString(mac(key, body))}
	case "promptlayer":
		return []string{"X-PromptLayer-Signature", hex.EncodeToString(mac(key, body))}
	case "gitlab":
		return []string{"X-Gitlab-Token", key}
	case "standard":
		return signStandard(body, today())
	default:
		return []string{"Authorization", key}
	}
}

func signStandard(body string, at time.Time) []string {
	when := strconv.FormatInt(at.Unix(), 10)
	code := mac("the-secret-of-standard", "msg-1."+when+"."+body)
	return []string{"webhook-id", "msg-1", "webhook-timestamp", when, "webhook-signature", "v1," + base64.StdEncoding.EncodeToString(code)}
}

// knock sends bytes to a source.
func (r *rig) knock(method, name string, body io.Reader, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+"/v1/sources/"+name, body)
	require.NoError(r.t, err)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// deliver sends a signed delivery.
func (r *rig) deliver(name, body string, headers ...string) answer {
	r.t.Helper()
	return r.knock(http.MethodPost, name, strings.NewReader(body), append(sign(name, body), headers...)...)
}

func (r *rig) received(n int) []*record.Received {
	r.t.Helper()
	var out []*record.Received
	for _, rec := range r.read(n, "received") {
		d := record.DecodeReceived(rec)
		require.Equal(r.t, d.Tenant+"/"+d.Source, string(rec.Key))
		out = append(out, d)
	}
	return out
}

func sum(text string) compliance.Hash { return sha256.Sum256([]byte(text)) }

// push is spelt as Python would spell it, so that every scheme can sign it.
const push = `{"after": "9fceb02d", "at": "2026-08-31T10:00:00+02:00", "kind": "push", "ref": "web#311", "sender": "u-alice"}`

func TestADeliveryBecomesEventsAndIsKept(t *testing.T) {
	for _, name := range []string{"github", "pagerduty", "promptlayer", "gitlab", "standard", "bearer"} {
		t.Run(name, func(t *testing.T) {
			r := startSources(t, withSources())
			got := r.deliver(name, push)
			require.Equal(t, http.StatusAccepted, got.status, got.body)
			require.JSONEq(t, `{"accepted": 1, "unmapped": [], "faults": 0}`, got.body)

			ev := r.read(1, "events.deployment")[0]
			require.Equal(t, "web#311", string(ev.Key))
			require.JSONEq(t, `{"author": "u-alice", "change_id": "web#311", "commit": "9fceb02d"}`, string(ev.Value))
			require.Equal(t, map[string]string{
				"ce_specversion": "1.0", "ce_id": "change.pushed/9fceb02d", "ce_source": "/" + name + "/acme", "ce_type": "change.pushed",
				"ce_time": "2026-08-31T08:00:00Z", "ce_tenant": "acme", "ce_delivery": sum(push).String(), "content-type": "application/json",
			}, headers(ev))
			vendor, ok := vendors(t).Vendor(name)
			require.True(t, ok)
			require.Equal(t, &record.Received{
				Tenant: "acme", Source: "/" + name + "/acme", ID: sum(push).String(), Kind: name + ".push", At: compliance.InstantOf(today()),
				MediaType: "application/json", Mapping: vendor.Version(), Events: 1, Body: []byte(push),
			}, r.received(1)[0])
			require.Equal(t, 1, r.metric("assay_collector_deliveries_total", name, "push", "mapped"))
			require.Equal(t, 1, r.metric("assay_collector_events_total", "change.pushed", "accepted"))
			require.Equal(t, 1, r.metric("assay_collector_request_duration_seconds", "webhook", "202"))
			for _, held := range []string{"assay_collector_inflight_bytes", "assay_collector_unproven_bytes"} {
				require.Eventually(t, func() bool { return r.metric(held) == 0 }, time.Second, time.Millisecond)
			}
		})
	}
}

// Two hooks that tell of one fact give one event, however they send it.
func TestAFormIsTheSameFact(t *testing.T) {
	r := startSources(t, withSources())
	login := `{"kind":"login.web","user":"u-alice & co = é","mfa":true}`
	form := "payload=" + url.QueryEscape(login)
	for _, c := range []struct{ body, contentType string }{
		{login, "application/json"}, {form, "application/x-www-form-urlencoded"}, {form, "text/plain"}, {login, "application/x-www-form-urlencoded"},
	} {
		got := r.deliver("github", c.body, "Content-Type", c.contentType, "X-GitHub-Delivery", "d-7")
		require.Equal(t, http.StatusAccepted, got.status, got.body)
	}
	want := "access.login/" + sum(login).String() + "/0"
	deliveries := map[string]int{}
	for _, ev := range r.read(4, "events.access") {
		require.Equal(t, want, headers(ev)["ce_id"])
		require.Equal(t, "u-alice & co = é", string(ev.Key))
		require.Equal(t, "2026-09-01T12:00:00Z", headers(ev)["ce_time"], "a fact without a time has that of its coming")
		deliveries[headers(ev)["ce_delivery"]]++
	}
	require.Equal(t, map[string]int{sum(login).String(): 2, sum(form).String(): 2}, deliveries)
	for _, d := range r.received(4) {
		require.Contains(t, []string{login, form}, string(d.Body), "as it came")
		require.Equal(t, "d-7", d.ID)
	}
}

// What PromptLayer signs is a text, and a body can be spelt in many ways: all of
// them are one fact, and what is mapped is what was signed.
func TestWhatPromptLayerSignedIsMapped(t *testing.T) {
	r := startSources(t, withSources())
	signed := `{"kind": "login.web", "mfa": true, "user": "u-\u00e9"}`
	for _, body := range []string{
		signed, `{"mfa":true,"user":"u-é","kind":"login.web"}`, `{"user":"u-mallory","mfa":true,"kind":"login.web","user":"u-\u00E9"}`,
	} {
		got := r.knock(http.MethodPost, "promptlayer", strings.NewReader(body), sign("promptlayer", signed)...)
		require.Equal(t, http.StatusAccepted, got.status, got.body)
		require.JSONEq(t, `{"accepted": 1, "unmapped": [], "faults": 0}`, got.body)
	}
	for _, ev := range r.read(3, "events.access") {
		require.Equal(t, "access.login/"+sum(signed).String()+"/0", headers(ev)["ce_id"])
		require.Equal(t, "u-é", string(ev.Key))
	}
}

// A sender who is believed hears yes, also if nobody can use what came.
func TestWhatBecomesNoEventIsKeptAndSaid(t *testing.T) {
	const fine = `{"kind":"push","after":"c","at":"2026-08-31T10:00:00Z","ref":"r","sender":"u"}`
	for name, c := range map[string]struct {
		body            string
		accepted        int
		unmapped        string
		faults          int
		note            string
		code            string
		outcome, family string
	}{
		"no mapping":       {`{"kind":"star.created"}`, 0, `["star.created"]`, 0, "no mapping takes star.created", "", "unmapped", "other"},
		"ping":             {`{"kind":"ping","zen":"…"}`, 0, `["ping"]`, 0, "no mapping takes ping", "", "unmapped", "other"},
		"some have none":   {`{"records":[` + fine + `,{"kind":"a"},{"kind":"b\n"}]}`, 1, `["a","b "]`, 0, "no mapping takes a, b ", "", "unmapped", "several"},
		"a mapping fails":  {`{"records":[{"kind":"push"},` + fine + `]}`, 1, `[]`, 1, "github/source.yaml:9, record 0: ", "invalid_data", "faulty", "push"},
		"data do not fit":  {`{"kind":"login.x","user":7,"mfa":"yes"}`, 0, `[]`, 1, "github/source.yaml:14, record 0: ", "invalid_data", "faulty", "login"},
		"in the future":    {strings.Replace(fine, "2026", "2036", 1), 0, `[]`, 1, "github/source.yaml:9", "implausible_time", "faulty", "push"},
		"id of controls":   {strings.Replace(fine, `"c"`, `"c\u0007"`, 1), 0, `[]`, 1, "control character", "malformed", "faulty", "push"},
		"a key twice":      {`{"kind":"push","kind":"ping"}`, 0, `[]`, 1, "the key stands twice", "malformed", "faulty", "unknown"},
		"half a surrogate": {`{"kind":"\ud800"}`, 0, `[]`, 1, "it is not JSON at byte", "malformed", "faulty", "unknown"},
		"too deep":         {strings.Repeat("[", 100) + strings.Repeat("]", 100), 0, `[]`, 1, "nested more than 64 deep", "too_large", "faulty", "unknown"},
		"far too deep":     {strings.Repeat("[", 50_000) + strings.Repeat("]", 50_000), 0, `[]`, 1, "nested more than 64 deep", "too_large", "faulty", "unknown"},
		"no object":        {`7`, 0, `["unknown"]`, 0, "no mapping takes unknown", "", "unmapped", "other"},
		"null":             {`null`, 0, `["unknown"]`, 0, "no mapping takes unknown", "", "unmapped", "other"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startSources(t, withSources())
			got := r.deliver("github", c.body)
			require.Equal(t, http.StatusAccepted, got.status, got.body)
			require.JSONEq(t, fmt.Sprintf(`{"accepted": %d, "unmapped": %s, "faults": %d}`, c.accepted, c.unmapped, c.faults), got.body)
			kept := r.received(1)[0]
			require.Equal(t, c.body, string(kept.Body))
			require.Equal(t, c.accepted, kept.Events)
			require.Contains(t, kept.Note, c.note)
			require.NotContains(t, kept.Note, "\n")
			require.True(t, strings.HasPrefix(kept.Kind, "github."), kept.Kind)
			require.Equal(t, 1, r.metric("assay_collector_deliveries_total", "github", c.family, c.outcome))
			for _, rejected := range r.rejected(c.faults) {
				require.Equal(t, c.code, rejected.Code)
				require.Contains(t, rejected.Reason, c.note)
				require.Equal(t, "acme", rejected.Tenant)
				require.Equal(t, "/github/acme", rejected.Source)
				require.Equal(t, kept.ID, rejected.ID)
				require.Equal(t, sum(c.body), rejected.SHA256)
			}
			require.EqualValues(t, c.accepted, r.held("assay.events.deployment", "assay.events.access"))
		})
	}
}

func TestOnlyWhatIsNoJSONIsRefused(t *testing.T) {
	r := startSources(t, withSources())
	bodies := []string{
		"", " ", "{", push + push, "<xml/>", `{"a":1,}`, "caf\xe9", "payload=", "payload=%7B%7D&payload=%7B%7D", "payload=%zz", "payload=" + push + "&x=1", "a=b",
		"\xef\xbb\xbf{}",
	}
	for _, body := range bodies {
		got := r.deliver("github", body)
		require.Equal(t, http.StatusBadRequest, got.status, "%q: %s", body, got.body)
		require.Equal(t, "https://assay.example/problems/malformed", got.problem(t).Type)
	}
	for _, kept := range r.rejected(len(bodies)) {
		require.Equal(t, "malformed", kept.Code)
		require.Contains(t, bodies, string(kept.Body))
	}
	require.Zero(t, r.held("assay.received"))
	require.Equal(t, len(bodies), r.metric("assay_collector_deliveries_total", "malformed"))
	// For what nobody can prove to be PromptLayer's, it is the signature that fails.
	require.Equal(t, http.StatusUnauthorized, r.deliver("promptlayer", "{").status)
}

func TestWhatVendorsAskOnce(t *testing.T) {
	cfg := withSources()
	cfg.Sources[5].Header = "X-Api-Key"
	r := startSources(t, cfg)
	const challenge = "X-Okta-Verification-Challenge"
	got := r.knock(http.MethodGet, "bearer", nil, "X-Api-Key", secretOf("bearer"), challenge, "<say> it & again")
	require.Equal(t, http.StatusOK, got.status, got.body)
	require.JSONEq(t, `{"verification": "<say> it & again"}`, got.body)
	require.Equal(t, "application/json", got.header.Get("Content-Type"))
	require.Equal(t, http.StatusMethodNotAllowed, r.knock(http.MethodGet, "bearer", nil, "X-Api-Key", secretOf("bearer")).status)
	refused := r.knock(http.MethodGet, "bearer", nil, "X-Api-Key", "another", challenge, "x")
	require.Equal(t, http.StatusUnauthorized, refused.status)
	for _, name := range []string{"github", "gitlab", "nobody"} {
		got := r.knock(http.MethodGet, name, nil, "X-Gitlab-Token", secretOf("gitlab"), challenge, "x")
		require.Equal(t, refused.body, got.body, "whether there is such a source is not told")
	}

	confirm := `{"Type":"SubscriptionConfirmation","SubscribeURL":"` + r.url + `/v1/types"}`
	got = r.knock(http.MethodPost, "bearer", strings.NewReader(confirm), "X-Api-Key", secretOf("bearer"),
		"Content-Type", "text/plain; charset=UTF-8", "X-Amz-Sns-Message-Type", "SubscriptionConfirmation")
	require.Equal(t, http.StatusAccepted, got.status, got.body)
	require.Contains(t, r.received(1)[0].Note, "SNS asks to confirm: its URL was not followed")
}

// A mapping sees the vendor's own headers, and none that proves who sent them.
func TestMappingsSeeNoSecret(t *testing.T) {
	cfg := withSources()
	cfg.Sources[5].Header = "X-Api-Key"
	r := startSources(t, cfg)
	leak := `{"kind": "leak"}`
	for _, name := range []string{"github", "gitlab"} {
		require.Equal(t, http.StatusAccepted, r.deliver(name, leak, "Authorization", "Bearer x").status)
	}
	require.Equal(t, http.StatusAccepted, r.knock(http.MethodPost, "bearer", strings.NewReader(leak), "X-Api-Key", secretOf("bearer")).status)
	for _, ev := range r.read(3, "events.access") {
		require.Equal(t, "----", string(ev.Key))
	}
}

func TestLabelsOfMetricsAreBounded(t *testing.T) {
	r := startSources(t, withSources())
	for i := range 100 {
		body := fmt.Sprintf(`{"records":[{"kind":"login.%d","user":"u","mfa":true},{"kind":"login.x%d","user":"u","mfa":true}]}`, i, i)
		require.Equal(t, http.StatusAccepted, r.deliver("github", body).status)
		require.Equal(t, http.StatusAccepted, r.deliver("github", fmt.Sprintf(`{"kind":"kind%d"}`, i)).status)
	}
	families, err := r.metrics.Gather()
	require.NoError(t, err)
	for _, f := range families {
		if f.GetName() == "assay_collector_deliveries_total" {
			require.Len(t, f.GetMetric(), 2)
		}
	}
	require.Equal(t, 100, r.metric("assay_collector_deliveries_total", "github", "login", "mapped"))
	require.Equal(t, 100, r.metric("assay_collector_deliveries_total", "github", "other", "unmapped"))
}

// While Kafka is silent nobody hears yes, and what it doesn't take is no yes either.
func TestNoVendorHearsYesBeforeKafkaHasTheDelivery(t *testing.T) {
	r := startSources(t, withSources())
	arrived, open := r.holdProduce()
	done := make(chan answer, 1)
	go func() { done <- r.deliver("github", push) }()
	require.Eventually(t, func() bool { return arrived() > 0 }, soon, time.Millisecond)
	select {
	case a := <-done:
		require.Fail(t, "answered", "%+v", a)
	default:
	}
	open()
	require.Equal(t, http.StatusAccepted, (<-done).status)
	r.received(1)
	r.read(1, "events.deployment")
}

func TestASlowKafkaIsSaidToVendorsToo(t *testing.T) {
	cfg := withSources()
	cfg.AckTimeout = time.Second
	r := startSources(t, cfg)
	_, open := r.holdProduce()
	got := r.deliver("github", push)
	require.Equal(t, http.StatusServiceUnavailable, got.status)
	require.Equal(t, "5", got.header.Get("Retry-After"))
	require.Equal(t, 1, r.metric("assay_collector_deliveries_total", "github", "push", "unacknowledged"))
	open()
	r.received(1)
}

func TestASecretIsReplacedWithoutAPause(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(file, []byte("the-secret-that-comes-after\n"), 0o600))
	cfg := withSources()
	cfg.Sources[0].SecretFiles = []string{file}
	cfg.Sources[0].SecretEnv = []string{"HOOK_SECRET"}
	r := startWith(t, cfg, func(d *collector.Deps) {
		d.Vendors = vendors(t)
		d.Env = func(name string) string { return map[string]string{"HOOK_SECRET": "the-secret-of-a-variable"}[name] }
	})
	for _, key := range []string{secretOf("github"), "the-secret-that-comes-after", "the-secret-of-a-variable"} {
		got := r.knock(http.MethodPost, "github", strings.NewReader(push), "X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac(key, push)))
		require.Equal(t, http.StatusAccepted, got.status)
	}
	r.received(3)
}

// The product's own vendors can all be connected.
func TestTheProductsVendorsAreSignedInWaysThatWeCheck(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	library, err := source.Default(types)
	require.NoError(t, err)
	schemes := slices.Sorted(func(yield func(string) bool) {
		for _, name := range library.Names() {
			v, _ := library.Vendor(name)
			if !yield(v.Signature) {
				return
			}
		}
	})
	for _, scheme := range slices.Compact(schemes) {
		require.Contains(t, []string{"bearer", "github", "gitlab", "none", "pagerduty", "promptlayer", "standard", "key"}, scheme,
			"key is that of other doors, which ask for a key of collector.keys")
	}
}

func TestAnswersAreJSON(t *testing.T) {
	r := startSources(t, withSources())
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.deliver("github", push).body), &got))
	require.Len(t, got, 3)
}
