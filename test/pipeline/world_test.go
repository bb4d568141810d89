package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/collector"
	"assay.example/assay/services/evaluator"
	"assay.example/assay/services/recorder"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

// shownWithin bounds every wait; some 3 s are usual.
const shownWithin = 30 * time.Second

// world is one running product.
type world struct {
	t     *testing.T
	kafka stream.Config
	conn  clickhouse.Conn
	door  string
}

// newWorld starts everything with two controls of the library, CH-01 and IN-01.
func newWorld(t *testing.T) *world {
	t.Helper()
	conn, database := clickhousetest.Open(t)
	broker, err := embedded.StartKafka(t.Context(), embedded.KafkaOptions{DataDir: t.TempDir(), Log: zerolog.Nop()})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, broker.Close()) })
	w := &world{t: t, kafka: stream.Default(), conn: conn}
	w.kafka.Brokers = []string{broker.Address()}
	require.NoError(t, stream.CreateTopics(t.Context(), w.client(), w.kafka, stream.Embedded))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	w.door = "http://" + listener.Addr().String() + "/v1/events"
	w.run(listener, database)
	return w
}

// run starts the services, and stops them along the flow when the test ends.
func (w *world) run(listener net.Listener, database clickhouse.Config) {
	bundle, log := w.bundle(), zerolog.New(zerolog.NewTestWriter(w.t)).Level(zerolog.ErrorLevel)
	ready := func(string, error) {}
	w.service(func(ctx context.Context) error {
		cfg := recorder.Default()
		cfg.Kafka, cfg.ClickHouse, cfg.Demo, cfg.CommitmentKey = w.kafka, database, true, recorder.DemoCommitmentKey
		return recorder.Run(ctx, cfg, recorder.Deps{Log: log, Metrics: prometheus.NewRegistry(), Ready: ready})
	})
	w.service(func(ctx context.Context) error {
		return evaluator.Run(ctx, evaluator.Default(), evaluator.Deps{
			Log: log, Metrics: prometheus.NewRegistry(), Ready: ready, Kafka: w.kafka, Bundle: bundle,
		})
	})
	w.service(func(ctx context.Context) error {
		cfg := collector.Default()
		cfg.Keys, cfg.Demo = collector.DemoKeys(), true
		return collector.Run(ctx, cfg, collector.Deps{
			Log: log, Metrics: prometheus.NewRegistry(), Ready: ready, Kafka: w.kafka, Listener: listener,
		})
	})
}

// service runs until the test ends; the one that was started last stops first.
func (w *world) service(run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(w.t.Context()))
	var group errgroup.Group
	group.Go(func() error { return run(ctx) })
	w.t.Cleanup(func() {
		stop()
		require.NoError(w.t, group.Wait())
	})
}

const boundary = `effective_from: %s
tenants: [default]
boundary:
  components: [api]
sources:
  /vcs: {types: ["change.*"]}
  /cd: {types: ["deploy.*"]}
  /pager: {types: ["incident.*"]}
`

func (w *world) bundle() *control.Bundle {
	files := fstest.MapFS{}
	for _, name := range []string{"soc2/change/CH-01.yaml", "soc2/incident/IN-01.yaml"} {
		text, err := fs.ReadFile(controls.FS, name)
		require.NoError(w.t, err)
		files[name] = &fstest.MapFile{Data: text}
	}
	types, err := dictionary.Default()
	require.NoError(w.t, err)
	from := time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339)
	b, err := control.LoadWith(files, fmt.Appendf(nil, boundary, from), types)
	require.NoError(w.t, err)
	return b
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.kafka.Brokers...)}, opts...)...)
	require.NoError(w.t, err)
	w.t.Cleanup(cl.Close)
	return cl
}

// fields are the data of an event.
type fields map[string]any

// post sends one event as a user would; it must be accepted.
func (w *world) post(id, source, typ string, at time.Time, data fields) {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{
		"specversion": "1.0", "id": id, "source": source, "type": typ, "time": at.UTC().Format(time.RFC3339Nano),
		"datacontenttype": "application/json", "data": data,
	})
	require.NoError(w.t, err)
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.door, bytes.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Content-Type", "application/cloudevents+json")
	request.Header.Set("Authorization", "Bearer "+collector.DemoKey)
	response, err := http.DefaultClient.Do(request)
	require.NoError(w.t, err)
	answer, err := io.ReadAll(response.Body)
	require.NoError(w.t, err)
	require.NoError(w.t, response.Body.Close())
	require.Equal(w.t, http.StatusAccepted, response.StatusCode, "%s", answer)
}

// change is a commit that waits for its deployment.
func (w *world) change(id, author string, at time.Time) {
	w.t.Helper()
	w.post("push-"+id, "/vcs", "change.pushed", at, fields{"change_id": id, "commit": "c-" + id, "author": author})
}

func (w *world) approve(id, approver string, at time.Time) {
	w.t.Helper()
	w.post("approval-"+id+"-"+approver, "/vcs", "change.approved", at, fields{"change_id": id, "commit": "c-" + id, "approver": approver})
}

func (w *world) deploy(id, author string, at time.Time) {
	w.t.Helper()
	w.post("deploy-"+id, "/cd", "deploy.completed", at, fields{
		"deploy_id": "D-" + id, "change_id": id, "commit": "c-" + id, "author": author, "component": "api", "environment": "production",
	})
}

// verdict is what ClickHouse has of an item.
type verdict struct {
	Outcome  string `ch:"outcome"`
	Reason   string `ch:"reason"`
	Revision uint32 `ch:"revision"`
}

// shows waits until ClickHouse says so of the item.
func (w *world) shows(controlID, item string, want verdict) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%s of %s is %v", item, controlID, want), func() (string, bool) {
		var rows []verdict
		require.NoError(w.t, w.conn.Select(w.t.Context(), &rows,
			"SELECT outcome, reason, revision FROM verdicts FINAL WHERE control = ? AND item_id = ?", controlID, item))
		return fmt.Sprint(rows), len(rows) == 1 && rows[0] == want
	})
}

// changes waits until the table of violations has these of the item, in this order.
func (w *world) changes(controlID, item string, want ...string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("violations of %s are %v", item, want), func() (string, bool) {
		var rows []struct {
			Change string `ch:"change"`
		}
		require.NoError(w.t, w.conn.Select(w.t.Context(), &rows,
			"SELECT change FROM violations FINAL WHERE control = ? AND item_id = ? ORDER BY revision", controlID, item))
		var got []string
		for _, r := range rows {
			got = append(got, r.Change)
		}
		return strings.Join(got, " "), strings.Join(got, " ") == strings.Join(want, " ")
	})
}

// count waits until a query counts as many.
func (w *world) count(want uint64, query string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%s is %d", query, want), func() (string, bool) {
		var n uint64
		require.NoError(w.t, w.conn.QueryRow(w.t.Context(), query).Scan(&n))
		return strconv.FormatUint(n, 10), n == want
	})
}

func (w *world) eventually(what string, ask func() (string, bool)) {
	w.t.Helper()
	deadline := time.Now().Add(shownWithin)
	for {
		got, ok := ask()
		if ok {
			return
		}
		require.True(w.t, time.Now().Before(deadline), "%s: not within %s; it is %s", what, shownWithin, got)
		<-time.After(20 * time.Millisecond)
	}
}
