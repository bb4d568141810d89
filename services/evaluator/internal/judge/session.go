package judge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// session is a client and the partitions that it judges.
type session struct {
	cfg              Config
	deps             Deps
	txn              *kgo.GroupTransactSession
	given            *consume.Assignments
	codec            *routed.Codec
	routedPartitions int32
	partitions       map[int32]*partition
	// broken is since when a source's records are missing in a partition.
	broken map[breach]time.Time
}

type breach struct {
	partition int32
	lane
}

func open(ctx context.Context, cfg Config, deps Deps) (*session, error) {
	codec, err := routed.NewCodec()
	if err != nil {
		return nil, err
	}
	given := &consume.Assignments{}
	txn, err := kgo.NewGroupTransactSession(slices.Concat(cfg.Client, given.Options(), []kgo.Opt{
		kgo.ConsumerGroup(cfg.Group),
		kgo.ConsumeTopics(cfg.input()),
		kgo.FetchIsolationLevel(cfg.isolation()),
		kgo.Balancers(kgo.CooperativeStickyBalancer()),
		// Partitions move only between transactions: a revocation inside one
		// would abort it, and two judges could abort each other for ever.
		kgo.BlockRebalanceOnPoll(),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
		kgo.TransactionalID(cfg.TransactionalID),
		kgo.TransactionTimeout(cfg.TransactionTimeout),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchMaxBytes(maxBatchBytes),
	})...)
	if err != nil {
		return nil, fmt.Errorf("opening the judge's client: %w", err)
	}
	s := &session{
		cfg: cfg, deps: deps, txn: txn, given: given, codec: codec,
		partitions: make(map[int32]*partition), broken: make(map[breach]time.Time),
	}
	if err := s.prepare(ctx); err != nil {
		txn.Close()
		return nil, err
	}
	return s, nil
}

// maxBatchBytes fits what the topics take.
const maxBatchBytes = 2 << 20

func (s *session) prepare(ctx context.Context) (err error) {
	s.routedPartitions, err = consume.Partitions(ctx, s.txn.Client(), s.cfg.input())
	if err != nil {
		return err
	}
	// This fences a predecessor of the same name, and aborts what it left open,
	// before its partitions are restored.
	if _, _, err = s.txn.Client().ProducerID(ctx); err != nil {
		return fmt.Errorf("claiming transactional id %s: %w", s.cfg.TransactionalID, err)
	}
	return nil
}

// close leaves the group, and waits for that no longer than the grace: the client says
// its farewell again until somebody answers, and the group forgets a silent member anyway.
func (s *session) close() {
	left := make(chan struct{})
	go func() {
		s.txn.CloseAllowingRebalance()
		close(left)
	}()
	select {
	case <-left:
	case <-time.After(s.cfg.Grace):
		s.deps.Log.Warn().Dur("after", s.cfg.Grace).Msg("the judge's group has not let it go in time; it is left without a farewell")
	}
}

// turn reads a batch, judges it and commits it. Partitions move only between turns.
func (s *session) turn(ctx, work context.Context) error {
	defer s.txn.AllowRebalance()
	if err := s.cfg.Hook.At(Turning); err != nil {
		return err
	}
	batch, err := s.gather(ctx)
	if err != nil {
		return err
	}
	if err := s.cfg.Hook.At(Gathered); err != nil {
		return err
	}
	taken, err := s.assign(ctx, s.given.Take())
	if ctx.Err() != nil {
		return nil // what was not restored has said nothing
	}
	if err != nil {
		return err
	}
	if taken {
		return s.settle(work)
	}
	if len(batch) == 0 {
		return nil
	}
	return s.judge(work, batch)
}

// settle tells the client that partitions were taken while no transaction was
// open. It would abort the next one otherwise. The client then reads on from
// what is committed, so the batch in hand is read again.
func (s *session) settle(work context.Context) error {
	if _, err := s.txn.End(work, kgo.TryAbort); err != nil {
		return fmt.Errorf("following a rebalance: %w", err)
	}
	return nil
}

// idle is how long a poll waits for the first record: after it, partitions that
// came without records are restored too.
const idle = 500 * time.Millisecond

// gather polls until there is enough for a transaction.
func (s *session) gather(ctx context.Context) ([]*kgo.Record, error) {
	var batch []*kgo.Record
	until := time.Now().Add(idle)
	for len(batch) < s.cfg.BatchRecords && time.Now().Before(until) && ctx.Err() == nil {
		poll, cancel := context.WithDeadline(ctx, until)
		fetches := s.txn.PollRecords(poll, s.cfg.BatchRecords-len(batch))
		err := consume.Failure(poll, fetches)
		cancel()
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 && fetches.NumRecords() > 0 {
			until = time.Now().Add(s.cfg.BatchTime)
		}
		batch = append(batch, fetches.Records()...)
		s.deps.Metrics.lag(fetches)
	}
	return batch, nil
}

// assign restores the partitions that came and forgets those that went. To
// restore only reads, so it ends with ctx and not with the grace.
func (s *session) assign(ctx context.Context, changes []consume.Change) (taken bool, err error) {
	for _, c := range changes {
		if c.Taken {
			delete(s.partitions, c.ID)
			if !s.cfg.Later {
				s.deps.Metrics.forget(c.ID)
			}
			taken = true
			continue
		}
		p, err := s.restore(ctx, c.ID, c.Committed)
		if err != nil {
			return taken, err
		}
		s.partitions[c.ID] = p
		s.deps.Log.Info().Int32("partition", c.ID).Int64("offset", p.head.Next).Msg("judge restored a partition")
	}
	return taken, nil
}

// apply judges a batch in order, and gives what the transaction has to say.
func (s *session) apply(ctx context.Context, batch []*kgo.Record) (*output, error) {
	out := newOutput(s.cfg, s.codec)
	touched := make(map[int32]*partition)
	for _, r := range batch {
		p, ok := s.partitions[r.Partition]
		if !ok || r.Offset < p.head.Next {
			return nil, fmt.Errorf("judging %s/%d offset %d: the group did not give it to this judge", r.Topic, r.Partition, r.Offset)
		}
		if err := s.one(ctx, p, r, out); err != nil {
			return nil, err
		}
		touched[r.Partition] = s.partitions[r.Partition]
	}
	for _, p := range touched {
		changes, err := p.changes()
		if err != nil {
			return nil, err
		}
		out.state(p.id, changes)
	}
	out.touched = touched
	return out, nil
}

func (s *session) one(ctx context.Context, p *partition, r *kgo.Record, out *output) error {
	rec, err := s.codec.Decode(r.Value)
	if err != nil {
		return fmt.Errorf("reading %s/%d offset %d: %w", r.Topic, r.Partition, r.Offset, err)
	}
	for p.activation < rec.Activation() {
		if p, err = s.follow(ctx, p, p.activation+1, out); err != nil {
			return err
		}
		s.partitions[p.id] = p
	}
	result, err := p.take(ctx, rec, r.Offset, s.deps.Sources)
	if err != nil {
		return err
	}
	if result.read {
		if p, err = s.reopen(ctx, p, out); err != nil {
			return err
		}
	}
	if rec.Mark != nil {
		p.say(&result)
	}
	if err := s.watch(p, &result); err != nil {
		return err
	}
	return out.add(p.id, &result)
}

// watch follows the gaps. A router that could not write a record never commits
// past it, so its successor writes it again and the source joins on; a gap that
// stays is a loss, and stops the judge.
func (s *session) watch(p *partition, result *outcome) error {
	for _, l := range result.joined {
		delete(s.broken, breach{p.id, l})
	}
	if result.outdated && s.broken[breach{p.id, result.missing[0]}].IsZero() {
		s.deps.Log.Error().Int32("partition", p.id).Int("activation", p.activation).
			Msg("records are routed by rules that their source has left behind, and are not taken: stop all evaluators of older releases, then rebuild from the events")
	}
	for _, l := range result.missing {
		if err := s.wait(p, l); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) wait(p *partition, l lane) error {
	b := breach{p.id, l}
	since, known := s.broken[b]
	if !known {
		since = time.Now()
		s.broken[b] = since
		s.deps.Metrics.Gaps.Inc()
	}
	if time.Since(since) < s.cfg.GapPatience {
		return nil
	}
	return compliance.Errorf(compliance.Conflict,
		"routed partition %d misses records of %s/%d after offset %d, and no router has written them again within %s; restart the routers, and if that doesn't help rebuild from the events (docs/design/dataflow.md, \"Rebuild\")",
		p.id, l.from.Topic, l.from.Partition, p.head.hi(l), s.cfg.GapPatience)
}
