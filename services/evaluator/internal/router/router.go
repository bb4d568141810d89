// Package router reads events and writes, to each routed partition, what the
// controls whose join keys live there need of them.
//
// It reads events.* in a consumer group, writes `routed` and `rejected` with an
// idempotent producer and no transaction. Its guarantee: when a source's offset
// is committed, all that the source said below it stands in `routed`, in order,
// and is followed by a mark in every routed partition. What it writes is a
// function of the source record, the rules and Version, so it does no harm when
// two routers write the same.
package router

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/probe"
	"assay.example/assay/services/evaluator/internal/routed"
)

// Version is of the routing code. It grows when the same event and rules would
// be routed in another way.
const Version = 2

// Config is what a router needs to know.
type Config struct {
	// Client reaches Kafka; it chooses no group and no topic.
	Client []kgo.Opt
	Group  string
	// Events, Routed and Rejected are full topic names.
	Events   []string
	Routed   string
	Rejected string
	// Activation is the number of the rules that a source begins with, unless it has
	// passed a marker of later ones.
	Activation int
	// Bound is how far the watermark stands behind the log's clock.
	Bound time.Duration
	// MarkInterval is how often marks are written, by the wall's clock, and
	// MarkEvery by the log's, so that a fast replay sees as many as it needs.
	MarkInterval time.Duration
	MarkEvery    time.Duration
	// MaxRecord is the size above which a record is rejected instead of routed.
	MaxRecord int
	// Batch is how many records are read at once.
	Batch int
	// Seek is how many records of the past are read rather than looked whether they are
	// wanted; 0: all.
	Seek int64
	// Grace is how long the work in flight may take to finish.
	Grace time.Duration
	// Hook is for tests.
	Hook probe.Hook
}

// The points of a router.
const (
	Turning      probe.Point = "router.turning"      // nothing is in hand
	Polled       probe.Point = "router.polled"       // records are read, nothing follows from them yet
	Routing      probe.Point = "router.routing"      // before each record: what follows from those before is on the way
	Preloading   probe.Point = "router.preloading"   // before a slice of what is read once more
	Routed       probe.Point = "router.routed"       // their facts are on the way, and no mark of this turn
	Marked       probe.Point = "router.marked"       // the marks are on the way too, unless none was due
	Acknowledged probe.Point = "router.acknowledged" // all is written, nothing committed
	Committed    probe.Point = "router.committed"
)

// Deps are what a router works with.
type Deps struct {
	Rules Rules
	// Later finds the rules of a later activation. It waits for one that the control topic
	// is about to show; nil: there are none.
	Later func(ctx context.Context, activation int) (Rules, error)
	// Past finds what an activation wants of the events before it, once Later knows it; nil
	// if it wants nothing. Without it nothing is read once more.
	Past  func(ctx context.Context, activation int) (Past, error)
	Types *dictionary.Dictionary
	// Topology is the number of the set of source partitions in force.
	Topology func() int
	Metrics  *Metrics
	Log      zerolog.Logger
	// Ready is told once Kafka has answered; nil if nobody asks.
	Ready func()
}

type router struct {
	cfg      Config
	deps     Deps
	client   *kgo.Client
	table    *table
	given    *consume.Assignments
	nextMark time.Time
	// nextCommit is when all that stands is committed again.
	nextCommit time.Time
	// reading is of the lane that is read.
	reading reader
	// failed is the first error of a record that was produced.
	failed atomic.Pointer[error]
}

// Run routes until ctx ends, then finishes what it has read and returns nil.
// After an error it must be started anew: nothing that it wrote is then counted
// on, and all since the last commit is routed again.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	work, cancel := consume.Outlive(ctx, cfg.Grace)
	defer cancel()
	r, err := open(work, cfg, deps)
	if err != nil {
		return err
	}
	defer r.client.CloseAllowingRebalance()
	defer r.closeLane()
	deps.Log.Info().Int("activation", cfg.Activation).Msg("router started")
	if deps.Ready != nil {
		deps.Ready()
	}
	for ctx.Err() == nil {
		if err := r.turn(ctx, work); err != nil {
			return err
		}
	}
	return r.finish(work)
}

func open(ctx context.Context, cfg Config, deps Deps) (*router, error) {
	given := &consume.Assignments{}
	client, err := kgo.NewClient(slices.Concat(cfg.Client, given.Options(), []kgo.Opt{
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.Events...),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		kgo.BlockRebalanceOnPoll(),
		kgo.DisableAutoCommit(),
		// Producers may use transactions; what they aborted never happened.
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		// Events that are gone before they were routed are a loss that a
		// person must see, not something to skip.
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(int32(cfg.MaxRecord + batchOverhead)),
	})...)
	if err != nil {
		return nil, fmt.Errorf("opening the router's client: %w", err)
	}
	r := &router{cfg: cfg, deps: deps, client: client, given: given, nextMark: time.Now().Add(cfg.MarkInterval), nextCommit: time.Now().Add(consume.CommitAgain)}
	if err := r.prepare(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return r, nil
}

// batchOverhead is room for what Kafka puts around a record.
const batchOverhead = 1 << 10

func (r *router) prepare(ctx context.Context) error {
	codec, err := routed.NewCodec()
	if err != nil {
		return err
	}
	partitions, err := consume.Partitions(ctx, r.client, r.cfg.Routed)
	if err != nil {
		return err
	}
	r.table = newTable(r.cfg, r.deps.Rules, r.deps.Types, codec, partitions)
	return nil
}

// turn is one poll and all that follows from it. Partitions move only between turns.
func (r *router) turn(ctx, work context.Context) error {
	if err := r.cfg.Hook.At(Turning); err != nil {
		return err
	}
	poll, cancel := context.WithDeadline(ctx, r.pollUntil(time.Now()))
	fetches := r.client.PollRecords(poll, r.cfg.Batch)
	defer r.client.AllowRebalance()
	err := consume.Failure(poll, fetches)
	cancel()
	if err != nil {
		return err
	}
	if err := r.cfg.Hook.At(Polled); err != nil {
		return err
	}
	r.table.assign(r.given.Take())
	var marked []position
	for rec := range fetches.RecordsAll() {
		if err := r.cfg.Hook.At(Routing); err != nil {
			return err
		}
		due, err := r.route(work, rec)
		if err != nil {
			return err
		}
		marked = append(marked, due...)
	}
	r.deps.Metrics.lag(fetches)
	if err := r.preload(ctx, work); err != nil {
		return err
	}
	if err := r.cfg.Hook.At(Routed); err != nil {
		return err
	}
	if now := time.Now(); !now.Before(r.nextMark) {
		r.nextMark = now.Add(r.cfg.MarkInterval)
		due, err := r.mark(work)
		if err != nil {
			return err
		}
		marked = append(marked, due...)
		if !now.Before(r.nextCommit) {
			r.nextCommit = now.Add(consume.CommitAgain)
			marked = append(marked, r.table.resting()...)
		}
	}
	if err := r.cfg.Hook.At(Marked); err != nil {
		return err
	}
	return r.settle(work, marked)
}

// leastPoll is how long a turn looks for records however late the marks are: the client
// gives none to a poll whose time is over, so a slow router would read nothing.
const leastPoll = 10 * time.Millisecond

func (r *router) pollUntil(now time.Time) time.Time {
	if least := now.Add(leastPoll); least.After(r.nextMark) || r.table.behind() != nil {
		return least
	}
	return r.nextMark
}

// route writes what follows from one record, and the marks that its clock makes due.
func (r *router) route(work context.Context, rec *kgo.Record) ([]position, error) {
	if n, needed := r.table.needs(rec); needed {
		if err := r.learn(work, n); err != nil {
			return nil, err
		}
	}
	step, err := r.table.take(rec)
	if err != nil {
		return nil, err
	}
	for _, out := range step.facts {
		r.produce(work, out)
	}
	r.deps.Metrics.Routed.Add(float64(len(step.facts)))
	if step.rejected != nil {
		if err := r.reject(work, step.rejected); err != nil {
			return nil, err
		}
	}
	if !step.markDue {
		return nil, nil
	}
	return r.mark(work)
}

// learn finds the rules of an activation that a source has come to.
func (r *router) learn(work context.Context, activation int) (err error) {
	if r.deps.Later == nil {
		return compliance.Errorf(compliance.Conflict, "a source has come to activation %d of the rules, and this instance knows %d alone; restart it with the bundle that is in force", activation, r.cfg.Activation)
	}
	if r.table.rules[activation], err = r.deps.Later(work, activation); err != nil {
		return fmt.Errorf("finding the rules of activation %d: %w", activation, err)
	}
	if err := r.learnPast(work, activation); err != nil {
		return err
	}
	r.deps.Log.Info().Int("activation", activation).Msg("router learnt the rules of a later activation")
	return nil
}

// mark writes to every routed partition how far all sources are.
func (r *router) mark(work context.Context) ([]position, error) {
	outs, positions, err := r.table.marks(r.deps.Topology())
	if err != nil {
		return nil, err
	}
	for _, out := range outs {
		r.produce(work, out)
	}
	return positions, nil
}

func (r *router) produce(work context.Context, out output) {
	r.client.Produce(work, &kgo.Record{Topic: r.cfg.Routed, Partition: out.partition, Value: out.value}, r.promise)
}

func (r *router) promise(rec *kgo.Record, err error) {
	if err != nil {
		err = fmt.Errorf("writing to %s/%d: %w", rec.Topic, rec.Partition, err)
		r.failed.CompareAndSwap(nil, &err)
	}
}

// settle waits until all that was produced is acknowledged, and commits what the
// marks among it cover. Any error ends the router: its successor begins at the
// last commit and writes again what may be missing.
func (r *router) settle(work context.Context, marked []position) error {
	if err := r.failure(); err != nil || len(marked) == 0 {
		return err
	}
	if err := r.client.Flush(work); err != nil {
		return fmt.Errorf("waiting for the acknowledgement of routed records: %w", err)
	}
	if err := r.failure(); err != nil {
		return err
	}
	if err := r.cfg.Hook.At(Acknowledged); err != nil {
		return err
	}
	if err := r.commit(work, marked); err != nil {
		return err
	}
	return r.cfg.Hook.At(Committed)
}

func (r *router) failure() error {
	if err := r.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// finish writes a last mark, so that the judge needs no successor to go on.
func (r *router) finish(work context.Context) error {
	marked, err := r.mark(work)
	if err != nil {
		return err
	}
	if err := r.settle(work, marked); err != nil {
		return fmt.Errorf("finishing the router's work: %w", err)
	}
	r.deps.Log.Info().Msg("router stopped")
	return nil
}
