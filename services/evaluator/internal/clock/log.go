// Package clock keeps the log's time and what the control topic says.
//
// Log follows the control topic: every instance has one. Run joins a group of
// which one member owns the topic's only partition. The owner alone reads the
// wall's clock, and writes it into every partition of events.*, so that time is
// in the log and a replay sees what live saw. It also writes down which rules and
// which source partitions are in force. Two owners, for a moment, do no harm: of
// clock records the highest counts.
package clock

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// Modes of the clock: the owner writes the wall's time, or somebody else writes
// the time of an import or a demonstration.
const (
	Wall     = "wall"
	External = "external"
)

// Log is what the control topic has said so far. It is safe for concurrent use.
type Log struct {
	client []kgo.Opt
	topic  string
	log    zerolog.Logger

	mu sync.Mutex
	// changed is closed and replaced whenever something new was said.
	changed chan struct{}
	said    said
	// next is the offset to read on at.
	next int64
}

// said is the state of the control topic.
type said struct {
	mode     string
	topology int
	// partitions of each topology, by topic.
	partitions map[int]map[string]int32
	rules      record.Rules
}

// Open reads the control topic to its end.
func Open(ctx context.Context, client []kgo.Opt, topic string, log zerolog.Logger) (*Log, error) {
	l := &Log{client: client, topic: topic, log: log, changed: make(chan struct{})}
	l.said.partitions = make(map[int]map[string]int32)
	next, err := consume.ToEnd(ctx, client, topic, 0, l.take)
	if err != nil {
		return nil, err
	}
	l.next = next
	return l, nil
}

// Follow reads on until ctx ends.
func (l *Log) Follow(ctx context.Context) error {
	cl, err := kgo.NewClient(append(slices.Clone(l.client),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.topic: {0: kgo.NewOffset().At(l.next)}}),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	)...)
	if err != nil {
		return fmt.Errorf("opening a reader of %s: %w", l.topic, err)
	}
	defer cl.Close()
	for ctx.Err() == nil {
		fetches := cl.PollFetches(ctx)
		if err := consume.Failure(ctx, fetches); err != nil {
			return err
		}
		for r := range fetches.RecordsAll() {
			if err := l.take(r); err != nil {
				return err
			}
			l.next = r.Offset + 1
		}
	}
	return nil
}

// take reads one record. One that it can't read is left out and said so: people
// and tools write here too, and a slip must not stop all judging.
func (l *Log) take(r *kgo.Record) error {
	var c record.Control
	if err := json.Unmarshal(r.Value, &c); err != nil {
		l.log.Warn().Err(err).Int64("offset", r.Offset).Msg("a record of the control topic is no JSON; it is left out")
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.said.take(&c) {
		l.log.Warn().Str("kind", c.Kind).Int64("offset", r.Offset).Msg("a record of the control topic makes no sense here; it is left out")
		return nil
	}
	close(l.changed)
	l.changed = make(chan struct{})
	return nil
}

func (s *said) take(c *record.Control) bool {
	switch {
	case c.Kind == record.KindClock && (c.Clock == Wall || c.Clock == External):
		s.mode = c.Clock
	case c.Kind == record.KindTopology && len(c.Partitions) > 0 && c.Topology >= s.topology:
		s.topology = c.Topology
		s.partitions[c.Topology] = c.Partitions
	default:
		return s.rules.Take(c)
	}
	return true
}

// Topology is the number of the set of source partitions in force; 0 before the first.
func (l *Log) Topology() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.topology
}

// Sources are the source partitions of a topology, sorted. It waits for one that
// is not known yet: whoever named it has read it here.
func (l *Log) Sources(ctx context.Context, topology int) ([]routed.Source, error) {
	var partitions map[string]int32
	err := l.await(ctx, func(s *said) bool {
		partitions = s.partitions[topology]
		return partitions != nil
	})
	if err != nil {
		return nil, err
	}
	var sources []routed.Source
	for _, topic := range slices.Sorted(maps.Keys(partitions)) {
		for p := range partitions[topic] {
			sources = append(sources, routed.Source{Topic: topic, Partition: p})
		}
	}
	return sources, nil
}

// Activated waits until the log says that a bundle is in force and which source
// partitions there are, and gives the number of the activation.
func (l *Log) Activated(ctx context.Context, bundle string) (int, error) {
	b, err := l.InForce(ctx, bundle)
	return b.Activation, err
}

// said tells when the topic said something new.
func (l *Log) news() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changed
}

// mode of the clock: what the log says last, else what the configuration says.
func (l *Log) mode(otherwise string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.said.mode == "" {
		return otherwise
	}
	return l.said.mode
}

func (l *Log) await(ctx context.Context, ok func(*said) bool) error {
	for {
		l.mu.Lock()
		done, changed := ok(&l.said), l.changed
		l.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// current is the topology in force and its partitions.
func (l *Log) current() map[string]int32 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.partitions[l.said.topology]
}
