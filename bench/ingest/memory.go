package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/services/collector"
)

// impatience is how long a sender waits before it hangs up and sends again: so what the
// collector holds grows with each request that Kafka doesn't answer.
const impatience = 20 * time.Millisecond

// memory shows what the collector holds while Kafka answers, while it is slow, and while
// it is away. Its Kafka is a fake, which can be told to be slow, and says yes to records
// without keeping them: what is in the heap is the collector's, and its senders'.
func memory(ctx context.Context, out io.Writer, long time.Duration) error {
	k, err := newSlowKafka()
	if err != nil {
		return err
	}
	defer k.close()
	r, err := newRig(ctx, k.cluster.ListenAddrs())
	if err != nil {
		return err
	}
	defer r.close()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "Kafka\tlive heap, MiB: first half, second half\tmay hold, MiB\trequests taken\thung up\ttold to come later\n")
	for _, phase := range []struct {
		name  string
		delay time.Duration
	}{{"answers", 0}, {"takes a second", time.Second}, {"is away", time.Hour}, {"answers again", 0}} {
		k.slow(phase.delay)
		half := long / 2
		first := r.press(ctx, half)
		second := r.press(ctx, half)
		_, _ = fmt.Fprintf(w, "%s\t%.1f, %.1f\t%d\t%d\t%d\t%d\n", phase.name, mib(first.heap), mib(second.heap),
			collector.Default().MaxInFlightBytes>>20, first.taken+second.taken, first.hung+second.hung, first.later+second.later)
	}
	return w.Flush()
}

func mib(n uint64) float64 { return float64(n) / (1 << 20) }

// slowKafka says yes to records as late as it is told to, and keeps none.
type slowKafka struct {
	cluster *kfake.Cluster
	delay   atomic.Int64
	changed atomic.Pointer[chan struct{}]
}

func newSlowKafka() (*slowKafka, error) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return nil, err
	}
	k := &slowKafka{cluster: cluster}
	now := make(chan struct{})
	k.changed.Store(&now)
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if delay := time.Duration(k.delay.Load()); delay > 0 {
			changed := *k.changed.Load()
			cluster.SleepControl(func() {
				select {
				case <-time.After(delay):
				case <-changed:
				}
			})
		}
		return acknowledged(req.(*kmsg.ProduceRequest)), nil, true
	})
	return k, nil
}

// acknowledged is Kafka's yes.
func acknowledged(req *kmsg.ProduceRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition = p.Partition
			topic.Partitions = append(topic.Partitions, partition)
		}
		resp.Topics = append(resp.Topics, topic)
	}
	return resp
}

// slow sets how late answers come; those that are waited for come at once.
func (k *slowKafka) slow(delay time.Duration) {
	k.delay.Store(int64(delay))
	next := make(chan struct{})
	close(*k.changed.Swap(&next))
}

func (k *slowKafka) close() {
	k.slow(0)
	k.cluster.Close()
}

// pressed is what became of requests, and the most that was held meanwhile.
type pressed struct {
	heap               uint64
	taken, hung, later int64
}

// press sends batches for a while, and hangs up on those that take long.
func (r *rig) press(ctx context.Context, long time.Duration) (p pressed) {
	ctx, stop := context.WithTimeout(ctx, long)
	defer stop()
	body := cloudEvents()
	var taken, hung, later atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = each(ctx, func(ctx context.Context) (int64, error) {
			ctx, cancel := context.WithTimeout(ctx, impatience)
			defer cancel()
			switch err := r.postEvents(ctx, body); {
			case err == nil:
				taken.Add(1)
			case ctx.Err() != nil:
				hung.Add(1)
			default:
				later.Add(1)
			}
			return 1, nil
		})
	}()
	p.heap = mostLive(done)
	p.taken, p.hung, p.later = taken.Load(), hung.Load(), later.Load()
	return p
}

// mostLive is the most that is reachable in the heap until done.
func mostLive(done <-chan struct{}) (most uint64) {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return most
		case <-tick.C:
			runtime.GC()
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
		}
	}
}
