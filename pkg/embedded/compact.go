package embedded

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// never is a century, in milliseconds: how long the broker waits before it compacts a
// topic by itself. It would do so every hour in its first run, and in a way that loses:
// it drops the marker of an aborted transaction and remembers the transaction, so that
// readers take for aborted what the same producer commits later; and it drops what a
// transaction supersedes before that is committed. So topics of cleanup.policy=compact
// are compacted here, at each start, when nobody writes.
const never = "3155760000000"

// retainEvery is how often what is older than a topic's retention is dropped. The broker
// does it with its compaction.
const retainEvery = time.Hour

func (k *Kafka) retain(due <-chan time.Time) {
	for {
		select {
		case <-due:
			k.cluster.ApplyRetention()
		case <-k.closing:
			return
		}
	}
}

// maxBatchBytes fits what the topics take.
const maxBatchBytes = 2 << 20

// compact leaves of each partition of a compacted topic the last committed value of each
// key: it writes those again, at the end, and then drops all before them. Killed at any
// point it leaves the same values.
func (k *Kafka) compact(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.address), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(maxBatchBytes))
	if err != nil {
		return fmt.Errorf("making a client that compacts: %w", err)
	}
	defer client.Close()
	topics, err := compacted(ctx, kadm.NewClient(client))
	if err != nil {
		return err
	}
	for topic, partitions := range topics {
		for _, p := range partitions {
			if err := k.compactPartition(ctx, client, topic, p); err != nil {
				return fmt.Errorf("compacting %s/%d: %w", topic, p, err)
			}
		}
	}
	return nil
}

// compacted are the partitions of the topics with cleanup.policy=compact.
func compacted(ctx context.Context, admin *kadm.Client) (map[string][]int32, error) {
	found := map[string][]int32{}
	topics, err := admin.ListTopics(ctx)
	if err != nil || len(topics) == 0 {
		return nil, err
	}
	configs, err := admin.DescribeTopicConfigs(ctx, topics.Names()...)
	if err != nil {
		return nil, fmt.Errorf("reading which topics are compacted: %w", err)
	}
	for _, c := range configs {
		for _, config := range c.Configs {
			if config.Key == "cleanup.policy" && strings.Contains(config.MaybeValue(), "compact") {
				found[c.Name] = topics[c.Name].Partitions.Numbers()
			}
		}
	}
	return found, nil
}

func (k *Kafka) compactPartition(ctx context.Context, client *kgo.Client, topic string, p int32) error {
	start, end, decided, err := bounds(ctx, kadm.NewClient(client), topic, p)
	if err != nil || !decided {
		return err
	}
	last, err := k.lastValues(ctx, topic, p, start, end)
	if err != nil || int64(2*len(last)) >= end-start {
		return err // little would be gained
	}
	if err := client.ProduceSync(ctx, last...).FirstErr(); err != nil {
		return fmt.Errorf("writing what is kept: %w", err)
	}
	return k.cluster.DeleteRecords(topic, p, end)
}

// bounds are where a partition begins and ends, and whether all of it is committed or
// aborted by now. What a producer has left open is better left alone.
func bounds(ctx context.Context, admin *kadm.Client, topic string, p int32) (start, end int64, decided bool, err error) {
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, 0, false, fmt.Errorf("finding the start: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, 0, false, fmt.Errorf("finding the end: %w", err)
	}
	stable, err := admin.ListCommittedOffsets(ctx, topic)
	if err != nil {
		return 0, 0, false, fmt.Errorf("finding what is decided: %w", err)
	}
	s, _ := starts.Lookup(topic, p)
	e, _ := ends.Lookup(topic, p)
	c, _ := stable.Lookup(topic, p)
	return s.Offset, e.Offset, c.Offset == e.Offset, cmp.Or(s.Err, e.Err, c.Err)
}

// lastValues are the last committed records of each key that still has a value, in order.
func (k *Kafka) lastValues(ctx context.Context, topic string, p int32, next, end int64) ([]*kgo.Record, error) {
	reader, err := kgo.NewClient(kgo.SeedBrokers(k.address), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // the last record may be one
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {p: kgo.NewOffset().AtStart()}}))
	if err != nil {
		return nil, fmt.Errorf("making a reader: %w", err)
	}
	defer reader.Close()
	last := map[string]*kgo.Record{}
	for next < end {
		fetches := reader.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return nil, fmt.Errorf("reading it: %w", err)
		}
		for r := range fetches.RecordsAll() {
			if next = r.Offset + 1; !r.Attrs.IsControl() {
				last[string(r.Key)] = r
			}
		}
	}
	maps.DeleteFunc(last, func(_ string, r *kgo.Record) bool { return r.Value == nil })
	ordered := slices.SortedFunc(maps.Values(last), func(a, b *kgo.Record) int { return cmp.Compare(a.Offset, b.Offset) })
	kept := make([]*kgo.Record, len(ordered))
	for i, r := range ordered {
		kept[i] = &kgo.Record{Topic: topic, Partition: p, Key: r.Key, Value: r.Value, Headers: r.Headers, Timestamp: r.Timestamp}
	}
	return kept, nil
}
