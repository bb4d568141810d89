package clock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/clock"
	"assay.example/assay/services/evaluator/internal/evaltest"
)

func inWorld(t *testing.T, test func(t *testing.T, w *evaltest.World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, evaltest.New(t, 2)) })
}

// instance is one evaluator's clock, with the log that it follows.
type instance struct {
	log  *clock.Log
	part *evaltest.Part
	late *atomic.Int32
}

func start(w *evaltest.World, line *evaltest.Line, bundle, mode string) instance {
	w.T.Helper()
	log, err := clock.Open(w.T.Context(), line.Opts(), evaltest.Control, zerolog.Nop())
	require.NoError(w.T, err)
	cfg := clock.Config{
		Client: line.Opts(), Group: "clock", Control: evaltest.Control, Events: []string{evaltest.Access, evaltest.Deployment},
		Bundle: bundle, Routers: "router", Mode: mode, Interval: 200 * time.Millisecond,
	}
	w.Go(log.Follow)
	late := &atomic.Int32{}
	return instance{log, w.Go(func(ctx context.Context) error {
		return clock.Run(ctx, cfg, clock.Deps{Log: log, Logs: zerolog.Nop(), Late: func() { late.Add(1) }})
	}), late}
}

// tell writes a control record, as a tool does.
func tell(w *evaltest.World, value string) {
	w.Produce(&kgo.Record{Topic: evaltest.Control, Value: []byte(value)})
}

// said lists the control records.
func said(w *evaltest.World) (all []record.Control) {
	w.T.Helper()
	for _, r := range w.ReadCommitted(evaltest.Control) {
		var c record.Control
		require.NoError(w.T, json.Unmarshal(r.Value, &c))
		all = append(all, c)
	}
	return all
}

// clocks are the clock records of each source partition.
func clocks(w *evaltest.World) map[string][]compliance.Instant {
	w.T.Helper()
	all := map[string][]compliance.Instant{}
	for topic := range evaltest.Sources() {
		for _, r := range w.ReadCommitted(topic) {
			at, ok := record.DecodeClock(r)
			require.True(w.T, ok)
			source := fmt.Sprintf("%s%d", topic, r.Partition)
			all[source] = append(all[source], at)
		}
	}
	return all
}

func TestOwnerWritesTimeToEverySource(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		c := start(w, w.NewLine(), "b1", clock.Wall)
		n, err := c.log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		began := compliance.InstantOf(time.Now())
		time.Sleep(10 * time.Second)
		c.part.Stop()
		all := clocks(w)
		require.Len(t, all, 4)
		for source, times := range all {
			require.InDelta(t, 50, len(times), 3, source)
			require.IsIncreasing(t, times)
			require.Less(t, times[len(times)-1].Sub(began.Add(10*time.Second)).Abs(), time.Second)
		}
	})
}

func TestSaysOnceWhatIsInForce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		for _, bundle := range []string{"b1", "b1", "b2", "b1"} {
			c := start(w, w.NewLine(), bundle, clock.External)
			_, err := c.log.Activated(t.Context(), bundle)
			require.NoError(t, err)
			time.Sleep(time.Second)
			c.part.Stop()
		}
		require.Equal(t, []record.Control{
			{Kind: "topology", Topology: 1, Partitions: evaltest.Sources()},
			{Kind: "activated", Activation: 1, Bundle: "b1"},
			{Kind: "activated", Activation: 2, Bundle: "b2"},
			{Kind: "activated", Activation: 3, Bundle: "b1"},
		}, said(w))
	})
}

// An import writes its own time; after the handover the owner writes the wall's,
// and after the handover back nobody does.
func TestHandover(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		c := start(w, w.NewLine(), "b1", clock.External)
		_, err := c.log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		past := compliance.InstantOf(time.Now().Add(-90 * 24 * time.Hour))
		for i := range 90 {
			w.Clock(past.Add(time.Duration(i) * 24 * time.Hour))
			time.Sleep(50 * time.Millisecond)
		}
		require.Len(t, clocks(w)[evaltest.Access+"0"], 90)
		tell(w, `{"kind": "clock", "clock": "wall"}`)
		time.Sleep(2 * time.Second)
		n := len(clocks(w)[evaltest.Access+"0"])
		require.InDelta(t, 100, n, 3)
		tell(w, `{"kind": "clock", "clock": "external"}`)
		time.Sleep(time.Second)
		n = len(clocks(w)[evaltest.Access+"0"])
		time.Sleep(5 * time.Second)
		require.Len(t, clocks(w)[evaltest.Access+"0"], n)
		c.part.Stop()
	})
}

// Of two instances one writes, and the other takes over when it is killed.
func TestTakeover(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		line := w.NewLine()
		a := start(w, line, "b1", clock.Wall)
		_, err := a.log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		b := start(w, w.NewLine(), "b1", clock.Wall)
		time.Sleep(10 * time.Second)
		n := len(clocks(w)[evaltest.Access+"0"])
		require.InDelta(t, 50, n, 5)
		a.part.Kill(line)
		time.Sleep(20 * time.Second)
		require.InDelta(t, n+65, len(clocks(w)[evaltest.Access+"0"]), 15)
		b.part.Stop()
	})
}

// Nonsense in the control topic is left out, not obeyed and not fatal.
func TestNonsenseIsLeftOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		tell(w, `hello`)
		tell(w, `{"kind": "clock", "clock": "sundial"}`)
		tell(w, `{"kind": "topology", "topology": 7}`)
		tell(w, `{"kind": "activated", "activation": 1, "bundle": "b1"}`)
		tell(w, `{"kind": "topology", "topology": 1, "partitions": {"events.access": 2}}`)
		log, err := clock.Open(t.Context(), w.Opts(), evaltest.Control, zerolog.Nop())
		require.NoError(t, err)
		n, err := log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, 1, log.Topology())
		sources, err := log.Sources(t.Context(), 1)
		require.NoError(t, err)
		require.Len(t, sources, 2)
	})
}

// Who names a topology that the log hasn't shown yet makes others wait for it.
func TestSourcesWait(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		log, err := clock.Open(t.Context(), w.Opts(), evaltest.Control, zerolog.Nop())
		require.NoError(t, err)
		follow := w.Go(log.Follow)
		time.AfterFunc(time.Second, func() {
			tell(w, `{"kind": "topology", "topology": 2, "partitions": {"events.access": 3}}`)
		})
		sources, err := log.Sources(t.Context(), 2)
		require.NoError(t, err)
		require.Len(t, sources, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = log.Sources(ctx, 3)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		follow.Stop()
	})
}

// A change that an owner began and didn't finish is finished by the next: a source that
// has a marker gets no other one, and of two the first counts.
func TestAChangeIsFinishedByTheNextOwner(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		first := start(w, w.NewLine(), "b1", clock.External)
		_, err := first.log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		first.part.Stop()
		at := compliance.InstantOf(time.Now())
		w.Produce(
			record.EncodeClock(evaltest.Access, 0, at), record.EncodeClock(evaltest.Access, 1, at.Add(time.Minute)),
			record.EncodeMarker(evaltest.Access, 1, 2), record.EncodeClock(evaltest.Access, 1, at.Add(time.Hour)), record.EncodeMarker(evaltest.Access, 1, 2),
		)
		tell(w, `{"kind": "proposed", "proposal": "p", "bundle": "b2", "files": "AA==", "by": "ann"}`)
		tell(w, `{"kind": "activating", "proposal": "p", "activation": 2, "watermark": "`+at.String()+`"}`)

		next := start(w, w.NewLine(), "b1", clock.External)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done, err := next.log.Done(ctx, 2)
		require.NoError(t, err)
		require.Equal(t, map[string]int64{
			evaltest.Access + "/0": 1, evaltest.Access + "/1": 1, evaltest.Deployment + "/0": 0, evaltest.Deployment + "/1": 0,
		}, done.Activated.Markers)
		require.Equal(t, at.Add(time.Hour), done.Activated.Watermark)
		require.Equal(t, at.Add(2*time.Hour), done.Activated.Routed)
		require.Contains(t, done.Activated.Reason, "its marker 1h0m0s after", "and that is said")
		require.EqualValues(t, 1, next.late.Load())
		time.Sleep(time.Second)
		next.part.Stop()
		markers := 0
		for topic := range evaltest.Sources() {
			for _, r := range w.ReadCommitted(topic) {
				if _, ok := record.DecodeMarker(r); ok {
					markers++
				}
			}
		}
		require.Equal(t, 5, markers, "two of them by the first owner in one source")
	})
}

// What restates waits for the word of a second person, and what is refused changes nothing.
func TestWhoMayChangeRules(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		c := start(w, w.NewLine(), "b1", clock.External)
		_, err := c.log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		tell(w, `{"kind": "approved", "proposal": "p", "by": "bob"}`)
		tell(w, `{"kind": "proposed", "proposal": "p", "bundle": "b2", "files": "AA==", "by": "ann", "restates": true}`)
		tell(w, `{"kind": "approved", "proposal": "p", "by": "ann"}`)
		tell(w, `{"kind": "activating", "proposal": "p", "activation": 2}`)
		time.Sleep(time.Second)
		require.Equal(t, 1, c.log.Latest())
		tell(w, `{"kind": "approved", "proposal": "p", "by": "bob"}`)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		done, err := c.log.Done(ctx, 2)
		require.NoError(t, err)
		require.Equal(t, "bob", done.Approved.By)
		tell(w, `{"kind": "activated", "bundle": "b1", "activation": 3}`)
		time.Sleep(time.Second)
		require.Equal(t, 2, c.log.Latest(), "no start changes rules any more")
		c.part.Stop()
	})
}

// What is said while the owner reads the topic isn't overlooked: each approval, whenever it
// comes, is carried out without anything being said after it.
func TestWhatIsSaidMeanwhileIsCarriedOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *evaltest.World) {
		c := start(w, w.NewLine(), "b1", clock.External)
		_, err := c.log.Activated(t.Context(), "b1")
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for i := range 30 {
			tell(w, fmt.Sprintf(`{"kind": "proposed", "proposal": "p%d", "bundle": "b%d", "files": "AA==", "by": "ann", "restates": true}`, i, i))
			time.Sleep(time.Duration(i) * 100 * time.Microsecond)
			tell(w, fmt.Sprintf(`{"kind": "approved", "proposal": "p%d", "by": "bob"}`, i))
			_, err := c.log.Done(ctx, i+2)
			require.NoError(t, err, "p%d", i)
		}
		c.part.Stop()
	})
}
