package evaluator

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// task is a part's Run. It tells started once it works, and returns nil only
// when ctx has ended and its work is finished.
type task func(ctx context.Context, started func()) error

var errStarting = errors.New("starting")

// Pauses before a failed part is started again.
const (
	firstPause = 100 * time.Millisecond
	longest    = 10 * time.Second
	// healthy is how long a part must have run for its failure to count as the first.
	healthy = time.Minute
)

// start runs tasks until ctx ends, each again after it failed.
func (e *evaluator) start(ctx context.Context, tasks map[string]task) *sync.WaitGroup {
	var group sync.WaitGroup
	for name, run := range tasks {
		group.Go(func() { e.supervise(ctx, name, run) })
	}
	return &group
}

func (e *evaluator) supervise(ctx context.Context, name string, run task) {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = firstPause, longest
	for {
		began := time.Now()
		err := run(ctx, func() { e.deps.Ready(name, nil) })
		if ctx.Err() != nil {
			if err != nil {
				e.deps.Log.Warn().Err(err).Str("part", name).Msg("a part did not finish its work; it is done again at the next start")
			}
			return
		}
		if time.Since(began) > healthy {
			pause.Reset()
		}
		wait := pause.NextBackOff()
		e.metrics.restarts.WithLabelValues(name).Inc()
		e.deps.Ready(name, err)
		e.deps.Log.Error().Err(err).Str("part", name).Dur("again_in", wait).Msg("a part failed and is started again")
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}
