package evaluator

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
)

// A part that fails is started again, more slowly each time; who asks whether it
// is ready hears the reason.
func TestFailedPartIsStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var said []error
		e := &evaluator{
			deps:    Deps{Log: zerolog.Nop(), Ready: func(_ string, err error) { said = append(said, err) }},
			metrics: newMetrics(prometheus.NewRegistry()),
		}
		ctx, cancel := context.WithCancel(t.Context())
		failure := errors.New("no broker")
		var starts []time.Time
		group := e.start(ctx, map[string]task{"judge": func(ctx context.Context, started func()) error {
			starts = append(starts, time.Now())
			if len(starts) < 12 {
				return failure
			}
			started()
			<-ctx.Done()
			return nil
		}})
		time.Sleep(5 * time.Minute)
		cancel()
		group.Wait()
		require.Len(t, starts, 12)
		require.Less(t, starts[1].Sub(starts[0]), time.Second)
		require.Greater(t, starts[11].Sub(starts[10]), 2*time.Second)
		require.Less(t, starts[11].Sub(starts[10]), 16*time.Second)
		require.ErrorIs(t, said[0], failure)
		require.NoError(t, said[len(said)-1])
	})
}
