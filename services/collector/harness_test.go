package collector_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/daemon/daemontest"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/collector"
)

const (
	secret = "s3cret-key-of-the-identity-provider"
	other  = "s3cret-key-of-somebody-else"
)

// today is the collector's wall clock in all tests.
func today() time.Time { return time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC) }

func digest(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

// rig is a collector that runs on a fake Kafka.
type rig struct {
	t       *testing.T
	cluster *kfake.Cluster
	kafka   stream.Config
	metrics *prometheus.Registry
	log     *daemontest.Log
	url     string
	ready   sync.Map // part → error
	stop    context.CancelFunc
	stopped chan error
}

func config() collector.Config {
	cfg := collector.Default()
	cfg.Keys = []collector.Key{
		{ID: "idp", SHA256: digest(secret), Tenant: "acme", Sources: []string{"/idp", "/vcs/*"}},
		{ID: "other", SHA256: digest(other), Tenant: "other", Sources: []string{"*"}},
	}
	return cfg
}

func start(t *testing.T, cfg collector.Config) *rig {
	t.Helper()
	return startWith(t, cfg, func(*collector.Deps) {})
}

func startWith(t *testing.T, cfg collector.Config, change func(*collector.Deps)) *rig {
	t.Helper()
	topics := []string{"assay.rejected", "assay.received"}
	for _, name := range stream.EventTopics() {
		topics = append(topics, "assay."+name)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	kafka := stream.Default()
	kafka.Brokers = cluster.ListenAddrs()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	r := &rig{
		t: t, cluster: cluster, kafka: kafka, metrics: prometheus.NewRegistry(), log: &daemontest.Log{},
		url: "http://" + listener.Addr().String(), stop: cancel, stopped: make(chan error, 1),
	}
	deps := collector.Deps{
		Log: zerolog.New(r.log).Level(zerolog.TraceLevel), Metrics: r.metrics,
		Ready: func(part string, err error) { r.ready.Store(part, fmt.Sprint(err)) },
		Kafka: kafka, Now: today, Listener: listener,
	}
	change(&deps)
	go func() { r.stopped <- collector.Run(ctx, cfg, deps) }()
	t.Cleanup(func() { r.end() })
	require.Eventually(t, func() bool {
		state, _ := r.ready.Load("kafka")
		return state == "<nil>" || len(r.stopped) > 0
	}, 10*time.Second, time.Millisecond)
	require.Empty(t, r.stopped, "Run has returned")
	return r
}

// end stops the collector once; it gives what Run returned.
func (r *rig) end() error {
	r.stop()
	select {
	case err := <-r.stopped:
		r.stopped <- err
		return err
	case <-time.After(30 * time.Second):
		require.Fail(r.t, "Run does not return")
		return nil
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// problem is a refusal as senders see it.
type problem struct {
	Type, Title, Detail string
	Status, Omitted     int
	Errors              []struct {
		Index                       int
		Code, Pointer, Reason, Hint string
	}
}

func (a answer) problem(t *testing.T) problem {
	t.Helper()
	require.Equal(t, "application/problem+json", a.header.Get("Content-Type"))
	var p problem
	require.NoError(t, json.Unmarshal([]byte(a.body), &p), a.body)
	require.Equal(t, a.status, p.Status)
	require.NotEmpty(t, p.Title)
	require.NotEmpty(t, p.Detail)
	return p
}

// post sends to /v1/events with the key and a Content-Type; more headers follow
// as name, value.
func (r *rig) post(contentType string, body []byte, headers ...string) answer {
	r.t.Helper()
	a, err := r.try(contentType, bytes.NewReader(body), headers...)
	require.NoError(r.t, err)
	return a
}

func (r *rig) try(contentType string, body io.Reader, headers ...string) (answer, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/v1/events", body)
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}, err
}

// read gives the n records that topics hold; it fails if there are more or fewer.
func (r *rig) read(n int, topics ...string) []*kgo.Record {
	r.t.Helper()
	opts, err := r.kafka.Options(zerolog.Nop())
	require.NoError(r.t, err)
	for i := range topics {
		topics[i] = r.kafka.Topic(topics[i])
	}
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	require.NoError(r.t, err)
	defer cl.Close()
	var got []*kgo.Record
	deadline, cancel := context.WithTimeout(r.t.Context(), 10*time.Second)
	defer cancel()
	for len(got) < n {
		fetches := cl.PollFetches(deadline)
		require.NoError(r.t, fetches.Err(), "%d of %d records", len(got), n)
		got = append(got, fetches.Records()...)
	}
	require.Len(r.t, got, n)
	require.EqualValues(r.t, n, r.held(topics...), "records in %v", topics)
	return got
}

// held counts the records of topics with their full names.
func (r *rig) held(topics ...string) (n int64) {
	for _, topic := range topics {
		for _, p := range r.cluster.PartitionInfos(topic) {
			n += p.HighWatermark
		}
	}
	return n
}

func (r *rig) nothingTaken() {
	r.t.Helper()
	for _, name := range stream.EventTopics() {
		require.Zero(r.t, r.held(r.kafka.Topic(name)), name)
	}
}

func (r *rig) rejected(n int) []record.Rejected {
	r.t.Helper()
	var out []record.Rejected
	for _, rec := range r.read(n, "rejected") {
		var v record.Rejected
		require.NoError(r.t, json.Unmarshal(rec.Value, &v))
		out = append(out, v)
	}
	return out
}

// metric is the sum of a family's samples whose labels have all the given values:
// of counters and gauges the value, of histograms the count.
func (r *rig) metric(name string, labels ...string) int {
	r.t.Helper()
	families, err := r.metrics.Gather()
	require.NoError(r.t, err)
	var sum float64
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			found := 0
			for _, l := range m.GetLabel() {
				for _, want := range labels {
					if l.GetValue() == want {
						found++
					}
				}
			}
			if found == len(labels) {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	return int(sum)
}

// holdProduce makes Kafka keep silent about produce requests until the returned
// function is called; arrived says how many wait.
func (r *rig) holdProduce() (arrived func() int, open func()) {
	var mu sync.Mutex
	count := 0
	gate := make(chan struct{})
	r.cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		mu.Lock()
		count++
		mu.Unlock()
		r.cluster.SleepControl(func() { <-gate })
		return nil, nil, false
	})
	var once sync.Once
	open = func() { once.Do(func() { close(gate) }) }
	r.t.Cleanup(open)
	return func() int { mu.Lock(); defer mu.Unlock(); return count }, open
}

const (
	structured = "application/cloudevents+json"
	batch      = "application/cloudevents-batch+json"
	data       = `{"user_id":"u-alice", "system":"billing",  "mfa":true}`
)

// event is one in structured mode; changes are name, value (as JSON; "" leaves the
// attribute out).
func event(id string, changes ...string) string {
	e := map[string]string{
		"specversion": `"1.0"`, "id": `"` + id + `"`, "source": `"/idp"`, "type": `"access.login"`,
		"time": `"2026-07-01T09:30:00Z"`, "data": data,
	}
	for i := 0; i < len(changes); i += 2 {
		e[changes[i]] = changes[i+1]
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for _, name := range []string{"specversion", "id", "source", "type", "time", "tenant", "sequence", "subject", "datacontenttype", "data", "data_base64"} {
		if e[name] == "" {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:%s", name, e[name])
	}
	b.WriteByte('}')
	return b.String()
}

// send is a delivery from any goroutine; it gives the answer's status.
func (r *rig) send(name, body string, headers ...string) (int, error) {
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/v1/sources/"+name, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// rawRequest sends bytes on a connection of their own.
func (r *rig) rawRequest(text string) (status int, body string) {
	r.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	require.NoError(r.t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, text)
	require.NoError(r.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(all)
}

// sourceText is a file of the collector's code.
func sourceText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	return string(text)
}
