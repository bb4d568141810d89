package recorder

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
)

func TestMain(m *testing.M) { os.Exit(clickhousetest.Main(m)) }

const patience = 60 * time.Second

// world is a Kafka and a ClickHouse of a test's own.
type world struct {
	testing.TB
	config Config
	kafka  *kgo.Client
	conn   clickhouse.Conn
}

func newWorld(t testing.TB) *world {
	t.Helper()
	conn, store := clickhousetest.Open(t)
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(cluster.Close)

	cfg := Default()
	cfg.ClickHouse = store
	cfg.Kafka.Brokers = cluster.ListenAddrs()
	cfg.CommitmentKey, cfg.Demo = DemoCommitmentKey, true
	cfg.BatchRows, cfg.BatchAge, cfg.IdleAge = 100, 20*time.Millisecond, 100*time.Millisecond
	require.NoError(t, cfg.Validate())
	w := &world{TB: t, config: cfg, conn: conn}
	w.kafka = w.client()
	require.NoError(t, stream.CreateTopics(t.Context(), w.kafka, cfg.Kafka, stream.Embedded))
	return w
}

func (w *world) client(more ...kgo.Opt) *kgo.Client {
	w.Helper()
	opts, err := w.config.Kafka.Options(zerolog.Nop())
	require.NoError(w, err)
	client, err := kgo.NewClient(append(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner())), more...)...)
	require.NoError(w, err)
	w.Cleanup(client.Close)
	return client
}

// produce writes records to a topic, named without its prefix, and waits.
func (w *world) produce(topic string, records ...*kgo.Record) {
	w.Helper()
	for _, r := range records {
		r.Topic = w.config.Kafka.Topic(topic)
	}
	require.NoError(w, w.kafka.ProduceSync(w.Context(), records...).FirstErr())
}

// running is a recorder at work.
type running struct {
	world  *world
	cancel context.CancelFunc
	ended  chan struct{}
	err    error
}

func (w *world) start(s seams, changes ...func(*Config)) *running {
	w.Helper()
	cfg := w.config
	for _, change := range changes {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(w.Context())
	r := &running{world: w, cancel: cancel, ended: make(chan struct{})}
	log := zerolog.Nop()
	if testing.Verbose() {
		log = zerolog.New(zerolog.NewConsoleWriter(func(c *zerolog.ConsoleWriter) { c.Out = os.Stderr })).Level(zerolog.WarnLevel)
	}
	go func() {
		defer close(r.ended)
		r.err = run(ctx, cfg, Deps{
			Log: log, Metrics: prometheus.NewRegistry(), Ready: func(string, error) {},
		}, s)
	}()
	w.Cleanup(func() { cancel(); <-r.ended })
	return r
}

// stop ends the recorder as an operator does.
func (r *running) stop() {
	r.world.Helper()
	r.cancel()
	require.NoError(r.world, r.wait())
}

func (r *running) wait() error {
	r.world.Helper()
	select {
	case <-r.ended:
		return r.err
	case <-time.After(patience):
		require.Fail(r.world, "the recorder doesn't end")
		return nil
	}
}

// one reads a single value.
func one[T any](w *world, query string, args ...any) T {
	w.Helper()
	var v T
	require.NoError(w, w.conn.QueryRow(w.Context(), query, args...).Scan(&v), query)
	return v
}

// await polls until a count is there.
func (w *world) await(want uint64, query string, args ...any) {
	w.Helper()
	require.Eventually(w, func() bool { return one[uint64](w, query, args...) >= want }, patience, 20*time.Millisecond, query)
	require.Equal(w, want, one[uint64](w, query, args...), query)
}

// awaitCovered waits until every record of a topic has been read.
func (w *world) awaitCovered(topic string, records uint64) {
	w.Helper()
	w.await(records, "SELECT sum(records) FROM coverage WHERE topic = ?", w.config.Kafka.Topic(topic))
}

// requireContiguous holds coverage to its promise: for each partition, ranges that
// begin where the one before ends.
func (w *world) requireContiguous() {
	w.Helper()
	require.Zero(w, one[uint64](w, `SELECT count() FROM (
		SELECT start_offset, lagInFrame(end_offset, 1, 0) OVER (PARTITION BY topic, partition ORDER BY start_offset
			ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS before
		FROM coverage) WHERE start_offset != before`), "coverage has holes or overlaps")
}

var start = compliance.InstantOf(time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC))

// event is the n-th event of a test.
func event(n int, partition int32) *kgo.Record {
	ev := &compliance.Event{
		Tenant: "default", Source: "/vcs", ID: fmt.Sprintf("ev-%06d", n), Type: "change.approved",
		Time: start.Add(time.Duration(n) * time.Second), Sequence: uint64(n + 1),
	}
	r := record.EncodeEvent(ev, fmt.Sprintf("CHG-%d", n%50), fmt.Appendf(nil, `{"change_id":"CHG-%d","approver":"alice"}`, n%50))
	r.Partition = partition
	return r
}

func clock(at compliance.Instant, partition int32) *kgo.Record {
	return record.EncodeClock("", partition, at)
}

func revisionRecord(t testing.TB, rev *compliance.Revision, partition int32) *kgo.Record {
	t.Helper()
	raw, err := json.Marshal(rev)
	require.NoError(t, err)
	return &kgo.Record{Partition: partition, Key: []byte(record.ItemKey(rev.Tenant, rev.Control, rev.Item.ID)), Value: raw}
}

// history is the revisions of n items, each of which becomes a deviation or a pass,
// moves to another day, and is remedied.
func history(items int) (list []*compliance.Revision) {
	for i := range items {
		item := compliance.Item{ID: fmt.Sprintf("item-%04d", i), Time: start.Add(time.Duration(i) * time.Hour)}
		steps := []compliance.Verdict{
			{Item: item, Outcome: compliance.Pending, Reason: compliance.ReasonAwaitingEvents},
			{Item: item, Outcome: compliance.Deviation, Reason: "no_approval"},
			{Item: compliance.Item{ID: item.ID, Time: item.Time.Add(-30 * time.Hour)}, Outcome: compliance.Deviation, Reason: "self_approval"},
			{Item: item, Outcome: compliance.Deviation, Reason: "self_approval", RemediatedAt: item.Time.Add(time.Hour)},
			{Item: item, Outcome: compliance.Pass},
		}
		var previous *compliance.Previous
		for n, v := range steps[:1+i%len(steps)] {
			v.Due = compliance.Never
			list = append(list, &compliance.Revision{
				Tenant: "default", Control: fmt.Sprintf("CH-%02d", i%3), RuleHash: "r1", Bundle: "b1", Number: n + 1,
				Verdict: v, KnownAt: item.Time.Add(time.Duration(n) * time.Minute), FinalAt: item.Time.Add(time.Hour), Previous: previous,
			})
			previous = &compliance.Previous{Outcome: v.Outcome, Reason: v.Reason, ItemTime: v.Item.Time, RemediatedAt: v.RemediatedAt}
		}
	}
	return list
}

// requireExact holds the tables to what was produced: nothing lost, nothing twice.
func (w *world) requireExact(events int, revisions []*compliance.Revision) {
	w.Helper()
	require.Equal(w, uint64(events), one[uint64](w, "SELECT count() FROM events"))
	require.Equal(w, uint64(events), one[uint64](w, "SELECT uniqExact(topic, partition, offset) FROM events"))
	require.Equal(w, uint64(len(revisions)), one[uint64](w, "SELECT count() FROM verdict_revisions"))
	require.Equal(w, uint64(len(revisions)), one[uint64](w, "SELECT uniqExact(tenant, control, item_id, revision) FROM verdict_revisions"))

	type group struct{ control, day, outcome, reason string }
	want, got, last := map[group]int64{}, map[group]int64{}, map[string]*compliance.Revision{}
	for _, r := range revisions {
		last[r.Control+r.Item.ID] = r
	}
	for _, r := range last {
		want[group{r.Control, r.Item.Time.Time().Format(time.DateOnly), string(r.Outcome), r.Reason}]++
	}
	result, err := w.conn.Query(w.Context(), "SELECT control, toString(day), outcome, reason, sum(n) AS items FROM verdict_days GROUP BY ALL HAVING items != 0")
	require.NoError(w, err)
	for result.Next() {
		var g group
		var n int64
		require.NoError(w, result.Scan(&g.control, &g.day, &g.outcome, &g.reason, &n))
		got[g] = n
	}
	require.NoError(w, result.Err())
	require.NoError(w, result.Close())
	require.Equal(w, want, got)
	require.Equal(w, uint64(len(last)), one[uint64](w, "SELECT count() FROM verdicts FINAL"))
	require.Zero(w, one[uint64](w, "SELECT count() FROM verdict_days_drift"))
	require.Equal(w, int64(events), one[int64](w, "SELECT sum(n) FROM event_counts"), "events were counted once each, whatever was repeated")
	w.requireContiguous()
}
