package judge_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/probe"
	"assay.example/assay/services/evaluator/internal/routed"
)

// script writes routed records by hand, all to partition 0.
type script struct {
	w     *evaltest.World
	codec *routed.Codec
	start compliance.Instant
}

func newScript(w *evaltest.World) *script {
	codec, err := routed.NewCodec()
	require.NoError(w.T, err)
	return &script{w, codec, compliance.InstantOf(time.Now())}
}

var source = routed.Source{Topic: evaltest.Access, Partition: 0}

func (s *script) item(offset, prev int64) {
	s.w.T.Helper()
	ev := &compliance.Event{Tenant: "default", Source: "/test", ID: fmt.Sprintf("i%d", offset), Type: evaltest.Item, Time: s.start}
	value, err := s.codec.Fact(&routed.Fact{
		From: source, Offset: offset, Prev: prev, Activation: 1, Router: 1, Event: routed.EventOf(ev),
		Entries: []routed.Entry{{Control: evaltest.ControlID, RuleHash: evaltest.RuleHash, Key: ev.ID}},
	})
	require.NoError(s.w.T, err)
	s.w.Produce(&kgo.Record{Topic: evaltest.Routed, Value: value})
}

// mark says that the source is routed up to offset, and the others too, and that
// it is so many hours later.
func (s *script) mark(offset, prev int64, hours int) {
	s.w.T.Helper()
	m := &routed.Mark{Topology: 1, Activation: 1}
	all, err := evaltest.AllSources(s.w.T.Context(), 1)
	require.NoError(s.w.T, err)
	for _, from := range all {
		p := routed.Position{From: from, Offset: 0, Prev: routed.Start, Watermark: s.start.Add(time.Duration(hours) * time.Hour)}
		if from == source {
			p.Offset, p.Prev = offset, prev
		}
		m.Positions = append(m.Positions, p)
	}
	value, err := s.codec.Mark(m)
	require.NoError(s.w.T, err)
	s.w.Produce(&kgo.Record{Topic: evaltest.Routed, Value: value})
}

func judgeWith(w *evaltest.World, edit func(*judge.Config)) *evaltest.Part {
	cfg := w.JudgeConfig(w.NewLine(), "a")
	edit(&cfg)
	return w.Go(func(ctx context.Context) error { return judge.Run(ctx, cfg, w.JudgeDeps()) })
}

func TestGapStopsTheJudge(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		s.item(3, routed.Start)
		s.item(9, 7) // something at 7 is missing
		s.mark(9, 9, 5)
		j := judgeWith(w, func(c *judge.Config) { c.GapPatience = 0 })
		err := j.Wait()
		require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
		require.ErrorContains(t, err, "misses records of events.access/0 after offset 3")
		require.Empty(t, w.ReadCommitted(evaltest.Verdicts))
	})
}

// Nothing is said beyond a gap, however long the judge waits for the router to
// write again what is missing; then all is said once.
func TestGapHeals(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		j := judgeWith(w, func(c *judge.Config) { c.GapPatience = time.Hour })
		s.item(3, routed.Start)
		s.item(9, 7)
		s.mark(9, 9, 5)
		time.Sleep(10 * time.Second)
		require.True(t, w.Done("judge", evaltest.Routed))
		require.Empty(t, w.ReadCommitted(evaltest.Verdicts))
		for _, offsets := range [][2]int64{{3, routed.Start}, {7, 3}, {9, 7}} { // a successor begins at its commit
			s.item(offsets[0], offsets[1])
		}
		s.mark(9, 9, 5)
		w.Eventually("the gap is closed", func() bool { return len(w.LastWords()) == 3 })
		j.Stop()
	})
}

func TestRepeatsCountOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		for range 3 {
			s.item(0, routed.Start)
			s.item(1, 0)
			s.mark(1, 1, 5)
		}
		s.item(0, routed.Start) // a zombie repeats the beginning only
		s.item(2, 1)
		s.mark(2, 2, 6)
		j := judgeWith(w, func(c *judge.Config) { c.GapPatience = 0 })
		w.Eventually("all is judged", func() bool { return w.Done("judge", evaltest.Routed) })
		j.Stop()
		require.Len(t, w.ReadCommitted(evaltest.Verdicts), 3)
	})
}

// What comes late is said at the next mark, though that moves no watermark, and
// though the judge was restarted in between.
func TestLateFactIsSaidAtTheNextMark(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		s.mark(0, routed.Start, 5)
		s.item(1, 0)
		j := w.Judge(w.NewLine(), "a")
		w.Eventually("all is read", func() bool { return w.Done("judge", evaltest.Routed) })
		j.Stop()
		require.Empty(t, w.ReadCommitted(evaltest.Verdicts))
		s.mark(1, 1, 5)
		j = w.Judge(w.NewLine(), "a")
		w.Eventually("it is said", func() bool { return len(w.ReadCommitted(evaltest.Verdicts)) == 1 })
		j.Stop()
	})
}

// A partition is not judged before each source has said how far it is.
func TestWaitsForEverySource(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		s.item(0, routed.Start)
		value, err := s.codec.Mark(&routed.Mark{Topology: 1, Activation: 1, Positions: []routed.Position{
			{From: source, Offset: 1, Prev: 0, Watermark: s.start.Add(5 * time.Hour)},
		}})
		require.NoError(t, err)
		w.Produce(&kgo.Record{Topic: evaltest.Routed, Value: value})
		j := w.Judge(w.NewLine(), "a")
		w.Eventually("all is read", func() bool { return w.Done("judge", evaltest.Routed) })
		require.Empty(t, w.ReadCommitted(evaltest.Verdicts))
		s.mark(2, 1, 5)
		w.Eventually("it is judged", func() bool { return len(w.ReadCommitted(evaltest.Verdicts)) == 1 })
		j.Stop()
	})
}

// State and commit that differ mean a loss; the judge won't guess.
func TestRefusesStateThatDisagrees(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		s.item(0, routed.Start)
		s.mark(1, 0, 5)
		j := w.Judge(w.NewLine(), "a")
		w.Eventually("it is judged", func() bool { return len(w.ReadCommitted(evaltest.Verdicts)) == 1 })
		j.Stop()
		time.Sleep(time.Second)
		var back kadm.Offsets
		back.AddOffset(evaltest.Routed, 0, 1, -1)
		_, err := kadm.NewClient(w.NewClient()).CommitOffsets(t.Context(), "judge", back)
		require.NoError(t, err)
		err = w.Judge(w.NewLine(), "a").Wait()
		require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
		require.ErrorContains(t, err, "the state stands at offset 2, and the group's commit is 1")
	})
}

func TestRefusesNewerRules(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		newScript(w).mark(1, routed.Start, 5)
		err := judgeWith(w, func(c *judge.Config) { c.Activation = 0 }).Wait()
		require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	})
}

// An answer that leaves open whether the transaction was committed makes the
// judge start from the log again.
func TestUnconfirmedCommit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r, j := w.Router(w.NewLine()), w.Judge(w.NewLine(), "a")
		s := w.NewStory()
		s.Hour()
		w.Settle()
		faults := w.Cluster.Fault(
			kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.UnknownServerError},
			kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.CoordinatorLoadInProgress},
		)
		for range 4 {
			s.Hour()
			time.Sleep(3 * time.Second)
		}
		require.Equal(t, 2, faults.Hits())
		s.End()
		w.Settle()
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}

// The group can fail while a transaction is open, as when the broker is restarted.
// The client can't join again before the transaction ends, and doesn't commit before
// it has joined, so the judge has to give it up.
func TestGroupFailsInsideATransaction(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		s.Hour()
		var once sync.Once
		cfg := w.JudgeConfig(w.NewLine(), "a")
		cfg.Hook = func(point probe.Point) error {
			if point == judge.Produced {
				once.Do(func() { failHeartbeats(w, "judge") })
			}
			return nil
		}
		require.ErrorIs(t, judge.Run(t.Context(), cfg, w.JudgeDeps()), context.DeadlineExceeded)
		s.Hour()
		s.End()
		j := w.Judge(w.NewLine(), "a")
		w.Settle()
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}

// failHeartbeats returns when the members of the group have failed.
func failHeartbeats(w *evaltest.World, group string) {
	faults := w.Cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.Heartbeat}, Err: kerr.UnknownServerError, Count: -1,
		When: func(r kmsg.Request) bool { return r.(*kmsg.HeartbeatRequest).Group == group },
	})
	w.Eventually("a heartbeat fails", func() bool { return faults.Hits() > 0 })
	faults.Remove()
}

// A judge that dies while its commit is under way leaves it to the broker which
// of the two it was.
func TestKilledInsideTheCommit(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		for range 4 {
			line := w.NewLine()
			sent := make(chan struct{})
			var once sync.Once
			ends := w.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Observe: true, Count: -1, When: func(kmsg.Request) bool {
				once.Do(func() { close(sent) })
				return true
			}})
			j := w.Judge(line, "a")
			s.Hour()
			<-sent
			j.Kill(line)
			ends.Remove()
		}
		s.End()
		j := w.Judge(w.NewLine(), "a")
		w.Settle()
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}

// A transaction that another judge left open holds the restore up: what it wrote
// may still be committed.
func TestRestoreWaitsForOpenTransactions(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		s := w.NewStory()
		s.Hour()
		require.ErrorIs(t, killAt(w, "a", judge.Produced, 1).Wait(), errKilled)
		began := time.Now()
		j := w.Judge(w.NewLine(), "b")
		s.Hour()
		s.End()
		w.Settle()
		require.Greater(t, time.Since(began), 5*time.Second)
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}

// The changelog is compacted while judges come and go; nothing deleted returns,
// and nothing that counts is missed.
func TestRestoreAfterCompaction(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		compacted := map[string]string{
			"cleanup.policy": "compact", "segment.ms": "1000", "min.cleanable.dirty.ratio": "0.01", "delete.retention.ms": "1000",
		}
		var alter []kadm.AlterConfig
		for name, value := range compacted {
			alter = append(alter, kadm.AlterConfig{Op: kadm.SetConfig, Name: name, Value: &value})
		}
		_, err := kadm.NewClient(w.NewClient()).AlterTopicConfigs(t.Context(), alter, evaltest.State)
		require.NoError(t, err)
		r := w.Router(w.NewLine())
		s := w.NewStory()
		removed := false
		for range 6 {
			s.Hour()
			j := w.Judge(w.NewLine(), "a")
			w.Settle()
			j.Stop()
			before := len(w.ReadCommitted(evaltest.State))
			time.Sleep(5 * time.Second)
			w.Cluster.Compact()
			removed = removed || len(w.ReadCommitted(evaltest.State)) < before
		}
		require.True(t, removed, "nothing was compacted")
		s.End()
		j := w.Judge(w.NewLine(), "a")
		w.Settle()
		r.Stop()
		j.Stop()
		checkStory(t, w, s)
	})
}

// A group that answers no farewell holds a judge up for the grace, and no longer.
func TestLeavingTakesNoLongerThanTheGrace(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		s := newScript(w)
		s.item(3, routed.Start)
		s.mark(3, 3, 5)
		var asked atomic.Bool
		answer := make(chan struct{})
		w.Cluster.ControlKey(int16(kmsg.LeaveGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
			w.Cluster.KeepControl()
			asked.Store(true)
			w.Cluster.SleepControl(func() { <-answer })
			return nil, nil, false
		})
		const grace = 3 * time.Second
		j := judgeWith(w, func(c *judge.Config) { c.Grace = grace })
		w.Eventually("all is judged", func() bool { return w.Done("judge", evaltest.Routed) })
		began := time.Now()
		j.Stop()
		require.True(t, asked.Load(), "it does say farewell")
		require.LessOrEqual(t, time.Since(began), grace+time.Second)
		close(answer)
		time.Sleep(time.Minute) // the client behind it ends before its world does
	})
}
