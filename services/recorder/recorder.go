// Package recorder is the program that keeps the log in ClickHouse.
//
// It reads events.*, verdicts, violations, deliveries, received, rejected and
// quarantine, committed records only, and writes a row for each into events (which feeds
// event_counts), verdict_revisions (which feeds verdicts and verdict_days), violations,
// deliveries, received, rejected and quarantined, and a row of coverage for each range
// read.
//
// It guarantees that every committed record that can be decoded is one row, exactly
// once, across crashes, rebalances and retries, as long as a repeated insert finds
// its token among the table's last non_replicated_deduplication_window inserts.
// While ClickHouse is away it lags and loses nothing. A record that can't be decoded
// is counted and left out, and stops nothing.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/recorder/internal/rows"
)

// Deps are what the recorder is given.
type Deps struct {
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	// Ready tells how "kafka" and "clickhouse" are.
	Ready func(part string, err error)
}

// seams are the points at which tests stop a recorder, as a crash would: an error
// ends it with nothing more written or committed. All are nil in the product.
type seams struct {
	// intended: the range is committed, nothing is inserted.
	intended func(tp, position) error
	// inserted: a table has its rows of the range.
	inserted func(tp, position, string) error
}

func (s seams) afterIntent(p tp, at position) error {
	if s.intended == nil {
		return nil
	}
	return s.intended(p, at)
}

func (s seams) afterInsert(p tp, at position, table string) error {
	if s.inserted == nil {
		return nil
	}
	return s.inserted(p, at, table)
}

// Run records until ctx ends. It then finishes the inserts under way, for ten
// seconds at most; what it abandons, the next recorder completes.
func Run(ctx context.Context, cfg Config, deps Deps) error { return run(ctx, cfg, deps, seams{}) }

func run(ctx context.Context, cfg Config, deps Deps, tests seams) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	keys, err := cfg.keys()
	if err != nil {
		return err
	}
	m, err := newMetrics(deps.Metrics)
	if err != nil {
		return fmt.Errorf("registering the recorder's metrics: %w", err)
	}
	deps.Ready("clickhouse", errors.New("connecting"))
	deps.Ready("kafka", errors.New("joining the group"))
	conn, err := open(ctx, cfg, deps, m)
	switch {
	case ctx.Err() != nil && conn == nil:
		return nil
	case err != nil:
		return err
	}
	deps.Ready("clickhouse", nil)
	w := &worker{
		cfg: cfg, deps: deps, metrics: m, seams: tests, keys: keys,
		store: &store{conn: conn, metrics: m, slots: make(chan struct{}, cfg.Inserts), coverage: cfg.ClickHouse.OnEveryReplica("coverage")},
	}
	recounting, stop := context.WithCancel(ctx)
	var recounts sync.WaitGroup
	recounts.Go(func() { nightly(recounting, w, conn) })
	err = consume(ctx, w)
	stop()
	recounts.Wait()
	return errors.Join(err, conn.Close())
}

// open waits for ClickHouse; only a fault of the configuration ends it.
func open(ctx context.Context, cfg Config, deps Deps, m *metrics) (clickhouse.Conn, error) {
	return retry(ctx, func(err error, _ time.Duration) {
		m.retries.WithLabelValues("connect").Inc()
		deps.Ready("clickhouse", err)
		deps.Log.Warn().Err(err).Msg("ClickHouse can't be reached; trying again")
	}, func() (clickhouse.Conn, error) {
		conn, err := clickhouse.Open(ctx, cfg.ClickHouse)
		if err != nil && compliance.CodeOf(err) == compliance.Invalid {
			return nil, backoff.Permanent(err)
		}
		return conn, err
	})
}

// The waits between attempts.
const (
	firstWait = 100 * time.Millisecond
	lastWait  = 10 * time.Second
)

// retry attempts until it succeeds, ctx ends or the error is permanent.
func retry[T any](ctx context.Context, notify backoff.Notify, attempt backoff.Operation[T]) (T, error) {
	waits := backoff.NewExponentialBackOff()
	waits.InitialInterval, waits.MaxInterval = firstWait, lastWait
	return backoff.Retry(ctx, attempt,
		backoff.WithBackOff(waits), backoff.WithMaxElapsedTime(0), backoff.WithNotify(notify))
}

// topics are all that the recorder reads, by full name, and what each becomes.
func topics(cfg stream.Config, keys *ledger.Keys) map[string]func() rows.Table {
	m := map[string]func() rows.Table{
		cfg.Topic("verdicts"):   rows.Verdicts,
		cfg.Topic("violations"): rows.Violations,
		cfg.Topic("deliveries"): rows.Deliveries,
		cfg.Topic("received"):   rows.Received,
		cfg.Topic("rejected"):   rows.Rejected,
		cfg.Topic("quarantine"): rows.Quarantined,
		cfg.Topic("control"):    rows.RuleChanges,
	}
	for _, name := range stream.EventTopics() {
		family := compliance.Family(strings.TrimPrefix(name, "events."))
		m[cfg.Topic(name)] = func() rows.Table { return rows.Events(family, keys) }
	}
	return m
}
