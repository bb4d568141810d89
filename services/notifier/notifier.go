// Package notifier is the program that tells people's systems of violations:
// signed webhooks, Slack, PagerDuty and Alertmanager.
//
// It reads violations and writes deliveries, one record for each attempt, which it
// reads again when it starts.
//
// It guarantees, for each target by itself:
//
//   - Nothing is lost silently. A violation that a route has for a target is either
//     delivered, or refused by the target, or abandoned because of its age, and
//     deliveries says which. Its offset is committed after that, not before.
//   - A dead target blocks nobody. Each target is a consumer group of its own: what
//     it doesn't take waits in Kafka, for as long as the topic keeps it. At most
//     `queue` violations of a target are in memory; when they are, reading pauses
//     for that target and nothing is dropped.
//   - Order. What is said of an episode arrives in the order of its revisions, over
//     retries and rebalances: a resolve never overtakes its trigger. Between
//     episodes there is no order.
//   - Repeats. A revision that isn't above the last of its item is ignored, and so is
//     one that deliveries say was delivered to the target: also after a restart, and
//     when the log is read again from its beginning. Both are known for at least the
//     last `remember` episodes and deliveries. What remains is a kill between a
//     target's answer and its record in deliveries, and an answer that was lost on
//     the way: then the same is sent again under the same keys, which are the
//     webhook-id and the ids inside, PagerDuty's dedup_key, and Alertmanager's
//     labels. Slack has no such key, so there a message can appear twice.
//   - Nothing is left open. What was opened at PagerDuty or Alertmanager is resolved
//     at the same target under the same key, whatever the routes say of the revision
//     that ends it. Alertmanager is told again of what is open before it times out.
//
// A target that is new begins with what comes from then on.
package notifier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/rs/zerolog"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/intake"
	"assay.example/assay/services/notifier/internal/lane"
	"assay.example/assay/services/notifier/internal/route"
)

// Deps are what the notifier is given.
type Deps struct {
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	// Ready tells how each target's group is, as "kafka/<target>".
	Ready func(part string, err error)
}

// commitEvery is how often what is finished is committed.
const commitEvery = time.Second

// errJoining is what a target's group is before it has joined.
var errJoining = errors.New("joining the group")

// Run delivers until ctx ends. It then waits for the attempts under way; what it
// holds beyond them, the next notifier delivers.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	if len(cfg.Targets) == 0 {
		deps.Log.Info().Msg("no targets are configured (notifier.targets): nobody is told of violations")
		deps.Ready("", nil)
		<-ctx.Done()
		return nil
	}
	log, err := newLog(cfg.Kafka, deps.Log)
	if err != nil {
		return err
	}
	defer log.close()
	n := &notifier{cfg: cfg, deps: deps, log: log, history: newHistory(cfg, deps.Log), metrics: lane.NewMetrics(deps.Metrics), skipped: skippedCounter(deps.Metrics)}
	return n.run(ctx)
}

type notifier struct {
	cfg     Config
	deps    Deps
	log     *deliveryLog
	history *history
	metrics *lane.Metrics
	skipped prometheus.Counter
}

func skippedCounter(reg prometheus.Registerer) prometheus.Counter {
	return promauto.With(reg).NewCounter(prometheus.CounterOpts{
		Name: "assay_notifier_skipped_records_total", Help: "Records that are no violations, each counted once a target.",
	})
}

func (n *notifier) run(ctx context.Context) error {
	for _, t := range n.cfg.Targets {
		n.deps.Ready("kafka/"+t.Name, errJoining)
	}
	all, ctx := errgroup.WithContext(ctx)
	for _, t := range n.cfg.Targets {
		l, err := n.cfg.lane(t, lane.Deps{
			Record: n.log.write, Metrics: n.metrics, Log: n.deps.Log,
			Delivered: func(v *record.Violation, action record.Action) bool { return n.history.has(t.Name, v, action) },
		})
		if err != nil {
			return err
		}
		dialer, err := intake.NewDialer(n.cfg.Kafka)
		if err != nil {
			return err
		}
		all.Go(func() error { return n.serve(ctx, t, l, intake.Config{Dialer: dialer}) })
	}
	return all.Wait()
}

func (n *notifier) serve(ctx context.Context, t Target, l *lane.Lane, cfg intake.Config) error {
	cfg.Brokers, cfg.Topic, cfg.Group = n.cfg.Kafka.Brokers, n.cfg.Kafka.Topic("violations"), n.cfg.Group+"."+t.Name
	cfg.SessionTimeout, cfg.CommitEvery = n.cfg.SessionTimeout, commitEvery
	table := n.cfg.table()
	match := func(v *record.Violation) (string, time.Duration, bool) {
		r, ok := table.For(t.Name, v)
		if !ok {
			return "", 0, false
		}
		return r.Name, r.GroupWait, true
	}
	err := intake.Run(ctx, cfg, intake.Deps{
		Open: func(ctx context.Context) (intake.Session, error) {
			if err := n.history.catchUp(ctx); err != nil {
				return nil, err
			}
			return l.Session(ctx, match), nil
		},
		Ready:   func(err error) { n.deps.Ready("kafka/"+t.Name, err) },
		Skipped: n.skipped.Inc,
		Log:     n.deps.Log,
	})
	if err != nil {
		return fmt.Errorf("notifying %s: %w", t.Name, err)
	}
	return nil
}

func (c Config) table() route.Table {
	table := make(route.Table, 0, len(c.Routes))
	for _, r := range c.Routes {
		wait := c.GroupWait
		if r.GroupWait != nil {
			wait = *r.GroupWait
		}
		table = append(table, route.Route{
			Name: r.Name, Controls: r.Controls, Severities: r.Severities, Kinds: r.Kinds, Tenants: r.Tenants,
			Targets: r.Targets, Continue: r.Continue, GroupWait: wait,
		})
	}
	return table
}
