package recorder

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/recorder/internal/rows"
)

// tp names a partition.
type tp struct {
	topic     string
	partition int32
}

// grace is how long partitions may take to finish their insert when they are
// taken away or the recorder stops.
const grace = 10 * time.Second

// heartbeats may fail this often before a session ends.
const heartbeats = 5

// consumer hands the group's records to a goroutine for each partition.
type consumer struct {
	*worker
	client *kgo.Client
	tables map[string]func() rows.Table
	// start runs a partition until it is halted.
	start func(*partition)

	mu      sync.Mutex
	parts   map[tp]*partition
	closing bool // nothing new begins
}

// consume runs the group until ctx ends or a partition fails.
func consume(ctx context.Context, w *worker) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	c := &consumer{worker: w, tables: topics(w.cfg.Kafka, w.keys), parts: map[tp]*partition{}}
	// Work under way outlives ctx, so that it can be finished.
	work, abandon := context.WithCancel(context.WithoutCancel(ctx))
	defer abandon()
	c.start = func(p *partition) {
		if err := p.run(work); err != nil {
			fail(fmt.Errorf("recording partition %d of %s: %w", p.partition, p.topic, err))
		}
	}
	if err := c.join(); err != nil {
		return err
	}
	w.commits = newCommitter(c.client)
	commits := make(chan struct{})
	go func() { defer close(commits); w.commits.run(work) }()

	err := c.poll(ctx)
	if err != nil {
		abandon()
	}
	c.haltAll()
	c.client.CloseAllowingRebalance()
	abandon()
	<-commits
	return err
}

func (c *consumer) join() error {
	opts, err := c.cfg.Kafka.Options(c.deps.Log)
	if err != nil {
		return err
	}
	// The group may call back before NewClient returns; the lock has it wait for
	// the client.
	c.mu.Lock()
	defer c.mu.Unlock()
	c.client, err = kgo.NewClient(append(opts,
		kgo.ConsumerGroup(c.cfg.Group),
		kgo.ConsumeTopics(slices.Collect(maps.Keys(c.tables))...),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.SessionTimeout(c.cfg.SessionTimeout),
		kgo.HeartbeatInterval(c.cfg.SessionTimeout/heartbeats),
		kgo.DisableAutoCommit(),
		// Records of an assignment must not reach the next one: a gap in offsets
		// is lawful, so nobody would see what is missing between.
		kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(context.Context, *kgo.Client, map[string][]int32) { c.deps.Ready("kafka", nil) }),
		kgo.AdjustFetchOffsetsFn(c.assigned),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { c.halt(flat(gone), grace) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, gone map[string][]int32) { c.halt(flat(gone), 0) }),
	)...)
	if err != nil {
		return fault("preparing the Kafka client: %w", err)
	}
	return nil
}

func flat(m map[string][]int32) []tp {
	var list []tp
	for topic, partitions := range m {
		for _, p := range partitions {
			list = append(list, tp{topic, p})
		}
	}
	return list
}

// assigned reads where each new partition stands, metadata included, and starts
// it there.
func (c *consumer) assigned(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	c.mu.Lock()
	admin := kadm.NewClient(c.client)
	c.mu.Unlock()
	commits, err := admin.FetchOffsets(ctx, c.cfg.Group)
	if err != nil {
		return nil, fmt.Errorf("reading the offsets of group %s: %w", c.cfg.Group, err)
	}
	found, err := admin.ListTopics(ctx, slices.Collect(maps.Keys(offsets))...)
	if err != nil {
		return nil, fmt.Errorf("reading the ids of topics: %w", err)
	}
	for topic, partitions := range offsets {
		if err := found[topic].Err; err != nil {
			return nil, fmt.Errorf("reading the id of topic %s: %w", topic, err)
		}
		for n := range partitions {
			commit, ok := commits.Lookup(topic, n)
			if commit.Err != nil {
				return nil, fmt.Errorf("reading the offset of partition %d of %s: %w", n, topic, commit.Err)
			}
			if !ok {
				commit.At = -1
			}
			p := c.newPartition(tp{topic, n}, found[topic].ID, commit)
			partitions[n] = kgo.NewOffset().At(p.at.Start)
			if p.at.Start == 0 {
				partitions[n] = kgo.NewOffset().AtStart()
			}
			c.begin(p)
		}
	}
	return offsets, nil
}

func (c *consumer) begin(p *partition) {
	c.halt([]tp{p.tp}, 0) // there should be none
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return
	}
	c.parts[p.tp] = p
	go c.start(p)
}

// halt ends partitions and returns when nothing of theirs is under way: a commit
// that came later would go out under the group's next generation and set back
// whoever has the partition by then.
func (c *consumer) halt(gone []tp, patience time.Duration) {
	c.mu.Lock()
	var list []*partition
	for _, id := range gone {
		if p := c.parts[id]; p != nil {
			list = append(list, p)
			delete(c.parts, id)
		}
	}
	c.mu.Unlock()
	var all sync.WaitGroup
	for _, p := range list {
		all.Go(func() { p.halt(patience) })
	}
	all.Wait()
}

func (c *consumer) haltAll() {
	c.mu.Lock()
	c.closing = true
	all := slices.Collect(maps.Keys(c.parts))
	c.mu.Unlock()
	c.halt(all, grace)
}

// poll returns nil when the caller ends ctx, else why it ended.
func (c *consumer) poll(ctx context.Context) error {
	for {
		fetches := c.client.PollFetches(ctx)
		c.dispatch(ctx, fetches)
		c.client.AllowRebalance()
		if ctx.Err() == nil {
			continue
		}
		if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return nil
	}
}

func (c *consumer) dispatch(ctx context.Context, fetches kgo.Fetches) {
	c.mu.Lock()
	defer c.mu.Unlock()
	fetches.EachTopic(func(t kgo.FetchTopic) {
		for _, f := range t.Partitions {
			p := c.parts[tp{t.Topic, f.Partition}]
			if p != nil && len(f.Records) > 0 {
				p.add(f.Records, f.LastStableOffset)
			}
		}
	})
	fetches.EachError(func(topic string, partition int32, err error) {
		if ctx.Err() != nil {
			return
		}
		c.deps.Ready("kafka", err)
		c.deps.Log.Warn().Err(err).Str("topic", topic).Int32("partition", partition).Msg("fetching failed")
	})
	if len(fetches.Errors()) == 0 && fetches.NumRecords() > 0 {
		c.deps.Ready("kafka", nil)
	}
}
