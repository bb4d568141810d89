package recorder

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// commitTimeout ends a commit that hangs; it is then made again.
const commitTimeout = 10 * time.Second

// request is one partition's wish to commit.
type request struct {
	*partition
	position
	done chan error
}

// committer commits for all partitions. Commits of one client wait for each other,
// so it puts those that have gathered meanwhile into one.
type committer struct {
	client   *kgo.Client
	requests chan request
}

func newCommitter(client *kgo.Client) *committer {
	return &committer{client: client, requests: make(chan request)}
}

// commit returns when the group knows the position or has refused it. It doesn't
// return before: a commit that nobody waits for could come too late (see halt).
func (c *committer) commit(ctx context.Context, p *partition, at position) error {
	r := request{partition: p, position: at, done: make(chan error, 1)}
	select {
	case c.requests <- r:
		return <-r.done
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run serves until ctx ends, and answers what it has taken.
func (c *committer) run(ctx context.Context) {
	for {
		select {
		case r := <-c.requests:
			c.send(ctx, c.gather(r))
		case <-ctx.Done():
			return
		}
	}
}

// gather takes what is waiting. A partition waits with one request at most.
func (c *committer) gather(r request) map[tp]request {
	batch := map[tp]request{r.tp: r}
	for {
		select {
		case r := <-c.requests:
			batch[r.tp] = r
		default:
			return batch
		}
	}
}

func (c *committer) send(ctx context.Context, batch map[tp]request) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	offsets := map[string]map[int32]kgo.EpochOffset{}
	for p, r := range batch {
		if offsets[p.topic] == nil {
			offsets[p.topic] = map[int32]kgo.EpochOffset{}
		}
		offsets[p.topic][p.partition] = kgo.EpochOffset{Epoch: -1, Offset: r.Start}
	}
	ctx = kgo.PreCommitFnContext(ctx, func(req *kmsg.OffsetCommitRequest) error {
		describe(req, batch)
		return nil
	})
	c.client.CommitOffsetsSync(ctx, offsets, func(_ *kgo.Client, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
		answer(batch, req, resp, err)
	})
}

// describe puts each position's metadata into the request.
func describe(req *kmsg.OffsetCommitRequest, batch map[tp]request) {
	for i := range req.Topics {
		t := &req.Topics[i]
		for j := range t.Partitions {
			r := batch[tp{t.Topic, t.Partitions[j].Partition}]
			text := r.metadata(r.id)
			t.Partitions[j].Metadata = &text
		}
	}
}

func answer(batch map[tp]request, req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
	refusals := map[tp]error{}
	if err == nil {
		refusals = results(req, resp)
	}
	for p, r := range batch {
		refusal, answered := refusals[p]
		switch {
		case err != nil:
			r.done <- fmt.Errorf("committing offset %d: %w", r.Start, err)
		case !answered:
			r.done <- fmt.Errorf("committing offset %d: the broker's answer leaves the partition out", r.Start)
		case refusal != nil:
			r.done <- fmt.Errorf("committing offset %d: %w", r.Start, refusal)
		default:
			r.done <- nil
		}
	}
}

// results is the broker's answer by partition. From version 10 on it names topics
// by id alone.
func results(req *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse) map[tp]error {
	names := map[[16]byte]string{}
	for _, t := range req.Topics {
		names[t.TopicID] = t.Topic
	}
	all := map[tp]error{}
	for _, t := range resp.Topics {
		if t.Topic == "" {
			t.Topic = names[t.TopicID]
		}
		for _, p := range t.Partitions {
			all[tp{t.Topic, p.Partition}] = kerr.ErrorForCode(p.ErrorCode)
		}
	}
	return all
}
