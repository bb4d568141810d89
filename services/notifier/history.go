package notifier

import (
	"context"
	"encoding/json"
	"fmt"
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
	targets map[string]*delivered
}

// delivered are the last keys of one target.
type delivered struct {
	keys  map[string]struct{}
	order []string
}

func newHistory(cfg Config, log zerolog.Logger) *history {
	return &history{
		kafka: cfg.Kafka, topic: cfg.Kafka.Topic("deliveries"), log: log, limit: cfg.Remember,
		next: map[int32]int64{}, targets: map[string]*delivered{},
	}
}

// has tells whether a target has taken a violation. A trigger and a resolve under
// one id are two things.
func (h *history) has(target, id string, action record.Action) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	d := h.targets[target]
	if d == nil {
		return false
	}
	_, ok := d.keys[deliveryKey(id, action)]
	return ok
}

func deliveryKey(id string, action record.Action) string { return string(action) + " " + id }

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
		t = &delivered{keys: map[string]struct{}{}}
		h.targets[d.Target] = t
	}
	for _, id := range d.Violations {
		t.add(deliveryKey(id, d.Action), h.limit)
	}
}

func (d *delivered) add(key string, limit int) {
	if _, known := d.keys[key]; known {
		return
	}
	d.keys[key] = struct{}{}
	if d.order = append(d.order, key); len(d.order) > 2*limit {
		for _, old := range d.order[:limit] {
			delete(d.keys, old)
		}
		d.order = append([]string{}, d.order[limit:]...)
	}
}
