package sim_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/probe"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/router"
)

// The kinds of parts.
const (
	routers    = "router"
	judges     = "judge"
	stagers    = "stages"
	publishers = "publisher"
)

// most is how many of a kind live at once.
var most = map[string]int{routers: 2, judges: 3, stagers: 2, publishers: 2}

var errKilled = errors.New("killed")

// instance is one life of a part. It moves only when the simulation lets it: it
// stands at a point until it is told to go on.
type instance struct {
	s    *sim
	kind string
	name string // told apart in the trace and by its group
	id   string // of a judge: what its transactions are called after
	line *evaltest.Line

	number uint64
	visits map[probe.Point]uint64

	stop    context.CancelFunc
	arrived chan probe.Point
	resume  chan error
	done    chan struct{}
	err     error

	// at is where it stands; "" while it runs, since it waits for others.
	at   probe.Point
	dead bool
	// until is the round before which it isn't moved.
	until uint64
	// free: it stands and fails nowhere any more.
	free atomic.Bool
}

// birth starts an instance of a kind.
func (s *sim) birth(kind string) *instance {
	s.born++
	in := &instance{
		s: s, kind: kind, number: uint64(s.born), name: fmt.Sprintf("%s-%02d", kind, s.born), line: s.w.NewLine(),
		visits: map[probe.Point]uint64{}, arrived: make(chan probe.Point), resume: make(chan error), done: make(chan struct{}),
	}
	if kind == judges || kind == stagers {
		if in.id = one(s.dice, "a", "a", "b", "c"); s.compacts {
			in.id += strconv.Itoa(s.born) // see settings.compacts
		}
		in.name += in.id
	}
	run := in.program()
	ctx, stop := context.WithCancel(s.t.Context())
	in.stop = stop
	go func() {
		defer close(in.done)
		in.err = run(ctx)
	}()
	s.alive = append(s.alive, in)
	s.connect(in)
	s.tell("%s is born", in.name)
	in.await()
	return in
}

func (in *instance) opts() []kgo.Opt {
	return append(in.line.Opts(), clientOpts(in.name)...)
}

// session is how long a group waits for a silent member.
const session = 6 * time.Second

// clientOpts make little noise while time passes, and times that rarely fall together:
// what is due at one instant comes in any order. The client's name goes first in what a
// group sorts its members by.
func clientOpts(name string) []kgo.Opt {
	return []kgo.Opt{
		kgo.ClientID(name),
		kgo.SessionTimeout(session), kgo.HeartbeatInterval(1997 * time.Millisecond), kgo.RebalanceTimeout(12 * time.Second),
		kgo.FetchMaxWait(4987 * time.Millisecond),
	}
}

func (in *instance) program() func(ctx context.Context) error {
	w, s := in.s.w, in.s
	switch in.kind {
	case routers:
		cfg, deps := w.RouterConfig(in.line), w.RouterDeps()
		cfg.Client, cfg.Hook = in.opts(), in.hook
		cfg.Bound, cfg.MarkInterval, cfg.MarkEvery, cfg.Batch = s.bound, s.markInterval, s.markEvery, s.routerBatch
		cfg.Seek = one(dice{rand.New(rand.NewPCG(s.seed, 7))}, int64(0), 4)
		deps.Rules, deps.Types = s.rules.Routes, s.rules.types
		if s.change != nil {
			deps.Later, deps.Past = s.change.routes, s.change.past
		}
		return func(ctx context.Context) error { return router.Run(ctx, cfg, deps) }
	case judges, stagers:
		cfg := w.JudgeConfig(in.line, in.id)
		if in.kind == stagers {
			cfg.Later, cfg.Group, cfg.TransactionalID = true, stagers, stagers+"."+in.id
		}
		cfg.Client, cfg.Hook = in.opts(), in.hook
		cfg.BatchRecords, cfg.BatchTime, cfg.GapPatience = s.judgeBatch, time.Millisecond, s.gapPatience
		deps := s.judgeDeps()
		return func(ctx context.Context) error { return judge.Run(ctx, cfg, deps) }
	default:
		cfg := publisher.Config{
			Client: in.opts(), Group: publishers, Verdicts: evaltest.Verdicts, Violations: evaltest.Violations,
			Batch: s.routerBatch, Grace: time.Second, Hook: in.hook,
		}
		deps := w.PublisherDeps()
		deps.Controls = s.rules.Words
		return func(ctx context.Context) error { return publisher.Run(ctx, cfg, deps) }
	}
}

func (s *sim) judgeDeps() judge.Deps {
	deps := s.w.JudgeDeps()
	deps.NewEngine, deps.Rules, deps.Stages = s.rules.NewEngine, s.rules.Holds, s.rules.Stages
	if s.change != nil {
		deps.Later = s.change.regime
	}
	return deps
}

// hook is where an instance gives itself into the simulation's hands. It always
// stands still before a turn, elsewhere as the dice fall.
func (in *instance) hook(p probe.Point) error {
	if in.free.Load() {
		return nil
	}
	turning := strings.HasSuffix(string(p), ".turning")
	if in.s.calm.Load() && !turning {
		return nil
	}
	d := in.throw(p)
	crash, pause := in.s.risks(p)
	if !in.s.calm.Load() && d.IntN(1000) < crash {
		in.s.inject("crash at " + string(p))
		in.s.tell("%s crashes at %s", in.name, p)
		in.line.Cut()
		return errKilled
	}
	if !turning && !d.chance(pause) {
		return nil
	}
	if !turning {
		in.s.inject("pause at " + string(p))
	}
	in.arrived <- p
	return <-in.resume
}

// risks are how many visits to a point end in a crash, of a thousand, and how many in a
// pause, of a hundred.
func (s *sim) risks(p probe.Point) (crash, pause int) {
	crash, pause = s.crashes, s.pauses
	switch {
	case s.holes > 0 && p == router.Routing:
		return crash / 5, 20 // what it has written arrives, and it goes on
	case p == judge.Restoring || p == router.Routing: // they come for each record
		return crash / 5, pause / 5
	case p == router.Preloading && crash > 0: // it comes seldom
		return crash + 100, pause + 20 + 4*s.holes
	case s.deadly > 0 && (p == judge.Committed || p == publisher.Polled):
		return 10 * s.deadly, pause
	case s.holes > 0 && (p == router.Routed || p == router.Marked):
		return crash, 50
	}
	return crash, pause
}

// throw gives the dice of one visit to a point, whatever happened before.
func (in *instance) throw(p probe.Point) dice {
	in.visits[p]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(p))
	return dice{rand.New(rand.NewPCG(in.s.seed<<16|in.number, h.Sum64()+in.visits[p]))}
}

// patience is how long the simulation looks at one instance before it turns to
// another, in virtual time.
const patience = 1013 * time.Millisecond

func (in *instance) sleeps(round uint64) bool { return round < in.until }

// step lets the instance go on to the next point at which it stands still.
func (in *instance) step() {
	if in.dead {
		return
	}
	synctest.Wait() // who runs without being looked at comes to rest first
	if in.at == router.Preloading && in.s.chance(5*in.s.holes) {
		in.s.hole() // a past is short
	}
	if in.at != "" {
		in.at = ""
		in.resume <- nil
	}
	in.await()
}

func (in *instance) await() {
	select {
	case in.at = <-in.arrived:
		in.s.tell("%s stands at %s", in.name, in.at)
	case <-in.done:
		in.buried()
	case <-time.After(patience):
		in.s.tell("%s runs on", in.name)
	}
}

func (in *instance) buried() {
	in.dead = true
	in.stop()
	in.s.tell("%s is dead: %v", in.name, in.err)
	in.s.autopsy(in)
	in.s.graves = append(in.s.graves, grave{in.kind, in.name, time.Now()})
}

// leave asks the instance to stop, and waits until it has.
func (in *instance) leave() { in.end(in.stop, nil) }

// kill ends the instance wherever it is, as kill -9 would.
func (in *instance) kill() {
	in.end(func() {
		in.line.Cut()
		in.stop()
	}, errKilled)
}

func (in *instance) end(how func(), with error) {
	in.free.Store(true)
	how()
	for !in.dead {
		if in.at != "" {
			in.at = ""
			in.resume <- with
		}
		select {
		case in.at = <-in.arrived: // it was on its way there
		case <-in.done:
			in.buried()
		}
	}
}
