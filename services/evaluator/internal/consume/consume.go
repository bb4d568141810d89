// Package consume holds what all parts of the evaluator do alike when they read
// Kafka: reading a partition to its end, following what a group gives and takes,
// and telling a fault from a pause.
package consume

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Failure is the first error of a poll that is not the end of its waiting. ctx
// is the one of the poll; an error that comes with its end is no failure.
func Failure(ctx context.Context, fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if ctx.Err() != nil && (errors.Is(e.Err, context.Canceled) || errors.Is(e.Err, context.DeadlineExceeded)) {
			continue
		}
		return fmt.Errorf("reading %s/%d: %w", e.Topic, e.Partition, e.Err)
	}
	return nil
}

// Partition names a partition of a topic.
type Partition struct {
	Topic string
	ID    int32
}

// Outlive is a context that ends grace after ctx does: what is in flight when a
// part is asked to stop may finish with it.
func Outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return work, func() {
		stop()
		cancel()
	}
}

// CommitAgain is how often a part commits where it stands though nothing has moved. One that
// was taken for dead, and has joined again, commits what it had read when it still had the
// partition: then the group would stand behind for as long as nothing comes.
const CommitAgain = 30 * time.Second

// Commit stores where the group reads on, and waits for the answer. That the
// group is moving partitions is no error: what was to be committed is then read
// again by whoever owns the partition next.
func Commit(ctx context.Context, cl *kgo.Client, offsets map[string]map[int32]kgo.EpochOffset) error {
	var failure error
	cl.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		failure = commitError(resp, err)
	})
	if failure != nil && !moved(failure) {
		return fmt.Errorf("committing offsets: %w", failure)
	}
	return nil
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// moved says whether err is only that the group is moving partitions.
func moved(err error) bool {
	return errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID)
}

// Partitions is how many partitions a topic has.
func Partitions(ctx context.Context, cl *kgo.Client, topic string) (int32, error) {
	topics, err := kadm.NewClient(cl).ListTopics(ctx, topic)
	if err == nil {
		err = topics.Error()
	}
	if err != nil {
		return 0, fmt.Errorf("reading the partitions of %s: %w", topic, err)
	}
	return int32(len(topics[topic].Partitions)), nil
}
