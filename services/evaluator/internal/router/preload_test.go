package router_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kadm"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/probe"
	"assay.example/assay/services/evaluator/internal/routed"
	"assay.example/assay/services/evaluator/internal/router"
)

// past wants the events of a time on that no rule read before.
type past struct{ from compliance.Instant }

func (past) Reads(eventType string) bool { return eventType == evaltest.Unread }
func (past) Counts(string) bool          { return false }

func (p past) From() compliance.Instant { return p.from }

func (p past) Route(ev *compliance.Event) []control.Route {
	if ev.Time < p.from {
		return nil
	}
	return []control.Route{{Control: "T-02", Key: ev.ID}}
}

// unread writes n events that no rule reads, to both partitions of a topic.
func unread(w *evaltest.World, from, n int, at compliance.Instant) {
	w.T.Helper()
	for i := from; i < from+n; i++ {
		w.Produce(evaltest.Event(int32(i%2), evaltest.Unread, fmt.Sprintf("i%d", i), "k", at))
	}
}

// marker puts activation 2 in force in all sources.
func marker(w *evaltest.World) {
	w.T.Helper()
	for topic, n := range evaltest.Sources() {
		for p := range n {
			w.Produce(record.EncodeMarker(topic, p, 2))
		}
	}
}

// changing runs a router whose rules change, and want the past from an instant on.
func changing(w *evaltest.World, line *evaltest.Line, from compliance.Instant, with func(*router.Config, *router.Deps)) *evaltest.Part {
	cfg, deps := w.RouterConfig(line), w.RouterDeps()
	deps.Later = func(context.Context, int) (router.Rules, error) { return evaltest.Rules{}, nil }
	deps.Past = func(context.Context, int) (router.Past, error) { return past{from}, nil }
	if with != nil {
		with(&cfg, &deps)
	}
	return w.Go(func(ctx context.Context) error { return router.Run(ctx, cfg, deps) })
}

// pastRead tells whether all sources were read once more, in all routed partitions.
func pastRead(w *evaltest.World) bool {
	done := 0
	for _, r := range w.ReadRouted() {
		for _, l := range r.Lanes {
			if l.Done {
				done++
			}
		}
	}
	return done == 4*partitions
}

// pastIDs are those of the past that stand in routed.
func pastIDs(w *evaltest.World) (all []string) {
	for _, r := range w.ReadRouted() {
		require.Zero(w.T, r.Gaps)
		for _, f := range r.Past {
			all = append(all, f.Event.ID)
		}
	}
	slices.Sort(all)
	return all
}

// What stands before the marker is read once more, each event once, beside what comes,
// and not again by who comes after.
func TestThePastIsReadOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		begin := now()
		w.Clock(begin)
		unread(w, 0, 20, begin)
		unread(w, 100, 5, begin.Add(-time.Second)) // before what is wanted
		r := changing(w, w.NewLine(), begin, nil)
		time.Sleep(2 * time.Second)
		require.Empty(t, pastIDs(w))
		marker(w)
		unread(w, 200, 5, begin)
		items(w, 300, 5)
		w.Eventually("the past is read", func() bool { return pastRead(w) })
		r.Stop()
		require.Equal(t, wanted(20), pastIDs(w))
		require.Len(t, ids(w), 5, "of what comes")
		written := len(w.ReadCommitted(evaltest.Routed))
		for _, c := range committed(w) {
			require.Empty(t, routed.ParseCommit(c.Metadata).Lanes)
		}

		r = changing(w, w.NewLine(), begin, nil)
		time.Sleep(2 * time.Second)
		r.Stop()
		require.Len(t, w.ReadCommitted(evaltest.Routed), written)
	})
}

// A router that is killed while it reads the past is followed by one that goes on where
// its last mark stands.
func TestThePastGoesOnAfterRestart(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		begin := now()
		w.Clock(begin)
		unread(w, 0, 60, begin)
		marker(w)
		killed := errors.New("killed")
		next := routed.Start
		for life := 1; !pastRead(w); life++ {
			require.Less(t, life, 20)
			var slices atomic.Int64
			r := changing(w, w.NewLine(), begin, func(cfg *router.Config, _ *router.Deps) {
				cfg.Batch, cfg.MarkInterval = 5, 20*time.Millisecond
				cfg.Hook = func(p probe.Point) error {
					if p == router.Preloading {
						slices.Add(1)
						time.Sleep(5 * time.Millisecond) // a mark falls between the slices
					}
					if slices.Load() > 7 {
						return killed
					}
					return nil
				}
			})
			w.Eventually("it is killed, or done", func() bool { return slices.Load() > 7 || pastRead(w) })
			if slices.Load() > 7 {
				require.ErrorIs(t, r.Wait(), killed)
			} else {
				r.Stop()
			}
			for _, l := range routed.ParseCommit(committed(w)[0].Metadata).Lanes {
				require.GreaterOrEqual(t, l.Next, next)
				next = l.Next
			}
			time.Sleep(20 * time.Second) // until the group has forgotten it
		}
		require.Positive(t, next, "no router has gone on where another stopped")
		require.Equal(t, wanted(60), pastIDs(w))
	})
}

// What is gone from the log before it was read once more isn't taken for absent: the past
// is whole an hour after the first clock that is left.
func TestWhatIsGoneOfThePastIsSaid(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		begin := now()
		w.Clock(begin)
		unread(w, 0, 20, begin)
		unread(w, 20, 2, begin.Add(time.Hour)) // nobody knows what came before it
		w.Clock(begin.Add(time.Hour))
		unread(w, 30, 2, begin.Add(time.Hour))
		r := changing(w, w.NewLine(), begin, nil)
		w.Eventually("what comes is read", func() bool { return w.Done("router", evaltest.Access) })
		r.Stop()
		var gone kadm.Offsets
		gone.AddOffset(evaltest.Access, 0, 5, -1)
		_, err := kadm.NewClient(w.NewClient()).DeleteRecords(t.Context(), gone)
		require.NoError(t, err)
		marker(w)
		r = changing(w, w.NewLine(), begin, nil)
		w.Eventually("the past is read", func() bool { return pastRead(w) })
		r.Stop()
		for q, r := range w.ReadRouted() {
			require.Equal(t, begin.Add(2*time.Hour), r.Lanes[routed.Source{Topic: evaltest.Access}].Whole, "partition %d", q)
			require.Equal(t, compliance.Ever, r.Lanes[routed.Source{Topic: evaltest.Access, Partition: 1}].Whole, "partition %d", q)
		}
		read := pastIDs(w)
		require.NotContains(t, read, "i18", "of the source that lost records, before a clock")
		require.Contains(t, read, "i19")
		require.Contains(t, read, "i30")
	})
}

// A long past is not read from its beginning: the log's clock leads to where it begins.
func TestThePastIsLookedFor(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		begin := now()
		for hour := range 50 {
			at := begin.Add(time.Duration(hour) * time.Hour)
			w.Clock(at)
			unread(w, 4*hour, 4, at)
		}
		marker(w)
		var log bytes.Buffer
		from := begin.Add(40 * time.Hour)
		r := changing(w, w.NewLine(), from, func(cfg *router.Config, deps *router.Deps) {
			cfg.Seek, deps.Log = 8, zerolog.New(&log)
		})
		w.Eventually("the past is read", func() bool { return pastRead(w) })
		r.Stop()
		require.Len(t, pastIDs(w), 40)
		require.Regexp(t, `"partition":0,"activation":2,"offset":(8\d|9\d|10\d|11\d),"marker":150,"message":"router reads the past`, log.String())
		for _, r := range w.ReadRouted() {
			for from, l := range r.Lanes {
				require.Less(t, l.Whole, begin.Add(40*time.Hour), from)
			}
		}
	})
}

// A long past is read in slices: what comes meanwhile is routed between them.
func TestWhatComesIsRoutedBesideThePast(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		begin := now()
		w.Clock(begin)
		unread(w, 0, 2000, begin)
		slices := 0
		r := changing(w, w.NewLine(), begin, func(cfg *router.Config, _ *router.Deps) {
			cfg.Batch = 50
			cfg.Hook = func(p probe.Point) error {
				if p == router.Preloading {
					if slices++; slices == 5 {
						items(w, 5000, 1)
					}
				}
				return nil
			}
		})
		w.Eventually("what comes is read", func() bool { return w.Done("router", evaltest.Access) })
		marker(w)
		w.Eventually("the past is read", func() bool { return pastRead(w) })
		r.Stop()
		require.Len(t, pastIDs(w), 2000)
		require.Greater(t, slices, 40)
		codec, err := routed.NewCodec()
		require.NoError(t, err)
		before := map[int32]int{} // by partition
		for _, r := range w.ReadCommitted(evaltest.Routed) {
			rec, err := codec.Decode(r.Value)
			require.NoError(t, err)
			if rec.Fact != nil && rec.Fact.Event.ID == "i5000" {
				require.Less(t, before[r.Partition], 200, "facts of the past that stand before it")
				return
			}
			if rec.Fact != nil && rec.Fact.Lane > 0 && rec.Fact.From.Partition == 0 {
				before[r.Partition]++
			}
		}
		require.Fail(t, "what came isn't there")
	})
}
