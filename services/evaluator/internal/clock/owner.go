package clock

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
)

// Config is what a clock needs to know.
type Config struct {
	// Client reaches Kafka; it chooses no group and no topic.
	Client []kgo.Opt
	Group  string
	// Control and Events are full topic names.
	Control string
	Events  []string
	// Bundle is the hash of the rules that this instance has loaded.
	Bundle string
	// Files are that bundle's, packed, and Routers the group whose commits say how far
	// sources are routed.
	Files   []byte
	Routers string
	// Mode is Wall or External, until the control topic says another.
	Mode string
	// Interval is how often the wall's time is written.
	Interval time.Duration
}

// Deps are what a clock works with.
type Deps struct {
	Log *Log
	// Check says why a change can't be made after the activation that is in force,
	// given the highest clock of all sources; nil: every change can.
	Check func(ctx context.Context, c record.RuleChange, inForce int, clock compliance.Instant) error
	// Late hears of a change that came into force more than Slack after it was looked at;
	// nil if nobody asks.
	Late func()
	Logs zerolog.Logger
	// Ready is told once the group is joined; nil if nobody asks.
	Ready func()
}

type clock struct {
	cfg    Config
	deps   Deps
	client *kgo.Client
	// owner: this member has the control partition. mine wakes the loop.
	owner atomic.Bool
	mine  chan struct{}
}

// Run writes the time while it owns the control topic, until ctx ends.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	c := &clock{cfg: cfg, deps: deps, mine: make(chan struct{}, 1)}
	client, err := kgo.NewClient(append(slices.Clone(cfg.Client),
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.Control),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.DisableAutoCommit(),
		kgo.OnPartitionsAssigned(c.assigned),
		kgo.OnPartitionsRevoked(c.taken),
		kgo.OnPartitionsLost(c.taken),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(maxBatch),
	)...)
	if err != nil {
		return fmt.Errorf("opening the clock's client: %w", err)
	}
	defer client.Close()
	// The group says who owns the topic; deps.Log reads it.
	client.PauseFetchTopics(cfg.Control)
	c.client = client
	if err := client.Ping(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("reaching Kafka: %w", err)
	}
	if deps.Ready != nil {
		deps.Ready()
	}
	return c.loop(ctx)
}

// maxBatch fits what the topics take: a bundle is one record.
const maxBatch = 2 << 20

func (c *clock) assigned(_ context.Context, _ *kgo.Client, given map[string][]int32) {
	if len(given[c.cfg.Control]) == 0 {
		return
	}
	c.owner.Store(true)
	select {
	case c.mine <- struct{}{}:
	default:
	}
}

// taken is also called without partitions, when others join the group.
func (c *clock) taken(_ context.Context, _ *kgo.Client, taken map[string][]int32) {
	if len(taken[c.cfg.Control]) > 0 {
		c.owner.Store(false)
	}
}

func (c *clock) loop(ctx context.Context) error {
	tick := time.NewTicker(c.cfg.Interval)
	defer tick.Stop()
	news := c.deps.Log.news()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-c.mine:
			c.deps.Logs.Info().Msg("this instance keeps the log's clock")
			if err = c.announce(ctx); err == nil {
				err = c.carryOut(ctx)
			}
		case <-news:
			// before the topic is read: what is said while it is wakes the loop again
			news = c.deps.Log.news()
			if c.owner.Load() {
				err = c.carryOut(ctx)
			}
		case <-tick.C:
			if c.owner.Load() && c.deps.Log.mode(c.cfg.Mode) == Wall {
				err = c.write(ctx, compliance.InstantOf(time.Now()))
			}
		}
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// announce writes down the source partitions and the rules, where the control
// topic says other ones. It reads the topic anew: another owner may have written
// since this instance last looked.
func (c *clock) announce(ctx context.Context) error {
	now, err := Open(ctx, c.cfg.Client, c.cfg.Control, c.deps.Logs)
	if err != nil {
		return fmt.Errorf("reading the control topic: %w", err)
	}
	partitions := make(map[string]int32, len(c.cfg.Events))
	for _, topic := range c.cfg.Events {
		if partitions[topic], err = consume.Partitions(ctx, c.client, topic); err != nil {
			return err
		}
	}
	if !maps.Equal(now.current(), partitions) {
		err = c.control(ctx, record.Control{Kind: record.KindTopology, Topology: now.said.topology + 1, Partitions: partitions})
		if n := now.Latest(); err == nil && now.said.rules.Changed() {
			err = c.markNew(ctx, n, now.current(), partitions)
		}
	}
	if err != nil {
		return err
	}
	return c.begin(ctx, now)
}

// markNew has the sources that were added routed by the rules in force.
func (c *clock) markNew(ctx context.Context, activation int, before, now map[string]int32) error {
	var markers []*kgo.Record
	for topic, n := range now {
		for p := before[topic]; p < n; p++ {
			markers = append(markers, record.EncodeMarker(topic, p, activation))
		}
	}
	if err := c.client.ProduceSync(ctx, markers...).FirstErr(); err != nil {
		return fmt.Errorf("writing markers: %w", err)
	}
	return nil
}

// begin writes down the rules that this instance has loaded, if nothing was changed on
// the running system yet: from then on the log says what is in force.
func (c *clock) begin(ctx context.Context, now *Log) error {
	switch {
	case now.said.rules.Changed():
		if now.said.rules.Bundle != c.cfg.Bundle {
			c.deps.Logs.Warn().Str("in_force", now.said.rules.Bundle).Str("loaded", c.cfg.Bundle).
				Msg("the loaded rules are not those in force, which the log has; to change those use assay activate")
		}
		return nil
	case now.said.rules.Bundle != c.cfg.Bundle:
		return c.control(ctx, record.Control{Kind: record.KindActivated, Activation: now.said.rules.Activation + 1, Bundle: c.cfg.Bundle, Files: c.cfg.Files})
	case len(now.said.rules.Base.Files) == 0 && len(c.cfg.Files) > 0: // an older release wrote it
		return c.control(ctx, record.Control{Kind: record.KindActivated, Activation: now.said.rules.Activation, Bundle: c.cfg.Bundle, Files: c.cfg.Files})
	}
	return nil
}

func (c *clock) control(ctx context.Context, said record.Control) error {
	value, err := json.Marshal(said)
	if err != nil {
		return fmt.Errorf("encoding a control record: %w", err)
	}
	r := &kgo.Record{Topic: c.cfg.Control, Key: []byte(said.Kind), Value: value}
	if err := c.client.ProduceSync(ctx, r).FirstErr(); err != nil {
		return fmt.Errorf("writing %s to %s: %w", said.Kind, c.cfg.Control, err)
	}
	c.deps.Logs.Info().Str("kind", said.Kind).Int("activation", said.Activation).Int("topology", said.Topology).Msg("the control topic was told")
	return nil
}

// write puts the time into every source partition.
func (c *clock) write(ctx context.Context, now compliance.Instant) error {
	var records []*kgo.Record
	for topic, n := range c.deps.Log.current() {
		for p := range n {
			records = append(records, record.EncodeClock(topic, p, now))
		}
	}
	if err := c.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("writing the clock: %w", err)
	}
	return nil
}
