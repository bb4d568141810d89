// Package evaluator turns events into verdicts, and verdicts into violations.
//
// It reads events.* and control. It writes routed, findings, state, verdicts, violations,
// quarantine, rejected, and the clock into events.* and control. Five parts run
// in one process and talk through Kafka alone:
//
//	events.* → router → routed → judge → verdicts → publisher → violations
//	                                └→ findings ⟲ stages ↗
//	control ↔ clock → events.*
//
// It guarantees, across kills, restarts and rebalances:
//   - A reader of committed verdicts sees each revision once, without gaps.
//   - Verdicts are a function of the log: no clock of this machine is in them,
//     and the same routed records give the same bytes.
//   - No verdict is given on a log of which a part is missing.
//   - Each violation is written at least once, and never from a transaction that
//     was aborted; its id tells repeats.
//   - What is no event is kept in rejected, with the reason and its place, and
//     stops nothing.
//
// docs/design/dataflow.md has the protocol and names the test of each guarantee.
package evaluator

import (
	"context"
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/evaluator/internal/clock"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/router"
	"assay.example/assay/services/evaluator/internal/rules"
)

// Deps are what the evaluator is given.
type Deps struct {
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	// Ready hears of the parts "clock", "router", "judge" and "publisher", and of "stages"
	// if there are controls that read what others say.
	Ready daemon.Ready
	Kafka stream.Config
	// Bundle is the rules. It is in force once the control topic says so.
	Bundle *control.Bundle
	// Types is the dictionary; nil stands for the product's.
	Types *dictionary.Dictionary
}

// parts of an evaluator, in the order of the flow.
const (
	clockPart     = "clock"
	routerPart    = "router"
	judgePart     = "judge"
	stagesPart    = "stages"
	publisherPart = "publisher"
)

type evaluator struct {
	cfg   Config
	deps  Deps
	rules rules.Rules
	// own and files are the hash and the text of the rules that this instance has loaded.
	own    string
	files  []byte
	client []kgo.Opt
	events []string

	control *clock.Log
	base    record.Base
	book    *rules.Book
	// booked is closed once book is there.
	booked  chan struct{}
	metrics metrics
}

type metrics struct {
	router    *router.Metrics
	judge     *judge.Metrics
	publisher *publisher.Metrics
	restarts  *prometheus.CounterVec
	late      prometheus.Counter
}

// Run evaluates until ctx is cancelled. Then it stops the parts in the order of
// the flow, each when it has finished and committed what it began, and returns
// nil. A part that fails is started again; Run itself fails only where that
// can't help: with a wrong configuration, or without Kafka at the start.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	if deps.Bundle == nil {
		return errors.New("running the evaluator: there is no bundle")
	}
	return run(ctx, cfg, deps, rules.Of(deps.Bundle))
}

func run(ctx context.Context, cfg Config, deps Deps, of rules.Rules) error {
	e, err := open(ctx, cfg, deps, of)
	if err != nil {
		return err
	}
	for _, part := range []string{clockPart, routerPart, judgePart, publisherPart} {
		deps.Ready(part, errStarting)
	}
	// The clock and the control topic serve the other parts, so they end last.
	base, stop := context.WithCancel(context.WithoutCancel(ctx))
	group := e.start(base, map[string]task{clockPart: e.clock, "control": e.follow})
	defer func() {
		stop()
		group.Wait()
	}()
	if e.base, err = e.control.InForce(ctx, of.Hash); err != nil {
		return nil // ctx ended while waiting
	}
	if deps.Bundle != nil {
		if e.book, err = rules.NewBook(e.control, e.base, deps.Bundle, e.deps.Types); err != nil {
			return err
		}
		e.rules = e.book.First()
		close(e.booked)
	}
	e.flow(ctx)
	return nil
}

func open(ctx context.Context, cfg Config, deps Deps, of rules.Rules) (*evaluator, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	client, err := deps.Kafka.Options(deps.Log)
	if err != nil {
		return nil, err
	}
	client = append(client, kgo.SessionTimeout(cfg.SessionTimeout), kgo.HeartbeatInterval(cfg.SessionTimeout/heartbeats))
	if deps.Types == nil {
		if deps.Types, err = dictionary.Default(); err != nil {
			return nil, err
		}
	}
	var files []byte
	if deps.Bundle != nil {
		if files, err = deps.Bundle.Pack(); err != nil {
			return nil, err
		}
	}
	e := &evaluator{own: of.Hash, files: files, cfg: cfg, deps: deps, rules: of, client: client, metrics: newMetrics(deps.Metrics), booked: make(chan struct{})}
	for _, name := range stream.EventTopics() {
		e.events = append(e.events, deps.Kafka.Topic(name))
	}
	e.control, err = clock.Open(ctx, client, deps.Kafka.Topic("control"), deps.Log)
	if err != nil {
		return nil, fmt.Errorf("reading the control topic: %w", err)
	}
	return e, nil
}

// heartbeats may fail this often before a session ends.
const heartbeats = 5

func newMetrics(reg prometheus.Registerer) metrics {
	lag := consume.NewLagGauge(reg)
	m := metrics{
		router: router.NewMetrics(reg, lag), judge: judge.NewMetrics(reg, lag), publisher: publisher.NewMetrics(reg, lag),
		restarts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "assay_evaluator_restarts_total", Help: "Times that a part failed and was started again.",
		}, []string{"part"}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "assay_evaluator_late_activations_total", Help: "Changes of the rules that came into force later than was allowed for when they were looked at.",
		}),
	}
	reg.MustRegister(m.restarts, m.late)
	return m
}

// flow runs router, judges and publisher, and stops them in this order.
func (e *evaluator) flow(ctx context.Context) {
	type running struct {
		stop context.CancelFunc
		done interface{ Wait() }
	}
	var all []running
	for _, part := range []struct {
		name string
		run  task
	}{{routerPart, e.router}, {judgePart, e.judge}, {stagesPart, e.stages}, {publisherPart, e.publisher}} {
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		all = append(all, running{stop, e.start(own, map[string]task{part.name: part.run})})
	}
	<-ctx.Done()
	for _, r := range all {
		r.stop()
		r.done.Wait()
	}
}

func (e *evaluator) topic(name string) string { return e.deps.Kafka.Topic(name) }

func (e *evaluator) follow(ctx context.Context, started func()) error {
	started()
	return e.control.Follow(ctx)
}

func (e *evaluator) clock(ctx context.Context, started func()) error {
	return clock.Run(ctx, clock.Config{
		Client: e.client, Group: e.topic(clockPart), Control: e.topic("control"), Events: e.events,
		Bundle: e.own, Files: e.files, Routers: e.topic(routerPart), Mode: e.cfg.Clock, Interval: e.cfg.ClockInterval,
	}, clock.Deps{Log: e.control, Check: e.check, Late: e.metrics.late.Inc, Logs: e.log(clockPart), Ready: started})
}

func (e *evaluator) router(ctx context.Context, started func()) error {
	return router.Run(ctx, router.Config{
		Client: e.client, Group: e.topic(routerPart),
		Events: e.events, Routed: e.topic("routed"), Rejected: e.topic("rejected"),
		Activation: e.base.Activation, Bound: e.cfg.Bound,
		MarkInterval: e.cfg.MarkInterval, MarkEvery: e.cfg.MarkEvery,
		MaxRecord: maxRecord, Batch: e.cfg.BatchRecords, Seek: seek, Grace: e.cfg.ShutdownTimeout,
	}, router.Deps{
		Rules: e.rules.Routes, Later: e.routes(), Past: e.pasts(), Types: e.deps.Types, Topology: e.control.Topology,
		Metrics: e.metrics.router, Log: e.log(routerPart), Ready: started,
	})
}

func (e *evaluator) judge(ctx context.Context, started func()) error {
	return judge.Run(ctx, e.judgeConfig(judgePart), e.judgeDeps(judgePart, started))
}

// stages judges the controls that read what others say, from when there are any.
func (e *evaluator) stages(ctx context.Context, started func()) error {
	if e.book == nil { // one rule set, without stages
		<-ctx.Done()
		return nil
	}
	err := e.book.Staged(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // nothing was begun
	}
	if err != nil {
		return err
	}
	cfg := e.judgeConfig(stagesPart)
	cfg.Later = true
	return judge.Run(ctx, cfg, e.judgeDeps(stagesPart, started))
}

func (e *evaluator) judgeConfig(part string) judge.Config {
	return judge.Config{
		Client: e.client, Group: e.topic(part), TransactionalID: e.topic(part + "." + e.cfg.Instance),
		Routed: e.topic("routed"), Findings: e.topic("findings"),
		Verdicts: e.topic("verdicts"), State: e.topic("state"), Quarantine: e.topic("quarantine"),
		Activation: e.base.Activation, BatchTime: e.cfg.BatchTime, BatchRecords: e.cfg.BatchRecords,
		TransactionTimeout: e.cfg.TransactionTimeout, GapPatience: e.cfg.GapPatience, Grace: e.cfg.ShutdownTimeout,
	}
}

func (e *evaluator) judgeDeps(part string, started func()) judge.Deps {
	return judge.Deps{
		NewEngine: e.rules.NewEngine, Rules: e.rules.Holds, Stages: e.rules.Stages, Later: e.regimes(), Sources: e.control.Sources,
		Metrics: e.metrics.judge, Log: e.log(part), Ready: started,
	}
}

func (e *evaluator) publisher(ctx context.Context, started func()) error {
	return publisher.Run(ctx, publisher.Config{
		Client: e.client, Group: e.topic(publisherPart),
		Verdicts: e.topic("verdicts"), Violations: e.topic("violations"),
		Batch: e.cfg.BatchRecords, Grace: e.cfg.ShutdownTimeout,
	}, publisher.Deps{
		Controls: e.words(), Metrics: e.metrics.publisher, Log: e.log(publisherPart), Ready: started,
	})
}

// seek is some ten seconds' worth of a busy source.
const seek = 50_000

// maxRecord leaves room below what the topics take for Kafka's own bytes.
const maxRecord = stream.MaxMessageBytes - 64<<10

func (e *evaluator) log(part string) zerolog.Logger {
	return e.deps.Log.With().Str("part", part).Logger()
}

// check has a change looked at, once the book of rules is there.
func (e *evaluator) check(ctx context.Context, c record.RuleChange, inForce int, now compliance.Instant) error {
	select {
	case <-e.booked:
		return e.book.Check(ctx, c, inForce, now)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// routes, regimes and words are those of the book; without one there is one rule set.
func (e *evaluator) routes() func(context.Context, int) (router.Rules, error) {
	if e.book == nil {
		return nil
	}
	return e.book.Routes
}

func (e *evaluator) pasts() func(context.Context, int) (router.Past, error) {
	if e.book == nil {
		return nil
	}
	return e.book.Past
}

func (e *evaluator) regimes() judge.Later {
	if e.book == nil {
		return nil
	}
	return e.book.Regime
}

func (e *evaluator) words() publisher.Controls {
	if e.book == nil {
		return e.rules.Words
	}
	return e.book
}
