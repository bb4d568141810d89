package consume

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// ToEnd hands each committed record of the partition to each, in offset order,
// and returns when all that was written before the call has been handed over or
// is known to be aborted. It gives back the offset at which to read on.
//
// The last stable offset, which a read_committed client takes for the end, can
// lag behind transactions that are committed already. So the end is the high
// watermark as a read_uncommitted client sees it, and ToEnd waits until all
// below is decided, thus up to a transaction timeout. client are the options
// that reach Kafka; they choose no group and no topic.
func ToEnd(ctx context.Context, client []kgo.Opt, topic string, partition int32, each func(*kgo.Record) error) (int64, error) {
	return ToEndFrom(ctx, client, topic, partition, None, each)
}

// ToEndFrom is ToEnd from an offset on; None is the beginning.
func ToEndFrom(ctx context.Context, client []kgo.Opt, topic string, partition int32, from int64, each func(*kgo.Record) error) (int64, error) {
	begin := kgo.NewOffset().AtStart()
	if from != None {
		begin = kgo.NewOffset().At(from)
	}
	cl, err := kgo.NewClient(append(slices.Clone(client),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {partition: begin}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		// A control record ends each transaction. Without it a reader of a
		// partition whose last records are aborted would wait for ever.
		kgo.KeepControlRecords(),
	)...)
	if err != nil {
		return 0, fmt.Errorf("opening a reader of %s/%d: %w", topic, partition, err)
	}
	defer cl.Close()
	start, end, err := bounds(ctx, cl, topic, partition)
	if err != nil {
		return 0, err
	}
	return readTo(ctx, cl, max(start, from), end, each)
}

// bounds are the partition's first offset and its high watermark.
func bounds(ctx context.Context, cl *kgo.Client, topic string, partition int32) (start, end int64, err error) {
	admin := kadm.NewClient(cl)
	starts, err := admin.ListStartOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("finding the start of %s/%d: %w", topic, partition, err)
	}
	ends, err := admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, 0, fmt.Errorf("finding the end of %s/%d: %w", topic, partition, err)
	}
	first, ok := starts.Lookup(topic, partition)
	last, found := ends.Lookup(topic, partition)
	if !ok || !found {
		return 0, 0, fmt.Errorf("finding the end of %s/%d: there is no such partition", topic, partition)
	}
	if err := errors.Join(first.Err, last.Err); err != nil {
		return 0, 0, fmt.Errorf("finding the end of %s/%d: %w", topic, partition, err)
	}
	return first.Offset, last.Offset, nil
}

func readTo(ctx context.Context, cl *kgo.Client, next, end int64, each func(*kgo.Record) error) (int64, error) {
	for next < end {
		fetches := cl.PollFetches(ctx)
		if err := ctx.Err(); err != nil { // a poll gives nothing then, at once and for ever
			return 0, fmt.Errorf("reading up to offset %d: %w", end, err)
		}
		if err := Failure(ctx, fetches); err != nil {
			return 0, err
		}
		for r := range fetches.RecordsAll() {
			next = r.Offset + 1
			if r.Attrs.IsControl() {
				continue
			}
			if err := each(r); err != nil {
				return 0, err
			}
		}
	}
	return next, nil
}
