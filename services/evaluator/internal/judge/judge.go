// Package judge turns routed records into verdicts, each exactly once.
//
// It reads `routed` in a consumer group and writes `verdicts`, `state` and
// `quarantine` in the transaction that also commits what it has read. A reader
// of committed records sees each revision once, whatever is killed when. After
// any doubt about a transaction it forgets everything and restores from `state`.
package judge

import (
	"context"
	"errors"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/probe"
)

// Config is what a judge needs to know.
type Config struct {
	// Client reaches Kafka; it chooses no group and no topic.
	Client []kgo.Opt
	Group  string
	// TransactionalID is stable and this instance's alone: a successor with the
	// same id ends the transaction that a killed one left open.
	TransactionalID string
	// Routed, Verdicts, State and Quarantine are full topic names.
	Routed     string
	Verdicts   string
	State      string
	Quarantine string
	// Findings is where stages hand on what later ones need; it has as many partitions as
	// Routed. Later has the judge read it and judge these stages, not the first.
	Findings string
	Later    bool
	// Activation is the number of the rules that a partition begins with.
	Activation int
	// BatchTime and BatchRecords bound what goes into one transaction.
	BatchTime    time.Duration
	BatchRecords int
	// TransactionTimeout is when Kafka aborts a transaction that nobody ends.
	// Readers of committed records wait that long after a kill.
	TransactionTimeout time.Duration
	// GapPatience is how long a source may stay broken before the judge stops
	// with an error. It emits nothing beyond the gap meanwhile.
	GapPatience time.Duration
	// Grace is how long the transaction in flight may take to finish.
	Grace time.Duration

	// Hook is for tests.
	Hook probe.Hook
}

// input is the topic that the judge reads.
func (c *Config) input() string {
	if c.Later {
		return c.Findings
	}
	return c.Routed
}

// isolation: routed records are written without transactions, findings with them.
func (c *Config) isolation() kgo.IsolationLevel {
	if c.Later {
		return kgo.ReadCommitted()
	}
	return kgo.ReadUncommitted()
}

// The points of a judge. Between Produced and Committed it depends on the broker
// whether the transaction counts.
const (
	Turning   probe.Point = "judge.turning"   // nothing is in hand
	Gathered  probe.Point = "judge.gathered"  // records are read, and partitions not yet restored
	Restoring probe.Point = "judge.restoring" // at each record of the changelog
	Applied   probe.Point = "judge.applied"   // the state in memory is ahead of the log
	Produced  probe.Point = "judge.produced"  // all is written, nothing committed
	Committed probe.Point = "judge.committed"
)

// Deps are what a judge works with.
type Deps struct {
	// NewEngine makes an empty engine for a routed partition of so many.
	NewEngine func(partition, partitions int32) Engine
	Rules     Rules
	// Stages are nil if no control reads what others say.
	Stages Stages
	// Later finds the rules of a later activation. It waits until the control topic has
	// all that is to be known of it; nil: there are none.
	Later   Later
	Sources Sources
	Metrics *Metrics
	Log     zerolog.Logger
	// Ready is told once Kafka has answered; nil if nobody asks.
	Ready func()
}

// errAborted says that a transaction ended without a confirmed commit. It may
// have been committed nevertheless; only the log knows.
var errAborted = errors.New("the transaction was not committed")

// Run judges until ctx ends, then finishes the transaction in flight and returns nil.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	work, cancel := consume.Outlive(ctx, cfg.Grace)
	defer cancel()
	for ctx.Err() == nil {
		err := runSession(ctx, work, cfg, deps)
		if !errors.Is(err, errAborted) {
			return err
		}
		deps.Metrics.Aborts.Inc()
		deps.Log.Info().Msg("judge restores after an aborted transaction")
	}
	return nil
}

// runSession is one client's life, and that of all state built with it.
func runSession(ctx, work context.Context, cfg Config, deps Deps) error {
	s, err := open(ctx, cfg, deps)
	if ctx.Err() != nil && err != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.close()
	deps.Log.Info().Int("activation", cfg.Activation).Msg("judge started")
	if deps.Ready != nil {
		deps.Ready()
	}
	for ctx.Err() == nil {
		if err := s.turn(ctx, work); err != nil {
			return err
		}
	}
	deps.Log.Info().Msg("judge stopped")
	return nil
}
