package evaluator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/evaluator"
)

const boundary = `
effective_from: 2026-07-01T00:00:00Z
`

const logins = `
id: AC-01
title: Privileged sign-ins use a second factor
criteria: [CC6.1]
severity: high
population: {event: access.login, where: event.privileged, item: event.id}
assert: event.mfa
`

const incidents = `
id: IN-01
title: High-severity incidents are acknowledged within 15 minutes
criteria: [CC7.3]
severity: high
population: {event: incident.opened, where: 'event.severity in ["sev1", "sev2"]', item: event.incident_id}
expect:
  ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, where: 'event.responder_kind == "human"', between: "[0s, 15m]"}
assert: ack.count >= 1
reasons: {not_acknowledged: ack.count == 0}
`

func bundle(t *testing.T) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(fstest.MapFS{
		control.BoundaryFile: {Data: []byte(boundary)},
		"AC-01.yaml":         {Data: []byte(strings.ReplaceAll(logins, "event.mfa", "item.mfa"))},
		"IN-01.yaml":         {Data: []byte(incidents)},
	}, types)
	require.NoError(t, err)
	return b
}

// brokersEnv names a real Kafka to test on, instead of one in memory.
const brokersEnv = "ASSAY_TEST_BROKERS"

// site is a Kafka with the product's topics.
type site struct {
	t     *testing.T
	kafka stream.Config
	cl    *kgo.Client
}

func newSite(t *testing.T) *site {
	t.Helper()
	cfg := stream.Default()
	if brokers := os.Getenv(brokersEnv); brokers != "" {
		cfg.Brokers = strings.Split(brokers, ",")
		cfg.TopicPrefix = fmt.Sprintf("%s-%d.", strings.ToLower(t.Name()), time.Now().UnixNano())
	} else {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		require.NoError(t, err)
		t.Cleanup(cluster.Close)
		cfg.Brokers = cluster.ListenAddrs()
	}
	opts, err := cfg.Options(zerolog.Nop())
	require.NoError(t, err)
	cl, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	require.NoError(t, stream.CreateTopics(t.Context(), cl, cfg, stream.Embedded))
	return &site{t, cfg, cl}
}

// running is an evaluator, and what it says of itself.
type running struct {
	cancel  context.CancelFunc
	done    chan error
	metrics *prometheus.Registry
	mu      sync.Mutex
	ready   map[string]error
	log     bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.Write(p)
}

func (r *running) text() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

func (s *site) start(cfg evaluator.Config) *running {
	s.t.Helper()
	return s.startWith(cfg, bundle(s.t))
}

func (s *site) startWith(cfg evaluator.Config, b *control.Bundle) *running {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	r := &running{cancel: cancel, done: make(chan error, 1), metrics: prometheus.NewRegistry(), ready: map[string]error{}}
	deps := evaluator.Deps{
		Log: zerolog.New(r), Metrics: r.metrics, Kafka: s.kafka, Bundle: b,
		Ready: func(part string, err error) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.ready[part] = err
		},
	}
	go func() { r.done <- evaluator.Run(ctx, cfg, deps) }()
	s.t.Cleanup(cancel)
	return r
}

func (r *running) allReady() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, part := range []string{"clock", "router", "judge", "publisher"} {
		if err, known := r.ready[part]; !known || err != nil {
			return false
		}
	}
	return true
}

func fast() evaluator.Config {
	cfg := evaluator.Default()
	cfg.Clock = "external"
	cfg.Bound, cfg.MarkInterval = 0, 50*time.Millisecond
	return cfg
}

func (s *site) event(family compliance.Family, kind, id, key string, at compliance.Instant, data string) {
	s.t.Helper()
	r := record.EncodeEvent(&compliance.Event{Tenant: "default", Source: "/test", ID: id, Type: kind, Time: at}, key, []byte(data))
	r.Topic = s.kafka.Topic("events." + string(family))
	require.NoError(s.t, s.cl.ProduceSync(s.t.Context(), r).FirstErr())
}

func (s *site) clock(now compliance.Instant) {
	s.t.Helper()
	opts, err := s.kafka.Options(zerolog.Nop())
	require.NoError(s.t, err)
	cl, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	require.NoError(s.t, err)
	defer cl.Close()
	for _, name := range stream.EventTopics() {
		for p := range int32(2) {
			require.NoError(s.t, cl.ProduceSync(s.t.Context(), record.EncodeClock(s.kafka.Topic(name), p, now)).FirstErr())
		}
	}
}

// violations reads n of them, by id.
func (s *site) violations(n int) map[string]record.Violation {
	s.t.Helper()
	opts, err := s.kafka.Options(zerolog.Nop())
	require.NoError(s.t, err)
	cl, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(s.kafka.Topic("violations")))...)
	require.NoError(s.t, err)
	defer cl.Close()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	defer cancel()
	all := map[string]record.Violation{}
	for len(all) < n {
		fetches := cl.PollFetches(ctx)
		require.NoError(s.t, fetches.Err(), "there are %d violations of %d", len(all), n)
		for r := range fetches.RecordsAll() {
			var v record.Violation
			require.NoError(s.t, json.Unmarshal(r.Value, &v))
			all[v.ID] = v
		}
	}
	return all
}

func start(t *testing.T) compliance.Instant {
	t.Helper()
	at, err := compliance.ParseInstant("2026-08-03T09:00:00Z")
	require.NoError(t, err)
	return at
}

func (s *site) tellOfLogins(from, n int, at compliance.Instant) {
	s.t.Helper()
	for i := from; i < from+n; i++ {
		s.event(compliance.Access, "access.login", fmt.Sprintf("l%d", i), fmt.Sprintf("u%d", i), at,
			fmt.Sprintf(`{"user_id": "u%d", "system": "console", "privileged": true, "mfa": %t}`, i, i%2 == 0))
	}
}

// Events go in, violations come out, over a restart and by the real engine.
func TestRun(t *testing.T) {
	s, at := newSite(t), start(t)
	e := s.start(fast())
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond, "%s", e.text())
	s.tellOfLogins(0, 10, at)
	s.event(compliance.Incident, "incident.opened", "o1", "inc-1", at, `{"incident_id": "inc-1", "severity": "sev1", "service": "api"}`)
	s.event(compliance.Incident, "incident.opened", "o2", "inc-2", at, `{"incident_id": "inc-2", "severity": "sev1", "service": "api"}`)
	s.event(compliance.Incident, "incident.acknowledged", "a1", "inc-1", at.Add(5*time.Minute),
		`{"incident_id": "inc-1", "responder": "bob", "responder_kind": "human"}`)
	s.clock(at.Add(time.Hour))
	got := s.violations(6)
	require.Equal(t, "not_acknowledged", lastOf(got, "default/IN-01/inc-2").Verdict.Reason)
	require.Equal(t, "Privileged sign-ins use a second factor", lastOf(got, "default/AC-01/l1").Title)
	e.cancel()
	require.NoError(t, <-e.done)

	e = s.start(fast())
	s.tellOfLogins(10, 10, at.Add(2*time.Hour))
	s.clock(at.Add(3 * time.Hour))
	require.Len(t, s.violations(11), 11)
	e.cancel()
	require.NoError(t, <-e.done)
	require.NotContains(t, e.text(), `"level":"error"`)
}

// lastOf is the violation of the highest revision of an episode.
func lastOf(all map[string]record.Violation, episode string) record.Violation {
	var last record.Violation
	for _, v := range all {
		if v.Episode == episode && v.Verdict.Number > last.Verdict.Number {
			last = v
		}
	}
	return last
}

// The parts end in the order of the flow, and what they count has the names that
// dashboards know.
func TestStopsInTheOrderOfTheFlow(t *testing.T) {
	s, at := newSite(t), start(t)
	e := s.start(fast())
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond)
	s.tellOfLogins(0, 2, at)
	s.clock(at.Add(time.Hour))
	s.violations(1)
	names := map[string]bool{}
	require.Eventually(t, func() bool {
		families, err := e.metrics.Gather()
		require.NoError(t, err)
		for _, f := range families {
			names[f.GetName()] = true
		}
		return len(names) >= 8
	}, 10*time.Second, 50*time.Millisecond)
	for _, name := range []string{
		"routed_total", "verdicts_total", "violations_total", "lag_records", "watermark_seconds",
		"transaction_seconds", "restores_total", "gaps_total",
	} {
		require.True(t, names["assay_evaluator_"+name], name)
	}
	e.cancel()
	require.NoError(t, <-e.done)
	text := e.text()
	router, judge, publisher := strings.Index(text, "router stopped"), strings.Index(text, "judge stopped"), strings.Index(text, "publisher stopped")
	require.Positive(t, router)
	require.Greater(t, judge, router)
	require.Greater(t, publisher, judge)
}

// On the wall's clock an event of now is judged within seconds, by nobody else's help.
func TestWallClock(t *testing.T) {
	s := newSite(t)
	cfg := evaluator.Default()
	cfg.Bound, cfg.MarkInterval, cfg.ClockInterval = 100*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	e := s.start(cfg)
	require.Eventually(t, e.allReady, 20*time.Second, 20*time.Millisecond)
	s.tellOfLogins(1, 1, compliance.InstantOf(time.Now()))
	s.violations(1)
	e.cancel()
	require.NoError(t, <-e.done)
}

func TestDefaultIsValid(t *testing.T) {
	require.NoError(t, evaluator.Default().Validate())
}

func TestValidateReportsAllFaults(t *testing.T) {
	err := evaluator.Config{Bound: -1, GapPatience: -1}.Validate()
	for _, key := range []string{
		"instance", "clock", "bound", "batchRecords", "transactionTimeout", "sessionTimeout", "gapPatience",
		"clockInterval", "markInterval", "markEvery", "batchTime", "shutdownTimeout",
	} {
		require.ErrorContains(t, err, key+":")
	}
}
