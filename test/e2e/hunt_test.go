//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// progress is how far a kind of service has come: in the story's time, and in
// records. Kills go by the first and not by the wall's clock: they are spread over
// the whole story on any machine, and none is wasted on a fleet that stands still.
type progress struct {
	at      compliance.Instant
	records int64
}

// verdicts follows the committed verdicts, by the times of their items.
func (f *fleet) verdicts(ctx context.Context) func(context.Context) progress {
	cl := f.client(kgo.ConsumeTopics(f.kafka.Topic("verdicts")), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var last, records atomic.Int64
	go func() {
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				records.Add(1)
				if rev, err := record.DecodeRevision(r.Value); err == nil {
					last.Store(max(last.Load(), int64(rev.Item.Time)))
				}
			})
		}
	}()
	return func(context.Context) progress { return progress{compliance.Instant(last.Load()), records.Load()} }
}

// rows asks ClickHouse; what it doesn't answer counts as no progress.
func (f *fleet) rows(ctx context.Context) (p progress) {
	var micros, events, revisions int64
	_ = f.conn.QueryRow(ctx, `SELECT toUnixTimestamp64Micro(max(time)), toInt64(count()),
		(SELECT toInt64(count()) FROM verdict_revisions) FROM events`).Scan(&micros, &events, &revisions)
	return progress{compliance.Instant(micros), events + revisions}
}

// hunt kills services of one kind, one after the other.
type hunt struct {
	kind     string
	prey     []*process
	from, to compliance.Instant
	progress func(context.Context) progress
	rng      *rand.Rand

	began time.Time
	// what came of it
	moments         []string
	ready, recovery []time.Duration
}

// run strikes at random moments, one in each part of the story. It ends early,
// with an error, only if a service doesn't come back.
func (h *hunt) run(ctx context.Context) error {
	h.began = time.Now()
	for i := range kills {
		share := (float64(i) + h.rng.Float64()) / kills
		at := h.from.Add(time.Duration(share * float64(h.to.Sub(h.from))))
		p := h.prey[h.rng.IntN(len(h.prey))]
		delay := time.Duration(h.rng.Int64N(int64(300 * time.Millisecond)))
		if !h.await(ctx, reached(at)) || !pause(ctx, delay) {
			return nil
		}
		if err := h.strike(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (h *hunt) strike(ctx context.Context, p *process) error {
	was, struck := h.progress(ctx), time.Now()
	h.moments = append(h.moments, fmt.Sprintf("%s at %s (%.1f s)", p.name, was.at.Time().Format("01-02 15:04"), time.Since(h.began).Seconds()))
	p.kill()
	if err := p.start(); err != nil {
		return err
	}
	if err := p.awaitReady(); err != nil {
		return fmt.Errorf("after kill %d: %w", len(h.moments), err)
	}
	h.ready = append(h.ready, time.Since(struck))
	if h.await(ctx, func(now progress) bool { return now.records > was.records }) {
		h.recovery = append(h.recovery, time.Since(struck))
	}
	return nil
}

// await polls until the progress is as wanted; false if ctx ends before.
func (h *hunt) await(ctx context.Context, wanted func(progress) bool) bool {
	for !wanted(h.progress(ctx)) {
		if !pause(ctx, askEvery) {
			return false
		}
	}
	return ctx.Err() == nil
}

// reached is a moment of the story.
func reached(at compliance.Instant) func(progress) bool {
	return func(p progress) bool { return p.at >= at }
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (h *hunt) String() string {
	return fmt.Sprintf("%s killed: %s; ready again after %s, working again after %s",
		h.kind, strings.Join(h.moments, ", "), spread(h.ready), spread(h.recovery))
}

// spread is the least, the mean and the greatest.
func spread(list []time.Duration) string {
	if len(list) == 0 {
		return "never"
	}
	least, most, sum := list[0], list[0], time.Duration(0)
	for _, d := range list {
		least, most, sum = min(least, d), max(most, d), sum+d
	}
	return fmt.Sprintf("%.1f to %.1f s (mean %.1f)", least.Seconds(), most.Seconds(), (sum / time.Duration(len(list))).Seconds())
}
