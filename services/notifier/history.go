package notifier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
)

// history is what deliveries say was delivered. It is read up to the end whenever
// a target's group begins anew: another notifier may have delivered what it didn't
// come to commit, and violations may be read again from the beginning.
type history struct {
	kafka stream.Config
	topic string
	log   zerolog.Logger
	limit int

	mu sync.Mutex
	// next is where each partition goes on.
	next    map[int32]int64
	targets map[string]*told
}

// told is what one target has taken of each episode, in the order of its revisions.
// What was said again of an earlier revision takes back what had been said of later
// ones: they have to be said again.
type told struct {
	episodes map[string][]saying
	order    []string
}

type saying struct {
	revision int
	action   record.Action
}

func newHistory(cfg Config, log zerolog.Logger) *history {
	return &history{
		kafka: cfg.Kafka, topic: cfg.Kafka.Topic("deliveries"), log: log, limit: cfg.Remember,
		next: map[int32]int64{}, targets: map[string]*told{},
	}
}

// has tells whether a target has taken a violation. A trigger and a resolve under
// one number are two things.
func (h *history) has(target string, v *record.Violation, action record.Action) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.targets[target]
	return t != nil && slices.Contains(t.episodes[v.Episode], saying{v.Verdict.Number, action})
}

// catchUp reads what was written since it was called last.
func (h *history) catchUp(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	opts, err := h.kafka.Options(h.log)
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fault("preparing the Kafka client: %w", err)
	}
	defer client.Close()
	ends, err := h.ends(ctx, kadm.NewClient(client))
	if err != nil {
		return err
	}
	for len(ends) > 0 {
		if err := h.read(ctx, opts, ends); err != nil {
			return err
		}
	}
	return nil
}

// ends are those of the partitions that have something new; next is moved over what
// the log has let go.
func (h *history) ends(ctx context.Context, admin *kadm.Client) (map[int32]int64, error) {
	starts, err := admin.ListStartOffsets(ctx, h.topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the beginning of %s: %w", h.topic, err)
	}
	ends, err := admin.ListEndOffsets(ctx, h.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return nil, fmt.Errorf("reading the end of %s: %w", h.topic, err)
	}
	news := map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		start, _ := starts.Lookup(h.topic, end.Partition)
		h.next[end.Partition] = max(h.next[end.Partition], start.Offset)
		if h.next[end.Partition] < end.Offset {
			news[end.Partition] = end.Offset
		}
	})
	return news, nil
}

func (h *history) read(ctx context.Context, opts []kgo.Opt, ends map[int32]int64) error {
	from := map[int32]kgo.Offset{}
	for p := range ends {
		from[p] = kgo.NewOffset().At(h.next[p])
	}
	client, err := kgo.NewClient(append(opts, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{h.topic: from}))...)
	if err != nil {
		return fault("preparing the Kafka client: %w", err)
	}
	defer client.Close()
	for len(ends) > 0 {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", h.topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			h.take(r.Value)
			if h.next[r.Partition] = r.Offset + 1; r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
		})
	}
	return nil
}

// take remembers what was delivered. Refused and abandoned messages are attempted
// again when they are read again.
func (h *history) take(value []byte) {
	var d record.Delivery
	if json.Unmarshal(value, &d) != nil || d.Outcome != record.Delivered {
		return
	}
	t := h.targets[d.Target]
	if t == nil {
		t = &told{episodes: map[string][]saying{}}
		h.targets[d.Target] = t
	}
	for i := range min(len(d.Items), len(d.Revisions)) {
		t.add(record.ItemKey(d.Tenant, d.Control, d.Items[i]), saying{d.Revisions[i], d.Action}, h.limit)
	}
}

func (t *told) add(episode string, s saying, limit int) {
	before, known := t.episodes[episode]
	before = slices.DeleteFunc(before, func(b saying) bool { return b.revision >= s.revision })
	t.episodes[episode] = append(before, s)
	if known {
		return
	}
	if t.order = append(t.order, episode); len(t.order) > 2*limit {
		for _, old := range t.order[:limit] {
			delete(t.episodes, old)
		}
		t.order = slices.Clone(t.order[limit:])
	}
}
