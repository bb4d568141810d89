package consume

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Change is a partition that the group gave or took.
type Change struct {
	Partition
	// Taken: it is no longer this member's. Else it is, from now on.
	Taken bool
	// Committed is the offset at which the group reads on; None without one.
	Committed int64
	// Metadata was committed with the offset.
	Metadata string
}

// None is the Committed of a partition that the group never committed.
const None int64 = -1

// Assignments collects the changes between two polls. The client calls it from
// its own goroutines; the loop that polls takes the changes when it is ready,
// always before it looks at the records of that poll. With BlockRebalanceOnPoll
// a partition is never taken between a poll and AllowRebalance.
type Assignments struct {
	mu      sync.Mutex
	pending []Change
}

// Options register a with a client of a group.
func (a *Assignments) Options() []kgo.Opt {
	take := func(_ context.Context, _ *kgo.Client, taken map[string][]int32) { a.taken(taken) }
	return []kgo.Opt{
		kgo.OnOffsetsFetched(a.given),
		kgo.OnPartitionsRevoked(take),
		kgo.OnPartitionsLost(take),
	}
}

// Take returns the changes since the last call, in the order they came. A partition
// that was given and has been taken again comes as taken only: what the group had
// committed for it may be another's by now.
func (a *Assignments) Take() []Change {
	a.mu.Lock()
	defer a.mu.Unlock()
	var changes []Change
	for i, c := range a.pending {
		of := func(later Change) bool { return later.Partition == c.Partition }
		if c.Taken || !slices.ContainsFunc(a.pending[i+1:], of) {
			changes = append(changes, c)
		}
	}
	a.pending = nil
	return changes
}

func (a *Assignments) taken(partitions map[string][]int32) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for topic, ids := range partitions {
		for _, id := range ids {
			a.pending = append(a.pending, Change{Partition: Partition{topic, id}, Taken: true})
		}
	}
}

// given reads the offsets that the group has committed, at which the client
// begins to fetch. A partition with an error is none that the client fetches.
func (a *Assignments) given(ctx context.Context, cl *kgo.Client, resp *kmsg.OffsetFetchResponse) error {
	var changes []Change
	for _, g := range resp.Groups {
		for _, t := range g.Topics {
			topic, err := nameOf(ctx, cl, &t)
			if err != nil {
				return err
			}
			changes = append(changes, committed(topic, t.Partitions)...)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.pending = append(a.pending, changes...)
	return nil
}

// nameOf is the topic's name; newer brokers answer with its id alone.
func nameOf(ctx context.Context, cl *kgo.Client, t *kmsg.OffsetFetchResponseGroupTopic) (string, error) {
	if t.Topic != "" {
		return t.Topic, nil
	}
	topics, err := kadm.NewClient(cl).ListTopics(ctx)
	if err != nil {
		return "", fmt.Errorf("finding the name of an assigned topic: %w", err)
	}
	for _, known := range topics {
		if known.ID == kadm.TopicID(t.TopicID) {
			return known.Topic, nil
		}
	}
	return "", fmt.Errorf("finding the name of an assigned topic: there is none with id %x", t.TopicID)
}

func committed(topic string, partitions []kmsg.OffsetFetchResponseGroupTopicPartition) []Change {
	changes := make([]Change, 0, len(partitions))
	for _, p := range partitions {
		if kerr.ErrorForCode(p.ErrorCode) != nil {
			continue
		}
		c := Change{Partition: Partition{topic, p.Partition}, Committed: max(p.Offset, None)}
		if p.Metadata != nil {
			c.Metadata = *p.Metadata
		}
		changes = append(changes, c)
	}
	return changes
}
