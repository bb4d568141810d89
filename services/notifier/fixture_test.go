package notifier_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/daemon/daemontest"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/notifier"
	"assay.example/assay/services/notifier/internal/receivertest"
)

const (
	routingKey = "0123456789abcdef0123456789abcdef"
	hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	patience   = 30 * time.Second
)

// world is a Kafka, and receivers behind TLS.
type world struct {
	*testing.T

	cluster *kfake.Cluster
	kafka   *kgo.Client
	cfg     notifier.Config
	caFile  string
	log     *daemontest.Log

	hook  *receivertest.Webhook
	slack *receivertest.Receiver
	pager *receivertest.PagerDuty
	am    *receivertest.Alertmanager
}

func newWorld(t *testing.T, opts ...kfake.Opt) *world {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1)}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	w := &world{
		T: t, cluster: cluster, cfg: notifier.Default(), log: &daemontest.Log{},
		hook: receivertest.NewWebhook(hookSecret), slack: receivertest.NewSlack(),
		pager: receivertest.NewPagerDuty(routingKey), am: receivertest.NewAlertmanager(),
	}
	w.cfg.Kafka.Brokers = cluster.ListenAddrs()
	w.cfg.FirstWait, w.cfg.LastWait, w.cfg.SessionTimeout = 10*time.Millisecond, 100*time.Millisecond, 6*time.Second
	return w
}

// connect makes the test's own client and the topics.
func (w *world) connect() {
	w.Helper()
	opts, err := w.cfg.Kafka.Options(zerolog.Nop())
	require.NoError(w, err)
	w.kafka, err = kgo.NewClient(opts...)
	require.NoError(w, err)
	w.Cleanup(w.kafka.Close)
	require.NoError(w, stream.CreateTopics(w.Context(), w.kafka, w.cfg.Kafka, stream.Embedded))
}

// listen puts a receiver behind TLS; its URL is what a vendor's would be.
func (w *world) listen(h http.Handler) string {
	w.Helper()
	s := httptest.NewTLSServer(h)
	w.Cleanup(s.Close)
	if w.caFile == "" {
		w.caFile = filepath.Join(w.TempDir(), "ca.pem")
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		require.NoError(w, os.WriteFile(w.caFile, text, 0o600))
	}
	return s.URL
}

func (w *world) target(name, kind, address string, change func(*notifier.Target)) {
	t := notifier.Target{Name: name, Kind: kind, URL: settings.Secret(address), CAFile: w.caFile, AllowPrivate: []string{"127.0.0.0/8"}}
	if change != nil {
		change(&t)
	}
	w.cfg.Targets = append(w.cfg.Targets, t)
}

// targets are one of each kind.
func (w *world) targets() {
	w.target("hook", notifier.KindWebhook, w.listen(w.hook)+"/in", func(t *notifier.Target) { t.Secrets = []settings.Secret{hookSecret} })
	w.target("chat", notifier.KindSlack, w.listen(w.slack)+receivertest.SlackPath, nil)
	w.target("oncall", notifier.KindPagerDuty, w.listen(w.pager), func(t *notifier.Target) { t.RoutingKey = routingKey })
	w.target("prom", notifier.KindAlertmanager, w.listen(w.am), nil)
	at := 50 * time.Millisecond
	w.cfg.Routes = []notifier.Route{{Name: "all", Targets: []string{"hook", "chat", "oncall", "prom"}, GroupWait: &at}}
}

// running is a notifier at work.
type running struct {
	*world

	cancel context.CancelFunc
	ended  chan error
}

// start returns when all targets are ready: from then on violations are theirs.
func (w *world) start() *running {
	w.Helper()
	require.NoError(w, w.cfg.Validate())
	ctx, cancel := context.WithCancel(w.Context())
	r := &running{world: w, cancel: cancel, ended: make(chan error, 1)}
	ready := make(chan string, 100)
	go func() {
		r.ended <- notifier.Run(ctx, w.cfg, notifier.Deps{
			Log: zerolog.New(w.log), Metrics: prometheus.NewRegistry(), Ready: func(part string, err error) {
				if err == nil {
					ready <- part
				}
			},
		})
	}()
	w.Cleanup(cancel)
	for parts := map[string]bool{}; len(parts) < max(1, len(w.cfg.Targets)); {
		select {
		case part := <-ready:
			parts[part] = true
		case err := <-r.ended:
			require.FailNow(w, "it ended", "%v\n%s", err, w.log)
		case <-time.After(patience):
			require.FailNow(w, "not ready", w.log.String())
		}
	}
	return r
}

func (r *running) stop() {
	r.Helper()
	r.cancel()
	select {
	case err := <-r.ended:
		require.NoError(r, err)
	case <-time.After(patience):
		require.FailNow(r, "it doesn't end", r.log.String())
	}
}

func (w *world) publish(list ...*record.Violation) {
	w.Helper()
	for _, v := range list {
		value, err := json.Marshal(v)
		require.NoError(w, err)
		w.produce(v.Episode, value)
	}
}

func (w *world) produce(key string, value []byte) {
	w.Helper()
	r := &kgo.Record{Topic: w.cfg.Kafka.Topic("violations"), Key: []byte(key), Value: value}
	require.NoError(w, w.kafka.ProduceSync(w.Context(), r).FirstErr())
}

// deliveries reads the whole topic.
func (w *world) deliveries() (list []record.Delivery) {
	w.Helper()
	topic := w.cfg.Kafka.Topic("deliveries")
	ends, err := kadm.NewClient(w.kafka).ListEndOffsets(w.Context(), topic)
	require.NoError(w, err)
	want := int64(0)
	ends.Each(func(o kadm.ListedOffset) { want += o.Offset })
	opts, err := w.cfg.Kafka.Options(zerolog.Nop())
	require.NoError(w, err)
	client, err := kgo.NewClient(append(opts, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))...)
	require.NoError(w, err)
	defer client.Close()
	for int64(len(list)) < want {
		for r := range client.PollFetches(w.Context()).RecordsAll() {
			var d record.Delivery
			require.NoError(w, json.Unmarshal(r.Value, &d))
			require.Equal(w, record.DeliveryKey(d.Tenant, d.Target), string(r.Key))
			list = append(list, d)
		}
	}
	return list
}

// outcomes are those of one violation at one target, in the order of the attempts.
func (w *world) outcomes(target, id string) (list []record.DeliveryOutcome) {
	w.Helper()
	for _, d := range w.deliveries() {
		for _, v := range d.Violations {
			if d.Target == target && v == id {
				list = append(list, d.Outcome)
			}
		}
	}
	return list
}

// committed is how far each partition is, in all.
func (w *world) committed(target string) (n int64) {
	w.Helper()
	offsets, err := kadm.NewClient(w.kafka).FetchOffsets(w.Context(), w.cfg.Group+"."+target)
	require.NoError(w, err)
	offsets.Each(func(o kadm.OffsetResponse) { n += o.At })
	return n
}

func (w *world) eventually(what string, ok func() bool) {
	w.Helper()
	require.Eventually(w, ok, patience, 20*time.Millisecond, "%s\n%s", what, w.log)
}

func violation(item string, n int, change record.Change, outcome compliance.Outcome) *record.Violation {
	episode := record.ItemKey("default", "CH-01", item)
	at := compliance.InstantOf(time.Now())
	v := &record.Violation{
		Schema: record.ViolationSchema, ID: fmt.Sprintf("%s#%d", episode, n), Episode: episode, Change: change,
		Severity: "high", Title: "Deployments are approved", Criteria: []string{"CC8.1"},
		Verdict: compliance.Revision{Tenant: "default", Control: "CH-01", Number: n, KnownAt: at, FinalAt: at},
	}
	v.Verdict.Item, v.Verdict.Outcome, v.Verdict.Reason = compliance.Item{ID: item, Time: at}, outcome, "no_approval"
	return v
}

func opened(item string) *record.Violation {
	return violation(item, 1, record.Opened, compliance.Deviation)
}

func corrected(item string) *record.Violation {
	return violation(item, 2, record.Corrected, compliance.Pass)
}
