package daemon_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/daemon"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary keeps what components did, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) add(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.lines)
}

// component takes a while to become ready and to stop.
func (d *diary) component(name string, starts, stops time.Duration) daemon.Component {
	return daemon.Component{Name: name, Run: func(ctx context.Context, ready daemon.Ready) error {
		d.add(name + " starts")
		time.Sleep(starts)
		ready("", nil)
		<-ctx.Done()
		d.add(name + " is asked")
		time.Sleep(stops)
		d.add(name + " ends")
		return nil
	}}
}

var quiet = daemon.Options{Log: zerolog.Nop()}

func TestStartsInOrderAndStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			result <- daemon.Run(ctx, quiet,
				d.component("recorder", time.Second, time.Second), d.component("evaluator", time.Second, time.Second), d.component("collector", time.Second, time.Second))
		}()
		time.Sleep(2500 * time.Millisecond)
		require.Equal(t, []string{"recorder starts", "evaluator starts", "collector starts"}, d.all())
		time.Sleep(time.Hour)
		cancel()
		require.NoError(t, <-result)
		require.Equal(t, []string{
			"collector is asked", "collector ends", "evaluator is asked", "evaluator ends", "recorder is asked", "recorder ends",
		}, d.all()[3:])
	})
}

func TestNextStartsOnlyWhenReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		result := make(chan error)
		go func() {
			result <- daemon.Run(ctx, quiet, d.component("evaluator", time.Minute, 0), d.component("collector", 0, 0))
		}()
		time.Sleep(59 * time.Second)
		require.Equal(t, []string{"evaluator starts"}, d.all())
		cancel()
		require.NoError(t, <-result)
		require.Equal(t, []string{"evaluator starts", "evaluator is asked", "evaluator ends"}, d.all(), "what never started isn't stopped")
	})
}

func TestFirstErrorStopsAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		cause := compliance.Errorf(compliance.Unavailable, "the broker is gone")
		failing := daemon.Component{Name: "evaluator", Run: func(_ context.Context, ready daemon.Ready) error {
			ready("", nil)
			time.Sleep(time.Minute)
			return cause
		}}
		err := daemon.Run(t.Context(), quiet, d.component("recorder", 0, 0), failing, d.component("collector", 0, 0))
		require.ErrorIs(t, err, cause)
		require.EqualError(t, err, "running evaluator: the broker is gone")
		require.Equal(t, compliance.Unavailable, compliance.CodeOf(err))
		require.Equal(t, []string{"collector is asked", "collector ends", "recorder is asked", "recorder ends"}, d.all()[2:])
	})
}

func TestErrorBeforeReadyStartsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		failing := daemon.Component{Name: "store", Run: func(context.Context, daemon.Ready) error { return errors.New("no disk") }}
		err := daemon.Run(t.Context(), quiet, failing, d.component("collector", 0, 0))
		require.EqualError(t, err, "running store: no disk")
		require.Empty(t, d.all())
	})
}

func TestEndingUnaskedIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		early := daemon.Component{Name: "evaluator", Run: func(context.Context, daemon.Ready) error { return nil }}
		require.EqualError(t, daemon.Run(t.Context(), quiet, early), "evaluator ended although nobody asked it to")
	})
}

func TestErrorsWhileStoppingAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ends := func(name string, with error) daemon.Component {
			return daemon.Component{Name: name, Run: func(ctx context.Context, ready daemon.Ready) error {
				ready("", nil)
				<-ctx.Done()
				return with
			}}
		}
		time.AfterFunc(time.Second, cancel)
		err := daemon.Run(ctx, quiet, ends("recorder", errors.New("commit refused")), ends("evaluator", context.Canceled), ends("collector", errors.New("flush refused")))
		require.EqualError(t, err, "stopping collector: flush refused\nstopping recorder: commit refused")
	})
}

// One that hangs takes its share of the grace, and those behind it still get theirs.
func TestStopHasADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		ctx, cancel := context.WithCancel(t.Context())
		release := make(chan struct{})
		hangs := daemon.Component{Name: "collector", Run: func(_ context.Context, ready daemon.Ready) error {
			ready("", nil)
			<-release
			return nil
		}}
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		err := daemon.Run(ctx, daemon.Options{Log: zerolog.Nop(), Grace: 30 * time.Second}, d.component("recorder", 0, 14*time.Second), hangs)
		require.EqualError(t, err, "collector did not stop in time (30s for all); what was in flight is done again at the next start")
		require.Equal(t, []string{"recorder starts", "recorder is asked", "recorder ends"}, d.all())
		require.Equal(t, 30*time.Second, time.Since(start)) // 1 s of life, a share of 15 s, 14 s
		close(release)
	})
}
