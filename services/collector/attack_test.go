package collector_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/services/collector"
)

// attack is one request that somebody who shouldn't may send, and what it must do:
// the events are those that the log has more of afterwards, by their ids.
type attack struct {
	name     string
	send     func(*rig) answer
	status   int
	events   []string // new ids
	received int      // new deliveries
	rejected int
}

func hub(key, body string) string { return "sha256=" + hex.EncodeToString(mac(key, body)) }

func attacks() []attack {
	post := func(name, body string, headers ...string) func(*rig) answer {
		return func(r *rig) answer { return r.knock(http.MethodPost, name, strings.NewReader(body), headers...) }
	}
	signed := func(name, body string, headers ...string) func(*rig) answer {
		return post(name, body, append(sign(name, body), headers...)...)
	}
	altered := strings.Replace(push, "u-alice", "u-mallory", 1)
	big := `{"kind":"push","x":"` + strings.Repeat("x", 1<<20) + `"}`
	inside := strings.Replace(push, "web#311", "&payload="+url.QueryEscape(altered)+"&", 1)
	const id = "change.pushed/9fceb02d"
	return []attack{
		{"a right delivery, to begin with", signed("github", push), 202, []string{id}, 1, 0},

		{"no signature", post("github", push), 401, nil, 0, 0},
		{"a forged signature", post("github", push, "X-Hub-Signature-256", "sha256="+strings.Repeat("ab", 32)), 401, nil, 0, 0},
		{"signed with a guess", post("github", push, "X-Hub-Signature-256", hub("password", push)), 401, nil, 0, 0},
		{"signed with no secret", post("github", push, "X-Hub-Signature-256", hub("", push)), 401, nil, 0, 0},
		{"signed with the demonstration's secret", post("github", push, "X-Hub-Signature-256", hub(collector.DemoSourceSecret, push)), 401, nil, 0, 0},
		{"the old SHA-1 signature", post("github", push, "X-Hub-Signature", "sha1=85d155c55ed286a300bd1cf124de08d87e914f3a"), 401, nil, 0, 0},
		{"the right signature of another body", post("github", altered, sign("github", push)...), 401, nil, 0, 0},
		{"another source's right signature", post("github", push, "X-Hub-Signature-256", hub(secretOf("promptlayer"), push)), 401, nil, 0, 0},
		{"a delivery of one source, sent to another", post("promptlayer", push, sign("github", push)...), 401, nil, 0, 0},
		{"two signatures, one right", func(r *rig) answer {
			return r.raw("POST /v1/sources/github HTTP/1.1\r\nHost: x\r\nX-Hub-Signature-256: sha256=00\r\nX-Hub-Signature-256: "+hub(secretOf("github"), push)+
				"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(push), push)
		}, 401, nil, 0, 0},
		{"a key of the events' door", post("github", push, "Authorization", "Bearer "+secret), 401, nil, 0, 0},
		{"an unknown source, rightly signed for another", post("gitea", push, sign("github", push)...), 401, nil, 0, 0},
		{"an unknown source with a strange name", post("..%2fgithub", push, sign("github", push)...), 401, nil, 0, 0},
		{"Standard Webhooks, ten minutes old", func(r *rig) answer {
			return r.knock(http.MethodPost, "standard", strings.NewReader(push), signStandard(push, today().Add(-10*time.Minute))...)
		}, 401, nil, 0, 0},
		{"a token with one letter less", post("gitlab", push, "X-Gitlab-Token", secretOf("gitlab")[1:]), 401, nil, 0, 0},

		{"a replay under another delivery id", signed("github", push, "X-GitHub-Delivery", "11111111-2222"), 202, []string{id}, 1, 0},
		{"a replay as another kind, by its unsigned header", signed("github", push, "X-GitHub-Event", "login.x"), 202, nil, 1, 1},
		{"a replay with the keys in another order", post("promptlayer", `{"sender":"u-alice","ref":"web#311","kind":"push","at":"2026-08-31T10:00:00+02:00","after":"9fceb02d"}`, sign("promptlayer", push)...), 202, []string{id}, 1, 0},
		{"a replay with a key twice, the signed one last", post("promptlayer", `{"sender":"u-mallory",`+push[1:], sign("promptlayer", push)...), 202, []string{id}, 1, 0},
		{"a key twice, the signed one first", post("promptlayer", strings.TrimSuffix(push, "}")+`,"sender":"u-mallory"}`, sign("promptlayer", push)...), 401, nil, 0, 0},
		{"keys twice, signed", signed("github", `{"kind":"push",`+push[1:]), 202, nil, 1, 1},
		{"JSON that holds a form, sent as a form", signed("github", inside, "Content-Type", "application/x-www-form-urlencoded"), 202, []string{id}, 1, 0},
		{"a form with two payloads", signed("github", "payload="+url.QueryEscape(push)+"&payload="+url.QueryEscape(altered)), 400, nil, 0, 1},
		{"XML", signed("github", "<push/>", "Content-Type", "text/xml"), 400, nil, 0, 1},
		{"JSON, said to be XML", signed("github", push, "Content-Type", "text/xml"), 202, []string{id}, 1, 0},
		{"deep JSON", signed("github", strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000)), 202, nil, 1, 1},
		{"deep JSON that has to be put in order before it is believed", post("promptlayer", strings.Repeat(`{"b":`, 50_000)+"1"+strings.Repeat(`,"a":1}`, 50_000), sign("promptlayer", push)...), 401, nil, 0, 0},
		{"200,001 elements", signed("github", `{"records":[`+strings.Repeat("0,", 200_000)+"0]}"), 202, nil, 1, 1},

		{"more than the limit", signed("github", big), 413, nil, 0, 0},
		{"more than the limit, to nobody", signed("nobody", big), 413, nil, 0, 0},
		{"a gzip bomb", func(r *rig) answer {
			bomb := zip(r.t, bytes.Repeat([]byte(" "), 16<<20))
			return r.knock(http.MethodPost, "github", bytes.NewReader(bomb), "Content-Encoding", "gzip", "X-Hub-Signature-256", hub(secretOf("github"), string(bomb)))
		}, 413, nil, 0, 0},
		{"gzip, signed before it was packed", func(r *rig) answer {
			return r.knock(http.MethodPost, "github", bytes.NewReader(zip(r.t, []byte(push))), append(sign("github", push), "Content-Encoding", "gzip")...)
		}, 202, []string{id}, 1, 0},
		{"another packing", signed("github", push, "Content-Encoding", "br"), 415, nil, 0, 0},
		{"a body that drips", func(r *rig) answer {
			body, w := io.Pipe()
			defer w.Close()
			go func() { _, _ = io.WriteString(w, `{"kind":`) }()
			return r.knock(http.MethodPost, "github", body, sign("github", push)...)
		}, 408, nil, 0, 0},
		{"GET", func(r *rig) answer { return r.knock(http.MethodGet, "github", nil, sign("github", "")...) }, 401, nil, 0, 0},
		{"DELETE", func(r *rig) answer { return r.knock(http.MethodDelete, "github", nil) }, 405, nil, 0, 0},
		{"a right delivery, in the end", signed("pagerduty", push), 202, []string{id}, 1, 0},
	}
}

// TestAttacks is one collector that meets them all. With -v it prints the table.
func TestAttacks(t *testing.T) {
	cfg := withSources()
	cfg.ReadTimeout = time.Second
	r := startSources(t, cfg)
	var table strings.Builder
	out := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "\ntried\tanswer\tevents\tdeliveries kept\trejected")
	var refused, events, received, rejected int
	ids := map[string]int{}
	var all strings.Builder
	for _, a := range attacks() {
		began := time.Now()
		got := a.send(r)
		require.Equal(t, a.status, got.status, "%s: %s", a.name, got.body)
		require.Less(t, time.Since(began), soon, a.name)
		fmt.Fprintln(&all, got.body, got.header)
		events, received, rejected = events+len(a.events), received+a.received, rejected+a.rejected
		for _, id := range a.events {
			ids[id]++
		}
		require.Eventually(t, func() bool {
			return int(r.held("assay.events.deployment", "assay.events.access")) == events &&
				int(r.held("assay.received")) == received && int(r.held("assay.rejected")) == rejected
		}, soon, time.Millisecond, a.name)
		if got.status == http.StatusUnauthorized {
			require.Equal(t, sameNo(t, r), got.body, a.name)
			refused++
		}
		fmt.Fprintf(out, "%s\t%d\t%s\t%d\t%d\n", a.name, got.status, strings.Join(a.events, " "), a.received, a.rejected)
	}
	require.NoError(t, out.Flush())
	t.Log(table.String())

	for _, ev := range r.read(events, "events.deployment") {
		h := headers(ev)
		ids[h["ce_id"]]--
		require.Contains(t, string(ev.Value), `"author":"u-alice"`, "nobody but the signer says who it was")
		require.Contains(t, []string{"/github/acme", "/promptlayer/acme", "/pagerduty/acme"}, h["ce_source"])
		fmt.Fprintln(&all, string(ev.Key), string(ev.Value), h)
	}
	for id, n := range ids {
		require.Zero(t, n, id)
	}
	for _, d := range r.received(received) {
		fmt.Fprintln(&all, d.ID, d.Kind, d.Note, d.Mapping)
	}
	for _, d := range r.rejected(rejected) {
		fmt.Fprintln(&all, d)
	}
	const name = "assay_collector_deliveries_refused_total"
	require.Equal(t, 5, r.metric(name, "unread"))
	require.Equal(t, 2*refused, r.metric(name)-r.metric(name, "unread"), "each, and what it was compared with")
	require.Equal(t, 1, r.metric(name, "standard", "stale"))
	require.Eventually(t, func() bool { return r.metric("assay_collector_unproven_bytes") == 0 }, soon, time.Millisecond)
	showsNoSecret(t, r, all.String())
}

// sameNo is what the sender of nothing to nobody hears.
func sameNo(t *testing.T, r *rig) string {
	t.Helper()
	got := r.knock(http.MethodPost, "no-such-source", strings.NewReader("{}"))
	require.Equal(t, http.StatusUnauthorized, got.status)
	return got.body
}

// showsNoSecret looks into answers, records, metrics and the log.
func showsNoSecret(t *testing.T, r *rig, seen string) {
	t.Helper()
	families, err := r.metrics.Gather()
	require.NoError(t, err)
	require.NoError(t, r.end())
	seen += fmt.Sprint(families, r.log)
	require.Contains(t, seen, "collector listens")
	for _, name := range []string{"github", "pagerduty", "promptlayer", "gitlab", "standard", "bearer"} {
		require.NotContains(t, seen, secretOf(name))
		require.NotContains(t, seen, hex.EncodeToString(mac(secretOf(name), push)), "a signature can be used again")
	}
	require.NotContains(t, seen, secret)
}

// raw sends bytes that no client would.
func (r *rig) raw(format string, args ...any) answer {
	r.t.Helper()
	status, body := r.rawRequest(fmt.Sprintf(format, args...))
	return answer{status: status, body: body}
}

// Every comparison with a secret, or with what was made of one, takes the same time
// whatever differs: the package's only comparisons of bytes are crypto/subtle's.
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	text := sourceText(t, "internal/signature/signature.go")
	require.Len(t, regexp.MustCompile(`subtle\.ConstantTimeCompare`).FindAllString(text, -1), 2)
	for _, wrong := range []string{`bytes\.Equal`, `hmac\.Equal`, `EqualFold\([^)]*Reveal`, `Reveal\(\) ?[!=]=`, `[!=]= ?(sum|mac|code|want)\b`} {
		require.NotRegexp(t, wrong, text)
	}
}

// What is signed is not who may say it: the product's own mapping of GitHub is held
// against kinds that a replay claims in the header, which GitHub doesn't sign.
func TestTheProductsGitHubMappingAgainstClaimedKinds(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	library, err := source.Default(types)
	require.NoError(t, err)
	cfg := withSources()
	cfg.Sources = cfg.Sources[:1]
	r := startWith(t, cfg, func(d *collector.Deps) { d.Vendors = library })
	// A comment on a pull request says next to nothing that counts.
	body := `{"action":"created","comment":{"id":9,"user":{"login":"u-mallory"}},"issue":{"number":311,"pull_request":{}},` +
		`"repository":{"name":"web","full_name":"acme/web"},"sender":{"login":"u-mallory"}}`
	for _, kind := range []string{"deployment_status", "pull_request_review", "push", "pull_request", "release", "check_run", "member", "workflow_run"} {
		require.Equal(t, http.StatusAccepted, r.deliver("github", body, "X-GitHub-Event", kind).status)
	}
	// pkg/source tries all bodies as all events; here they come through the door.
	for _, topic := range []string{"events.deployment", "events.access", "events.incident"} {
		require.Empty(t, r.all(topic))
	}
	for _, kept := range r.received(8) {
		require.Contains(t, kept.Note, "no mapping takes mismatch:")
	}
}

func TestMemoryStaysFlatWhileVendorsSendAndKafkaIsAway(t *testing.T) {
	cfg := withSources()
	cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 1<<20, 8<<20
	cfg.AckTimeout = time.Second
	r := startSources(t, cfg)
	require.Equal(t, http.StatusAccepted, r.deliver("github", push).status)
	r.cluster.Close()

	large := strings.TrimSuffix(push, "}") + `, "x": "` + strings.Repeat("x", 900<<10) + `"}`
	spread := `{"kind": "push", "records": [` + strings.Repeat("0, ", 190_000) + `0]}`
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	peak := heapPeak()
	var statuses sync.Map
	var group sync.WaitGroup
	for sender := range 16 {
		group.Go(func() {
			for i := range 15 {
				name, body := []string{"github", "promptlayer", "pagerduty"}[(sender+i)%3], large
				h := sign(name, body)
				switch {
				case i%5 == 0:
					h = sign(name, "another body")
				case sender%4 == 0:
					body = spread
					h = sign(name, body)
				}
				if got, err := r.send(name, body, h...); err == nil {
					statuses.Store(got, true)
				}
			}
		})
	}
	group.Wait()
	grown := int64(peak()) - int64(before.HeapAlloc)
	var seen []int
	statuses.Range(func(status, _ any) bool { seen = append(seen, status.(int)); return true })
	slices.Sort(seen)
	require.Subset(t, seen, []int{http.StatusUnauthorized, http.StatusTooManyRequests, http.StatusServiceUnavailable})
	require.NotContains(t, seen, http.StatusAccepted)
	t.Logf("240 deliveries of up to 900 KiB at a budget of %d MiB: answers %v; the heap grew by %d MiB at most", cfg.MaxInFlightBytes>>20, seen, grown>>20)
	require.Less(t, grown, 16*cfg.MaxInFlightBytes)
	require.LessOrEqual(t, r.metric("assay_collector_inflight_bytes"), int(cfg.MaxInFlightBytes))
	require.Eventually(t, func() bool { return r.metric("assay_collector_unproven_bytes") == 0 }, soon, time.Millisecond)
}

// Strangers who hold all that may be held unproven close no other door.
func TestStrangersDoNotCloseTheEventsDoor(t *testing.T) {
	cfg := withSources()
	cfg.MaxEventBytes, cfg.MaxBatchBytes, cfg.MaxInFlightBytes = 64<<10, 64<<10, 256<<10
	cfg.ReadTimeout = 20 * time.Second
	r := startSources(t, cfg)
	for range 4 {
		body, w := io.Pipe()
		t.Cleanup(func() { w.Close() })
		go func() { _, _ = io.WriteString(w, `{"x":"`+strings.Repeat("x", 40<<10)) }()
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/sources/github", body)
			if err != nil {
				return
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}()
	}
	require.Eventually(t, func() bool { return r.deliver("github", push).status == http.StatusTooManyRequests }, soon, time.Millisecond)
	require.Equal(t, http.StatusAccepted, r.post(structured, []byte(event("e-1"))).status)
}

// Who fills what may be held for sources that don't exist keeps no vendor out.
func TestStrangersAtNobodysDoorKeepNoVendorOut(t *testing.T) {
	cfg := withSources()
	cfg.ReadTimeout = 20 * time.Second
	r := startSources(t, cfg)
	for range 24 {
		body, w := io.Pipe()
		t.Cleanup(func() { w.Close() })
		go func() { _, _ = io.WriteString(w, `{"x":"`+strings.Repeat("x", 900<<10)) }()
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/sources/no-such-source", body)
			if err != nil {
				return
			}
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		}()
	}
	require.Eventually(t, func() bool {
		return r.knock(http.MethodPost, "no-such-source", strings.NewReader(push)).status == http.StatusTooManyRequests
	}, soon, time.Millisecond)
	require.Equal(t, http.StatusAccepted, r.deliver("github", push).status)
}

// all are the records that a topic holds.
func (r *rig) all(topic string) []*kgo.Record {
	r.t.Helper()
	return r.read(int(r.held(r.kafka.Topic(topic))), topic)
}
