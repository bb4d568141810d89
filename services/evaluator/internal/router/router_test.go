package router_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/routed"
	"assay.example/assay/services/evaluator/internal/router"
)

const partitions = 3

func inWorld(t *testing.T, test func(t *testing.T, w *evaltest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, evaltest.New(t, partitions)) })
}

func now() compliance.Instant { return compliance.InstantOf(time.Now()) }

// items writes n events, keys spread over partitions, to both partitions of a topic.
func items(w *evaltest.World, from, n int) {
	w.T.Helper()
	for i := from; i < from+n; i++ {
		w.Produce(evaltest.Event(int32(i%2), evaltest.Item, fmt.Sprintf("i%d", i), fmt.Sprintf("k%d", i), now()))
	}
}

// ids are those that stand in routed, each once however often it was written.
func ids(w *evaltest.World) []string {
	w.T.Helper()
	var all []string
	for _, r := range w.ReadRouted() {
		require.Zero(w.T, r.Gaps)
		for _, f := range r.Taken {
			all = append(all, f.Event.ID)
		}
	}
	slices.Sort(all)
	return all
}

func wanted(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("i%d", i))
	}
	slices.Sort(all)
	return all
}

func committed(w *evaltest.World) map[int32]kadm.OffsetResponse {
	w.T.Helper()
	all, err := kadm.NewClient(w.NewClient()).FetchOffsets(w.T.Context(), "router")
	require.NoError(w.T, err)
	return all[evaltest.Access]
}

func TestChainGoesOnAfterRestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		for round := range 3 {
			r := w.Router(w.NewLine())
			items(w, 10*round, 10)
			w.Clock(now())
			time.Sleep(2 * time.Second)
			r.Stop()
		}
		require.Equal(t, wanted(30), ids(w))
		for q, r := range w.ReadRouted() {
			require.Zero(t, r.Repeats, "partition %d", q)
		}
	})
}

func TestCommitsAfterMarksCarryTheClock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		items(w, 0, 4)
		at := now()
		w.Clock(at)
		time.Sleep(2 * time.Second)
		r.Stop()
		for p, c := range committed(w) {
			require.Equal(t, int64(3), c.At, "partition %d", p) // two events and a clock record
			require.Equal(t, fmt.Sprintf("clock=%d", at), c.Metadata)
		}
		for _, r := range w.ReadRouted() {
			last := r.Marks[len(r.Marks)-1]
			require.Equal(t, int64(2), r.Hi[routed.Source{Topic: evaltest.Access, Partition: 1}])
			require.Equal(t, at.Add(-2*time.Second), last.Positions[0].Watermark)
		}
	})
}

// A router that dies between its records and its commit writes them again; who
// reads sees each once, and no gap.
func TestKilledRouterRepeats(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		line := w.NewLine()
		r := w.Router(line)
		commits := w.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.RebalanceInProgress, Count: -1})
		items(w, 0, 20)
		w.Clock(now())
		time.Sleep(3 * time.Second)
		require.NotZero(t, commits.Hits())
		r.Kill(line)
		commits.Remove()
		successor := w.Router(w.NewLine())
		items(w, 20, 10)
		w.Eventually("the successor routes all", func() bool { return len(ids(w)) == 30 })
		successor.Stop()
		require.Equal(t, wanted(30), ids(w))
		repeats := 0
		for _, r := range w.ReadRouted() {
			repeats += r.Repeats
		}
		require.NotZero(t, repeats)
	})
}

// A group that stands behind, as somebody who was taken for dead has committed what it had
// read, is told again where the router is, though nothing comes.
func TestCommitsAgain(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		keep := w.ForgetCommits()
		items(w, 0, 4)
		w.Clock(now())
		time.Sleep(5 * time.Second)
		keep()
		require.False(t, w.Done("router", evaltest.Access))
		time.Sleep(consume.CommitAgain)
		require.True(t, w.Done("router", evaltest.Access))
		r.Stop()
	})
}

// Two routers of one source at once, the old one cut off from the group's word:
// the log of each routed partition stays whole.
func TestZombieRouter(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		zombie := w.RouterConfig(w.NewLine())
		zombie.Group = "zombie" // it never hears of the other
		other := w.Go(func(ctx context.Context) error { return router.Run(ctx, zombie, w.RouterDeps()) })
		r := w.Router(w.NewLine())
		for i := range 20 {
			items(w, 5*i, 5)
			w.Clock(now())
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		r.Stop()
		other.Stop()
		require.Equal(t, wanted(100), ids(w))
	})
}

func TestRefusesWhatIsNoEvent(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		at := now()
		event := func(kind, id string, when compliance.Instant, value string) *kgo.Record {
			r := evaltest.Event(0, kind, id, "k", when)
			if value != "" {
				r.Value = []byte(value)
			}
			return r
		}
		large := `{"key": "k", "more": "` + strings.Repeat("x", 100_000) + `"}`
		w.Produce(
			&kgo.Record{Topic: evaltest.Access, Value: []byte("hello")},
			event("unheard.of", "u", at, ""),
			event(evaltest.Item, "no-json", at, "{"),
			event(evaltest.Item, "no-key", at, "{}"),
			event(evaltest.Item, "ancient", compliance.InstantOf(time.Date(1999, 12, 31, 0, 0, 0, 0, time.UTC)), ""),
			event(evaltest.Item, "before-any-clock", at.Add(100*24*time.Hour), ""),
			record.EncodeClock(evaltest.Access, 0, at.Add(500*24*time.Hour)),
			event(evaltest.Item, "early", at.Add(500*24*time.Hour+2*time.Hour), ""),
			event(evaltest.Item, "old", at.Add(99*24*time.Hour), ""),
			event(evaltest.Item, "large", at.Add(500*24*time.Hour), large),
			event(evaltest.Unread, "unread", at.Add(500*24*time.Hour), "no JSON, and nobody looks"),
			event(evaltest.Item, "fine", at.Add(500*24*time.Hour), ""),
		)
		r := w.Router(w.NewLine())
		w.Eventually("the last event is routed", func() bool { return slices.Contains(ids(w), "fine") })
		r.Stop()
		require.Equal(t, []string{"before-any-clock", "fine"}, ids(w))
		codes := map[int64]string{}
		for _, r := range w.ReadCommitted(evaltest.Rejected) {
			var rej record.Rejected
			require.NoError(t, json.Unmarshal(r.Value, &rej))
			require.NotEmpty(t, rej.Reason)
			require.Equal(t, fmt.Sprintf("%s/%d/%d", evaltest.Access, 0, rej.Offset), string(r.Key))
			codes[rej.Offset] = rej.Code
		}
		require.Equal(t, map[int64]string{
			0: record.RejectedMalformed, 1: record.RejectedUnknownType, 2: record.RejectedMalformed, 3: record.RejectedInvalidData,
			4: record.RejectedTime, 7: record.RejectedTime, 8: record.RejectedTime, 9: record.RejectedTooLarge,
		}, codes)
	})
}

// The clock by which times are judged outlives the router: what it refuses
// depends on the log, not on when it was started.
func TestTimesAreJudgedAlikeAfterRestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		w.Clock(now())
		r := w.Router(w.NewLine())
		time.Sleep(2 * time.Second)
		r.Stop()
		w.Produce(evaltest.Event(0, evaltest.Item, "early", "k", now().Add(24*time.Hour)))
		r = w.Router(w.NewLine())
		time.Sleep(2 * time.Second)
		r.Stop()
		require.Empty(t, ids(w))
		require.Len(t, w.ReadCommitted(evaltest.Rejected), 1)
	})
}

// Two writers of the clock for a moment, or one whose wall is behind: the log's
// time is the highest that was written.
func TestClockNeverGoesBack(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		at := now().Add(30 * 24 * time.Hour)
		w.Clock(at)
		w.Clock(at.Add(-2 * 24 * time.Hour))
		w.Produce(evaltest.Event(0, evaltest.Item, "i0", "k", at.Add(30*time.Minute)))
		r := w.Router(w.NewLine())
		w.Eventually("it is routed", func() bool { return len(ids(w)) == 1 })
		r.Stop()
		for _, r := range w.ReadRouted() {
			last := r.Marks[len(r.Marks)-1]
			require.Equal(t, at.Add(-2*time.Second), last.Positions[0].Watermark)
		}
	})
}

// A day of log in one poll has as many marks as a day has hours.
func TestMarksFollowTheLogsClock(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		start := now()
		for i := range 48 {
			w.Produce(record.EncodeClock(evaltest.Access, 0, start.Add(time.Duration(i)*30*time.Minute)))
		}
		r := w.Router(w.NewLine())
		time.Sleep(2 * time.Second)
		r.Stop()
		for _, r := range w.ReadRouted() {
			require.Len(t, r.Marks, 25) // one at the first clock, 23 whole hours later, and the end
			require.Zero(t, r.Gaps)
		}
	})
}

func TestWhatConcernsAllGoesEverywhere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		w.Produce(evaltest.Event(0, evaltest.Beat, "b1", "k", now()))
		r := w.Router(w.NewLine())
		time.Sleep(2 * time.Second)
		r.Stop()
		readers := w.ReadRouted()
		require.Len(t, readers, partitions)
		for _, r := range readers {
			require.Len(t, r.Taken, 1)
			require.True(t, r.Taken[0].Entries[0].Everywhere)
		}
	})
}

// A record that Kafka refuses ends the router, and nothing is committed past it.
func TestProduceErrorEndsTheRouter(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		w.Cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: evaltest.Routed, Err: kerr.TopicAuthorizationFailed})
		items(w, 0, 10)
		w.Clock(now()) // so that a mark and a commit are due in the same turn
		r := w.Router(w.NewLine())
		require.ErrorIs(t, r.Wait(), kerr.TopicAuthorizationFailed)
		require.Empty(t, committed(w))
		r = w.Router(w.NewLine())
		time.Sleep(8 * time.Second)
		r.Stop()
		gaps := 0
		for _, r := range w.ReadRouted() {
			gaps += r.Gaps
		}
		t.Logf("%d records joined nowhere until they were written again", gaps)
		all := 0
		for _, r := range w.ReadRouted() {
			all += len(r.Taken)
		}
		require.Equal(t, 10, all)
	})
}

// Routers come and go; partitions move between them.
func TestRebalance(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		a := w.Router(w.NewLine())
		var b *evaltest.Part
		line := w.NewLine()
		for i := range 12 {
			items(w, 10*i, 10)
			w.Clock(now())
			switch i {
			case 2:
				b = w.Router(line)
			case 6:
				b.Kill(line)
			case 9:
				b = w.Router(w.NewLine())
			}
			time.Sleep(2 * time.Second)
		}
		w.Eventually("all is routed", func() bool { return len(ids(w)) == 120 })
		a.Stop()
		b.Stop()
		require.Equal(t, wanted(120), ids(w))
	})
}

// Producers may use transactions: what they aborted is no event.
func TestAbortedEventsAreNotRouted(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		cl := w.NewClient(kgo.TransactionalID("producer"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort, kgo.TryCommit} {
			require.NoError(t, cl.BeginTransaction())
			r := evaltest.Event(0, evaltest.Item, fmt.Sprintf("i%d", i), "k", now())
			require.NoError(t, cl.ProduceSync(t.Context(), r).FirstErr())
			require.NoError(t, cl.EndTransaction(t.Context(), end))
		}
		items(w, 3, 1)
		r := w.Router(w.NewLine())
		w.Eventually("all is routed", func() bool { return len(ids(w)) == 3 })
		r.Stop()
		require.Equal(t, []string{"i0", "i2", "i3"}, ids(w))
	})
}

// The events of a source that counts go to every partition, read or not, and one
// that nobody reads isn't looked into.
func TestNumbersGoEverywhere(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		ev := &compliance.Event{Tenant: record.DefaultTenant, Source: evaltest.Counter, ID: "i0", Type: evaltest.Unread, Time: now(), Sequence: 7}
		r := record.EncodeEvent(ev, "k", []byte("no JSON"))
		r.Topic = evaltest.Access
		w.Produce(r)
		router := w.Router(w.NewLine())
		w.Eventually("it is everywhere", func() bool { return len(ids(w)) == partitions })
		router.Stop()
		for q, r := range w.ReadRouted() {
			require.Len(t, r.Taken, 1, "partition %d", q)
			require.Equal(t, uint64(7), r.Taken[0].Event.Sequence)
			require.Equal(t, []routed.Entry{{Everywhere: true}}, r.Taken[0].Entries)
		}
	})
}

// Somebody moves the group's offsets past events: the judge must not take the log
// for whole.
func TestSkippedEventsShowAsAGap(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		r := w.Router(w.NewLine())
		items(w, 0, 10)
		time.Sleep(2 * time.Second)
		r.Stop()
		items(w, 10, 10)
		var skip kadm.Offsets
		skip.AddOffset(evaltest.Access, 0, 8, -1) // 5 is where it stands
		_, err := kadm.NewClient(w.NewClient()).CommitOffsets(t.Context(), "router", skip)
		require.NoError(t, err)
		r = w.Router(w.NewLine())
		time.Sleep(2 * time.Second)
		r.Stop()
		for q, r := range w.ReadRouted() {
			require.NotZero(t, r.Gaps, "partition %d", q)
		}
	})
}
