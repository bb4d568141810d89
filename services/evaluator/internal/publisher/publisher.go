// Package publisher turns committed verdicts into the violations that people's
// systems read.
//
// It reads `verdicts`, committed records only, in a consumer group, and writes
// `violations` with an idempotent producer and no transaction: clients that hand
// out aborted records can't go wrong there. A violation can be written twice,
// with the same id and bytes; it is never lost, and those of an item stand in
// the order of their revisions, repeats aside.
package publisher

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/probe"
)

// Config is what a publisher needs to know.
type Config struct {
	// Client reaches Kafka; it chooses no group and no topic.
	Client []kgo.Opt
	Group  string
	// Verdicts and Violations are full topic names.
	Verdicts   string
	Violations string
	// Batch is how many verdicts are read at once.
	Batch int
	// Grace is how long the work in flight may take to finish.
	Grace time.Duration
	// Hook is for tests.
	Hook probe.Hook
}

// The points of a publisher.
const (
	Turning   probe.Point = "publisher.turning"   // nothing is in hand
	Polled    probe.Point = "publisher.polled"    // verdicts are read, nothing written
	Published probe.Point = "publisher.published" // all is written, nothing committed
)

// Deps are what a publisher works with.
type Deps struct {
	Controls Controls
	Metrics  *Metrics
	Log      zerolog.Logger
	// Ready is told once Kafka has answered; nil if nobody asks.
	Ready func()
}

type publisher struct {
	cfg    Config
	deps   Deps
	client *kgo.Client
	// nextCommit is when all that stands is committed again.
	nextCommit time.Time
}

// Run publishes until ctx ends, then finishes what it has read and returns nil.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	work, cancel := consume.Outlive(ctx, cfg.Grace)
	defer cancel()
	client, err := kgo.NewClient(slices.Concat(cfg.Client, []kgo.Opt{
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.Verdicts),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.ProducerBatchMaxBytes(maxBatchBytes),
		// The one compression that every Kafka client reads without another library.
		kgo.ProducerBatchCompression(kgo.GzipCompression()),
	})...)
	if err != nil {
		return fmt.Errorf("opening the publisher's client: %w", err)
	}
	defer client.CloseAllowingRebalance()
	p := &publisher{cfg, deps, client, time.Now().Add(consume.CommitAgain)}
	if err := client.Ping(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("reaching Kafka: %w", err)
	}
	deps.Log.Info().Msg("publisher started")
	if deps.Ready != nil {
		deps.Ready()
	}
	for ctx.Err() == nil {
		if err := p.turn(ctx, work); err != nil {
			return err
		}
	}
	deps.Log.Info().Msg("publisher stopped")
	return nil
}

// maxBatchBytes fits what the topics take.
const maxBatchBytes = 2 << 20

// turn publishes one poll: written, acknowledged, committed, in this order.
func (p *publisher) turn(ctx, work context.Context) error {
	if err := p.cfg.Hook.At(Turning); err != nil {
		return err
	}
	fetches, err := p.poll(ctx)
	defer p.client.AllowRebalance()
	if err != nil {
		return err
	}
	if fetches.NumRecords() == 0 {
		return p.commit(work)
	}
	p.deps.Metrics.Lag.Observe("publisher", fetches)
	if err := p.cfg.Hook.At(Polled); err != nil {
		return err
	}
	if err := p.publish(work, fetches); err != nil {
		return err
	}
	if err := p.cfg.Hook.At(Published); err != nil {
		return err
	}
	return p.commit(work)
}

// commitSoon is how long a poll waits at the longest while something is to be committed.
const commitSoon = time.Second

// poll waits for verdicts. If the group took the last commit not, as it was moving
// partitions, it doesn't wait for long: what this publisher has kept is committed then,
// and not only when the next verdict comes.
func (p *publisher) poll(ctx context.Context) (kgo.Fetches, error) {
	wait := consume.CommitAgain
	if len(p.client.UncommittedOffsets()) > 0 {
		wait = commitSoon
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	fetches := p.client.PollRecords(ctx, p.cfg.Batch)
	return fetches, consume.Failure(ctx, fetches)
}

// commit stores where the group reads on; without anything to say it asks nobody, but now
// and then.
func (p *publisher) commit(work context.Context) error {
	offsets := p.client.UncommittedOffsets()
	if now := time.Now(); len(offsets) == 0 && !now.Before(p.nextCommit) {
		p.nextCommit = now.Add(consume.CommitAgain)
		offsets = p.client.CommittedOffsets()
	}
	return consume.Commit(work, p.client, offsets)
}

func (p *publisher) publish(work context.Context, fetches kgo.Fetches) error {
	var first error
	var once sync.Once
	for r := range fetches.RecordsAll() {
		v, err := p.violation(r)
		if err != nil {
			return err
		}
		if v == nil {
			continue
		}
		p.client.Produce(work, v, func(r *kgo.Record, err error) {
			if err != nil {
				once.Do(func() { first = fmt.Errorf("writing to %s/%d: %w", r.Topic, r.Partition, err) })
			}
		})
	}
	if err := p.client.Flush(work); err != nil {
		return fmt.Errorf("waiting for the acknowledgement of violations: %w", err)
	}
	return first
}

// violation is the record that a verdict leads to, nil if to none.
func (p *publisher) violation(r *kgo.Record) (*kgo.Record, error) {
	rev, err := record.DecodeRevision(r.Value)
	if err != nil {
		return nil, fmt.Errorf("%s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	v := Violation(rev, p.deps.Controls)
	if v == nil {
		return nil, nil
	}
	value, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encoding violation %s: %w", v.ID, err)
	}
	p.deps.Metrics.Violations.WithLabelValues(rev.Control, string(v.Change)).Inc()
	return &kgo.Record{Topic: p.cfg.Violations, Key: []byte(v.Episode), Value: value}, nil
}
