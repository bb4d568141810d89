package recorder

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/ledger"
	"assay.example/assay/services/recorder/internal/rows"
)

// worker is what all partitions share.
type worker struct {
	cfg     Config
	deps    Deps
	metrics *metrics
	seams   seams
	keys    *ledger.Keys
	store   *store
	commits *committer
}

// partition records one partition, in order, in a goroutine of its own.
type partition struct {
	*worker
	tp
	id     [16]byte // of the topic
	client *kgo.Client
	table  func() rows.Table
	wake   chan struct{}

	mu       sync.Mutex
	buffer   buffer
	paused   bool
	highest  int64 // the end of the partition, as last heard
	recorded int64 // the end of what is recorded

	// at is where the partition stands, known that the group's metadata said so,
	// and committed that the group knows.
	at        position
	known     bool
	committed bool

	stopping chan struct{} // no new batch
	aborting chan struct{} // nothing at all
	done     chan struct{}
}

func (c *consumer) newPartition(name tp, id kadm.TopicID, commit kadm.OffsetResponse) *partition {
	at, known := readPosition(id, commit.At, commit.Metadata)
	return &partition{
		worker: c.worker, tp: name, id: id, client: c.client, table: c.tables[name.topic],
		buffer: buffer{limits: limits{
			maxRows: c.cfg.BatchRows, maxBytes: c.cfg.BatchBytes, maxAge: c.cfg.BatchAge, maxIdle: c.cfg.IdleAge, maxBusy: c.cfg.BusyAge,
		}, next: at.Start, until: at.End},
		wake: make(chan struct{}, 1), recorded: at.Start, at: at, known: known, committed: true,
		stopping: make(chan struct{}), aborting: make(chan struct{}), done: make(chan struct{}),
	}
}

// add takes fetched records. It never blocks: beyond what the buffer may hold, the
// partition isn't fetched until there is room again.
func (p *partition) add(records []*kgo.Record, highest int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.highest = highest
	p.setLag()
	p.buffer.add(records, time.Now())
	if !p.paused && p.buffer.bytes >= p.cfg.BufferBytes && p.buffer.full() {
		p.paused = true
		p.client.PauseFetchPartitions(map[string][]int32{p.topic: {p.partition}})
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// halt ends the goroutine and waits for it.
func (p *partition) halt(patience time.Duration) {
	close(p.stopping)
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
		close(p.aborting)
		<-p.done
	}
	p.client.ResumeFetchPartitions(map[string][]int32{p.topic: {p.partition}})
	p.metrics.forget(p.tp)
}

// errStopped ends retries of a partition that is being halted.
var errStopped = errors.New("stopped")

// run returns an error only for a fault that nothing can be done about.
func (p *partition) run(ctx context.Context) error {
	defer close(p.done)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-p.aborting:
			cancel()
		case <-p.done:
		}
	}()
	err := p.loop(ctx)
	if ctx.Err() != nil || errors.Is(err, errStopped) {
		return nil
	}
	return err
}

func (p *partition) loop(ctx context.Context) error {
	if err := p.resume(ctx); err != nil {
		return err
	}
	for {
		r := p.next(ctx)
		if r == nil {
			return p.commitEnd(ctx)
		}
		if err := p.record(ctx, r); err != nil {
			return err
		}
	}
}

// resume finds out where to go on.
func (p *partition) resume(ctx context.Context) error {
	c, err := attempt(ctx, p, "coverage", func() (covered, error) { return p.store.covered(ctx, p.id, p.tp) })
	if err != nil {
		return err
	}
	before := p.at
	if p.at, err = p.at.resume(c, p.known); err != nil {
		return err
	}
	if p.at != before {
		p.committed = false
		p.deps.Log.Info().Str("topic", p.topic).Int32("partition", p.partition).
			Int64("group", before.Start).Int64("coverage", p.at.Start).
			Msg("the group's offset isn't the recorder's last; going on where coverage ends")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recorded = p.at.Start
	p.buffer.from(p.at.Start, p.at.End)
	return nil
}

// attempt retries an operation until it succeeds or the partition is halted.
func attempt[T any](ctx context.Context, p *partition, name string, do func() (T, error)) (T, error) {
	failed := false
	result, err := retry(ctx, func(err error, wait time.Duration) {
		failed = true
		p.metrics.retries.WithLabelValues(name).Inc()
		p.deps.Ready(partOf(name), err)
		p.deps.Log.Warn().Err(err).Str("operation", name).Str("topic", p.topic).Int32("partition", p.partition).
			Dur("wait", wait).Msg("failed; trying again")
	}, func() (T, error) {
		v, err := do()
		if err != nil {
			select {
			case <-p.stopping:
				return v, backoff.Permanent(errStopped)
			default:
			}
		}
		return v, err
	})
	if err == nil && failed {
		p.deps.Ready(partOf(name), nil)
	}
	return result, err
}

func partOf(operation string) string {
	if operation == "commit" {
		return "kafka"
	}
	return "clickhouse"
}

// next waits for a batch; nil says that the partition is being halted.
func (p *partition) next(ctx context.Context) *rows.Range {
	for {
		p.mu.Lock()
		records, wait := p.buffer.cut(time.Now())
		if records != nil {
			r := p.rangeOf(records)
			p.unpause()
			p.mu.Unlock()
			return r
		}
		p.mu.Unlock()
		if p.commitEnd(ctx) != nil || !p.sleep(ctx, wait) {
			return nil
		}
	}
}

func (p *partition) sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-p.wake:
		return true
	case <-timer.C:
		return true
	case <-p.stopping:
	case <-ctx.Done():
	}
	return false
}

// rangeOf names a cut. A range that is repeated keeps its end, whatever is left
// of its records.
func (p *partition) rangeOf(records []*kgo.Record) *rows.Range {
	end := p.at.End
	if end == 0 {
		end = records[len(records)-1].Offset + 1
	}
	return &rows.Range{
		Topic: p.topic, ID: p.id, Partition: p.partition,
		Start: p.at.Start, End: end, Before: p.at.Before, Records: records,
	}
}

func (p *partition) unpause() {
	if p.paused && p.buffer.bytes < p.cfg.BufferBytes/2 {
		p.paused = false
		p.client.ResumeFetchPartitions(map[string][]int32{p.topic: {p.partition}})
	}
}

// record makes a range durable: say which range, insert it, say that it is done.
func (p *partition) record(ctx context.Context, r *rows.Range) error {
	made := r.Make(p.table())
	p.report(made)
	if p.at.End == 0 {
		p.at.End = r.End
		if err := p.commit(ctx); err != nil {
			return err
		}
	} else {
		p.metrics.repeats.Inc()
		p.deps.Log.Info().Str("topic", p.topic).Int32("partition", p.partition).
			Int64("start", r.Start).Int64("end", r.End).Msg("repeating the last insert of the recorder before")
	}
	if err := p.seams.afterIntent(p.tp, p.at); err != nil {
		return err
	}
	for _, b := range made.Blocks() {
		if err := p.insert(ctx, r, b); err != nil {
			return err
		}
	}
	p.at, p.committed = position{Start: r.End, Before: made.After}, false
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recorded = r.End
	p.setLag()
	return nil
}

func (p *partition) setLag() { p.metrics.lagOf(p.tp).Set(float64(max(0, p.highest-p.recorded))) }

func (p *partition) insert(ctx context.Context, r *rows.Range, b *rows.Block) error {
	name := token(r, b.Table)
	_, err := attempt(ctx, p, "insert", func() (struct{}, error) {
		return struct{}{}, p.store.insert(ctx, name, b)
	})
	if err != nil {
		return err
	}
	return p.seams.afterInsert(p.tp, p.at, b.Table)
}

func (p *partition) report(made rows.Made) {
	if made.Skipped == 0 {
		return
	}
	p.metrics.skipped.WithLabelValues(p.topic).Add(float64(made.Skipped))
	p.deps.Log.Warn().Err(made.Fault).Str("topic", p.topic).Int32("partition", p.partition).
		Int("records", made.Skipped).Msg("records can't be decoded and leave no row")
}

// commitEnd tells the group where the partition stands when there is nothing to
// insert. Under load the next range's own commit says it.
func (p *partition) commitEnd(ctx context.Context) error {
	if p.committed {
		return nil
	}
	return p.commit(ctx)
}

func (p *partition) commit(ctx context.Context) error {
	_, err := attempt(ctx, p, "commit", func() (struct{}, error) {
		return struct{}{}, p.commits.commit(ctx, p, p.at)
	})
	p.committed = p.committed || err == nil
	return err
}
