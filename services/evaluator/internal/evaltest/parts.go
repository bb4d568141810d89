package evaltest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"

	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/routed"
	"assay.example/assay/services/evaluator/internal/router"
)

// Part is a running part of the evaluator.
type Part struct {
	w      *World
	cancel context.CancelFunc
	done   chan struct{}
	err    error
}

// Go runs a part, at the longest until the test ends.
func (w *World) Go(run func(ctx context.Context) error) *Part {
	ctx, cancel := context.WithCancel(w.T.Context())
	p := &Part{w: w, cancel: cancel, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.err = run(ctx)
	}()
	w.T.Cleanup(func() {
		cancel()
		<-p.done
	})
	return p
}

// Supervised is Go for a part that is started again when the broker has lost count of
// what its producer wrote, as the evaluator starts a part again after any failure. The
// fake broker does that now and then where a thousand transactions follow each other
// without a pause: once in some sixty replays in batches of a few records, under the
// race detector.
func (w *World) Supervised(run func(ctx context.Context) error) *Part {
	return w.Go(func(ctx context.Context) error {
		for {
			err := run(ctx)
			if ctx.Err() != nil || !errors.Is(err, kerr.OutOfOrderSequenceNumber) {
				return err
			}
		}
	})
}

// Stop asks the part to stop and waits until it has, without an error.
func (p *Part) Stop() {
	p.w.T.Helper()
	p.cancel()
	require.NoError(p.w.T, p.Wait())
}

// Kill cuts the part's line and waits until it is gone.
func (p *Part) Kill(line *Line) {
	line.Cut()
	p.cancel()
	<-p.done
}

// Wait is the part's error when it ends by itself.
func (p *Part) Wait() error {
	<-p.done
	return p.err
}

// RouterConfig is a router's in this world, over the line.
func (w *World) RouterConfig(line *Line) router.Config {
	return router.Config{
		Client: line.Opts(), Group: "router",
		Events: []string{Access, Deployment}, Routed: Routed, Rejected: Rejected,
		Activation: 1, Bound: 2 * time.Second, MarkInterval: 500 * time.Millisecond, MarkEvery: time.Hour,
		MaxRecord: 100_000, Batch: 500, Grace: time.Second,
	}
}

// RouterDeps are a router's, with metrics of their own.
func (w *World) RouterDeps() router.Deps {
	types, err := Types()
	require.NoError(w.T, err)
	return router.Deps{
		Rules: Rules{}, Types: types, Topology: func() int { return 1 },
		Metrics: router.NewMetrics(prometheus.NewRegistry(), w.Lag), Log: zerolog.Nop(),
	}
}

// Router runs one.
func (w *World) Router(line *Line) *Part {
	cfg, deps := w.RouterConfig(line), w.RouterDeps()
	return w.Go(func(ctx context.Context) error { return router.Run(ctx, cfg, deps) })
}

// JudgeConfig is a judge's in this world, over the line.
func (w *World) JudgeConfig(line *Line, name string) judge.Config {
	return judge.Config{
		Client: line.Opts(), Group: "judge", TransactionalID: "judge." + name,
		Routed: Routed, Findings: Findings, Verdicts: Verdicts, State: State, Quarantine: Quarantine,
		Activation: 1, BatchTime: 100 * time.Millisecond, BatchRecords: 500,
		TransactionTimeout: 10 * time.Second, GapPatience: 30 * time.Second, Grace: time.Second,
	}
}

// JudgeDeps are a judge's; all judges of a world count together.
func (w *World) JudgeDeps() judge.Deps {
	return judge.Deps{
		NewEngine: NewEngine, Rules: Rules{}, Sources: AllSources,
		Metrics: w.Judging, Log: zerolog.Nop(),
	}
}

// AllSources is the one topology of a world, as judge.Sources.
func AllSources(context.Context, int) ([]routed.Source, error) {
	var all []routed.Source
	for topic, n := range Sources() {
		for p := range n {
			all = append(all, routed.Source{Topic: topic, Partition: p})
		}
	}
	return slices.SortedFunc(slices.Values(all), routed.Source.Compare), nil
}

// Judge runs one.
func (w *World) Judge(line *Line, name string) *Part {
	cfg, deps := w.JudgeConfig(line, name), w.JudgeDeps()
	return w.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, deps) })
}

// Publisher runs one.
func (w *World) Publisher(line *Line) *Part {
	cfg := publisher.Config{
		Client: line.Opts(), Group: "publisher", Verdicts: Verdicts, Violations: Violations, Batch: 500, Grace: time.Second,
	}
	deps := w.PublisherDeps()
	return w.Go(func(ctx context.Context) error { return publisher.Run(ctx, cfg, deps) })
}

// PublisherDeps are a publisher's, with metrics of their own.
func (w *World) PublisherDeps() publisher.Deps {
	return publisher.Deps{
		Controls: Rules{}, Metrics: publisher.NewMetrics(prometheus.NewRegistry(), w.Lag), Log: zerolog.Nop(),
	}
}

// Eventually polls until ok, and fails the test after a minute.
func (w *World) Eventually(what string, ok func() bool) {
	w.T.Helper()
	for range 600 {
		if ok() {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.FailNow(w.T, "it never came to it: "+what)
}
