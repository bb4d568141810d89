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

// progress is how far something has come in the story's time. Kills go by it and
// not by the wall's clock: they are spread over the whole story on any machine, and
// none is wasted on a fleet that stands still.
type progress func(context.Context) compliance.Instant

// verdictsUntil follows the committed verdicts.
func (f *fleet) verdictsUntil(ctx context.Context) progress {
	cl := f.client(kgo.ConsumeTopics(f.kafka.Topic("verdicts")), kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var known atomic.Int64
	go func() {
		for ctx.Err() == nil {
			cl.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
				if rev, err := record.DecodeRevision(r.Value); err == nil {
					known.Store(max(known.Load(), int64(rev.KnownAt)))
				}
			})
		}
	}()
	return func(context.Context) compliance.Instant { return compliance.Instant(known.Load()) }
}

// eventsUntil asks ClickHouse.
func (f *fleet) eventsUntil(ctx context.Context) compliance.Instant {
	var micros int64
	if err := f.conn.QueryRow(ctx, "SELECT toUnixTimestamp64Micro(max(time)) FROM events").Scan(&micros); err != nil {
		return 0
	}
	return compliance.Instant(micros)
}

// hunt kills services of one kind, one after the other.
type hunt struct {
	kind     string
	prey     []*process
	strikes  int
	from, to compliance.Instant
	until    progress
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
	for i := range h.strikes {
		share := (float64(i) + h.rng.Float64()) / float64(h.strikes)
		at := h.from.Add(time.Duration(share * float64(h.to.Sub(h.from))))
		p := h.prey[h.rng.IntN(len(h.prey))]
		delay := time.Duration(h.rng.Int64N(int64(300 * time.Millisecond)))
		if !h.await(ctx, at) || !pause(ctx, delay) {
			return nil
		}
		if err := h.strike(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (h *hunt) strike(ctx context.Context, p *process) error {
	was, struck := h.until(ctx), time.Now()
	h.moments = append(h.moments, fmt.Sprintf("%s at %s (%.1f s)", p.name, was.Time().Format("01-02 15:04"), time.Since(h.began).Seconds()))
	p.kill()
	if err := p.start(); err != nil {
		return err
	}
	if err := p.awaitReady(); err != nil {
		return fmt.Errorf("after kill %d: %w", len(h.moments), err)
	}
	h.ready = append(h.ready, time.Since(struck))
	if h.await(ctx, was+1) {
		h.recovery = append(h.recovery, time.Since(struck))
	}
	return nil
}

// await polls until the progress has come to at; false if ctx ends before.
func (h *hunt) await(ctx context.Context, at compliance.Instant) bool {
	for h.until(ctx) < at {
		if !pause(ctx, askEvery) {
			return false
		}
	}
	return ctx.Err() == nil
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
