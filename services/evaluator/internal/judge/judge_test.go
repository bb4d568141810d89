package judge_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/probe"
)

const partitions = 3

func inWorld(t *testing.T, test func(t *testing.T, w *evaltest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, evaltest.New(t, partitions)) })
}

// checkStory holds the committed verdicts to what the story leads to, and to a
// judge that read the same routed records without being disturbed.
func checkStory(t *testing.T, w *evaltest.World, s *evaltest.Story) {
	t.Helper()
	require.Equal(t, s.Outcomes(), w.LastWords())
	require.Equal(t, replay(t, w, 500), w.Values(evaltest.Verdicts))
}

// replay judges the routed records of w in another world, batches of so many at once.
func replay(t *testing.T, w *evaltest.World, batch int) map[int32][]string {
	t.Helper()
	other := evaltest.New(t, partitions)
	for _, r := range w.ReadCommitted(evaltest.Routed) {
		other.Produce(&kgo.Record{Topic: evaltest.Routed, Partition: r.Partition, Value: r.Value})
	}
	cfg := other.JudgeConfig(other.NewLine(), "replay")
	cfg.BatchRecords = batch
	j := other.Supervised(func(ctx context.Context) error { return judge.Run(ctx, cfg, other.JudgeDeps()) })
	other.Eventually("the replay ends", func() bool { return other.Done("judge", evaltest.Routed) })
	j.Stop()
	return other.Values(evaltest.Verdicts)
}

func TestStory(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r, j := w.Router(w.NewLine()), w.Judge(w.NewLine(), "a")
		s := w.NewStory()
		for range 8 {
			s.Hour()
		}
		s.End()
		w.Settle()
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
		require.NotEmpty(t, w.ReadCommitted(evaltest.Quarantine))
	})
}

// Batches of any size, and restarts between them, give the same bytes.
func TestReplayGivesTheSameBytes(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		for range 6 {
			s.Hour()
			j := w.Judge(w.NewLine(), "a")
			time.Sleep(2 * time.Second)
			j.Stop()
		}
		s.End()
		j := w.Judge(w.NewLine(), "a")
		w.Settle()
		r.Stop()
		j.Stop()
		for _, batch := range []int{1, 7, 1000} {
			require.Equal(t, w.Values(evaltest.Verdicts), replay(t, w, batch), "batches of %d", batch)
		}
	})
}

var errKilled = errors.New("killed")

// killAt runs a judge that dies the nth time it comes to a point.
func killAt(w *evaltest.World, name string, at probe.Point, nth int32) *evaltest.Part {
	line := w.NewLine()
	var seen atomic.Int32
	cfg := w.JudgeConfig(line, name)
	cfg.Hook = func(point probe.Point) error {
		if point == at && seen.Add(1) == nth {
			line.Cut()
			return errKilled
		}
		return nil
	}
	return w.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, w.JudgeDeps()) })
}

// Whatever the point at which a judge is killed, and whoever succeeds it, readers
// see each revision once.
func TestExactlyOnceWhenKilled(t *testing.T) {
	for _, at := range []probe.Point{judge.Produced, judge.Committed, judge.Restoring} {
		for _, successor := range []string{"a", "b"} {
			t.Run(string(at)+" then "+successor, func(t *testing.T) {
				inWorld(t, func(t *testing.T, w *evaltest.World) { killAndSucceed(t, w, at, successor) })
			})
		}
	}
}

func killAndSucceed(t *testing.T, w *evaltest.World, at probe.Point, successor string) {
	t.Helper()
	r := w.Router(w.NewLine())
	s := w.NewStory()
	for i := range 6 {
		s.Hour()
		if i == 0 && at == judge.Restoring { // there must be something to restore
			j := w.Judge(w.NewLine(), "a")
			w.Settle()
			j.Stop()
			continue
		}
		if i < 4 {
			require.ErrorIs(t, killAt(w, "a", at, 1).Wait(), errKilled)
			if at == judge.Restoring {
				continue
			}
			next := w.Judge(w.NewLine(), successor)
			w.Settle()
			next.Stop()
		}
	}
	s.End()
	j := w.Judge(w.NewLine(), successor)
	w.Settle()
	r.Stop()
	j.Stop()
	checkStory(t, w, s)
}

// A judge that is told to stop while it restores does so at once: what it reads
// there is for nobody.
func TestStopWhileRestoring(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r, j := w.Router(w.NewLine()), w.Judge(w.NewLine(), "a")
		s := w.NewStory()
		s.Hour()
		w.Settle()
		j.Stop()

		restores := make(chan struct{})
		var once sync.Once
		cfg := w.JudgeConfig(w.NewLine(), "a")
		cfg.Hook = func(point probe.Point) error {
			if point == judge.Restoring {
				once.Do(func() { close(restores) })
				time.Sleep(time.Second) // for each record
			}
			return nil
		}
		cfg.Grace = time.Hour
		slow := w.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, w.JudgeDeps()) })
		<-restores
		began := time.Now()
		slow.Stop()
		require.Less(t, time.Since(began), 20*time.Second)

		s.End()
		next := w.Judge(w.NewLine(), "a")
		w.Settle()
		r.Stop()
		next.Stop()
		checkStory(t, w, s)
	})
}

// Judges come and go while the story is told.
func TestRebalance(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		a := w.Judge(w.NewLine(), "a")
		var b, c *evaltest.Part
		for i := range 24 {
			s.Hour()
			switch i % 8 {
			case 1:
				b = w.Judge(w.NewLine(), "b")
			case 3:
				c = w.Judge(w.NewLine(), "c")
			case 5:
				b.Stop()
			case 7:
				c.Stop()
			}
			time.Sleep(time.Duration(i%5) * 700 * time.Millisecond)
		}
		s.End()
		w.Settle()
		r.Stop()
		a.Stop()
		// Partitions move between transactions; none had to be thrown away.
		require.Zero(t, w.Counted("assay_evaluator_aborted_transactions_total"))
		checkStory(t, w, s)
	})
}

// A judge that was taken for dead and comes back can't add to the log.
func TestZombieJudge(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		asleep, wake := make(chan struct{}), make(chan struct{})
		var once atomic.Bool
		cfg := w.JudgeConfig(w.NewLine(), "a")
		cfg.Hook = func(point probe.Point) error {
			if point == judge.Produced && once.CompareAndSwap(false, true) {
				close(asleep)
				<-wake
			}
			return nil
		}
		zombie := w.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, w.JudgeDeps()) })
		s.Hour()
		<-asleep
		j := w.Judge(w.NewLine(), "a")
		s.Hour()
		time.Sleep(20 * time.Second)
		close(wake)
		require.Error(t, zombie.Wait())
		s.Hour()
		s.End()
		w.Settle()
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}

// A successor of the same name ends what its predecessor left open, instead of
// waiting for the transaction's timeout.
func TestSuccessorOfTheSameNameClaims(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		s.Hour()
		line := w.NewLine()
		cfg := w.JudgeConfig(line, "a")
		cfg.Hook = func(point probe.Point) error {
			if point == judge.Produced {
				line.Cut()
				return errKilled
			}
			return nil
		}
		cfg.TransactionTimeout = time.Minute
		killed := w.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, w.JudgeDeps()) })
		require.ErrorIs(t, killed.Wait(), errKilled)
		began := time.Now()
		j := w.Judge(w.NewLine(), "a")
		s.End()
		w.Settle()
		require.Less(t, time.Since(began), 20*time.Second)
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}
