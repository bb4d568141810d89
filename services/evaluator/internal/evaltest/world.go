// Package evaltest is for tests only: a Kafka in memory, a small rule set and a
// small engine behind the interfaces that the evaluator's parts define.
package evaltest

import (
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/judge"
)

// The topics of a world.
const (
	Access     = "events.access"
	Deployment = "events.deployment"
	Routed     = "routed"
	Verdicts   = "verdicts"
	State      = "state"
	Violations = "violations"
	Quarantine = "quarantine"
	Rejected   = "rejected"
	Control    = "control"
	Findings   = "findings"
)

// World is a Kafka that lives as long as a test. In a synctest bubble its
// network is virtual, so that time passes when everyone waits.
type World struct {
	T       *testing.T
	Cluster *kfake.Cluster
	Lag     *consume.LagGauge
	Judging *judge.Metrics

	registry *prometheus.Registry
	dial     func(ctx context.Context, network, address string) (net.Conn, error)
	client   *kgo.Client
}

// New starts a world on a virtual network; call it inside a synctest bubble. opts
// may add topics to it.
func New(t *testing.T, routed int32, opts ...kfake.Opt) *World {
	t.Helper()
	network := &kfake.VirtualNetwork{}
	return start(t, routed, network.DialContext, append(opts, kfake.ListenFn(network.Listen))...)
}

// NewTCP starts a world that other Kafka clients can reach.
func NewTCP(t *testing.T, routed int32) *World {
	t.Helper()
	dialer := &net.Dialer{}
	return start(t, routed, dialer.DialContext)
}

func start(t *testing.T, routed int32, dial func(context.Context, string, string) (net.Conn, error), opts ...kfake.Opt) *World {
	t.Helper()
	cluster, err := kfake.NewCluster(append(opts,
		kfake.NumBrokers(1),
		kfake.SeedTopics(2, Access, Deployment, Violations),
		kfake.SeedTopics(routed, Routed, Verdicts, State, Findings),
		kfake.SeedTopics(1, Control, Rejected, Quarantine),
		kfake.BrokerConfigs(map[string]string{"log.message.timestamp.type": "LogAppendTime"}),
	)...)
	require.NoError(t, err)
	t.Cleanup(cluster.Close)
	w := &World{T: t, Cluster: cluster, dial: dial, registry: prometheus.NewRegistry()}
	w.Lag = consume.NewLagGauge(w.registry)
	w.Judging = judge.NewMetrics(w.registry, w.Lag)
	w.client = w.NewClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	return w
}

// Opts reach the world.
func (w *World) Opts() []kgo.Opt {
	return []kgo.Opt{
		kgo.SeedBrokers(w.Cluster.ListenAddrs()...), kgo.Dialer(w.dial),
		kgo.SessionTimeout(6 * time.Second), kgo.HeartbeatInterval(500 * time.Millisecond),
		kgo.FetchMaxWait(time.Second), kgo.DisableClientMetrics(),
	}
}

// Client is the world's own: it writes each record to the partition that it names.
func (w *World) Client() *kgo.Client { return w.client }

// NewClient is a client that ends with the test.
func (w *World) NewClient(opts ...kgo.Opt) *kgo.Client {
	w.T.Helper()
	cl, err := kgo.NewClient(append(w.Opts(), opts...)...)
	require.NoError(w.T, err)
	w.T.Cleanup(cl.Close)
	return cl
}

// Line is a connection to the world that can be cut, as by kill -9: nothing of
// what its clients still want to say arrives.
type Line struct {
	w   *World
	mu  sync.Mutex
	cut bool
	all []net.Conn
}

// NewLine opens one.
func (w *World) NewLine() *Line { return &Line{w: w} }

// Opts reach the world over the line.
func (l *Line) Opts() []kgo.Opt { return append(l.w.Opts(), kgo.Dialer(l.dial)) }

func (l *Line) dial(ctx context.Context, network, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return nil, refused(network)
	}
	conn, err := l.w.dial(ctx, network, address)
	if err == nil {
		l.all = append(l.all, conn)
	}
	return conn, err
}

// refused is what the operating system says of a broker that isn't there. The client
// waits before it tries again after this error, and after few others: after one of our
// own making it tries for ever without a pause, so that virtual time stands still.
func refused(network string) error {
	return &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
}

// Cut ends all connections and refuses new ones.
func (l *Line) Cut() {
	l.mu.Lock()
	l.cut = true
	l.mu.Unlock()
	l.Break()
}

// Break ends all connections: what was asked may still be done, and no answer comes.
func (l *Line) Break() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range l.all {
		_ = conn.Close()
	}
	l.all = nil
}

// Produce writes records, each to its partition, and waits for the acknowledgement.
func (w *World) Produce(records ...*kgo.Record) {
	w.T.Helper()
	require.NoError(w.T, w.client.ProduceSync(w.T.Context(), records...).FirstErr())
}

// Event is a record of an event in a partition of Access.
func Event(partition int32, kind, id, key string, at compliance.Instant) *kgo.Record {
	ev := &compliance.Event{Tenant: record.DefaultTenant, Source: "/test", ID: id, Type: kind, Time: at}
	r := record.EncodeEvent(ev, key, []byte(`{"key":"`+key+`"}`))
	r.Topic, r.Partition = Access, partition
	return r
}

// Sources are the partitions that events of a world come from.
func Sources() map[string]int32 { return map[string]int32{Access: 2, Deployment: 2} }

// Clock writes what time it is to every source partition.
func (w *World) Clock(now compliance.Instant) {
	w.T.Helper()
	var records []*kgo.Record
	for topic, partitions := range Sources() {
		for p := range partitions {
			records = append(records, record.EncodeClock(topic, p, now))
		}
	}
	w.Produce(records...)
}

// ReadCommitted is what a reader of committed records finds in a topic, by
// partition and offset.
func (w *World) ReadCommitted(topic string) []*kgo.Record {
	w.T.Helper()
	ends, err := kadm.NewClient(w.client).ListEndOffsets(w.T.Context(), topic)
	require.NoError(w.T, err)
	var all []*kgo.Record
	for p := range int32(len(ends[topic])) {
		_, err := consume.ToEnd(w.T.Context(), w.Opts(), topic, p, func(r *kgo.Record) error {
			all = append(all, r)
			return nil
		})
		require.NoError(w.T, err)
	}
	return all
}

// Counted is the sum of a counter.
func (w *World) Counted(name string) (sum float64) {
	w.T.Helper()
	families, err := w.registry.Gather()
	require.NoError(w.T, err)
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum
}
