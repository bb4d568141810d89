// Package collector is the door for events: CloudEvents 1.0 over HTTP, what vendors
// send themselves, and traces and logs in OTLP over HTTP and gRPC.
//
// It reads requests, the dictionary of event types and the mappings of vendors. It
// writes events.<family>, keyed as the type says, with the data's bytes as they
// came or were mapped, received, which keeps each delivery of a vendor that was
// believed, and rejected, where what an authenticated sender got wrong, or a mapping,
// is kept with the reason.
//
// It guarantees:
//   - An answer of 202 is given only when Kafka, with acks from all in-sync
//     replicas, has every event of the request, and the delivery behind them.
//   - Nothing is taken that the evaluator would refuse: both decode with
//     pkg/dictionary.
//   - A request that is refused with a 4xx has put none of its events in the log,
//     also if only one event of a batch is wrong. One exception: a topic whose
//     max.message.bytes is below stream.MaxMessageBytes may refuse one event of a
//     batch, and the answer (413) says that others may be in the log.
//   - Tenant and sources are those of the sender's key.
//   - Memory is bounded: what doesn't fit is answered with 429 at once. An idle
//     collector takes every request within its limits, however many events it holds.
//
// After an answer of 503, and after none, some or all of the request's events may
// be in the log, or get there later. Sending them again with the same ids is safe:
// an event is (tenant, source, id), and readers count it once. The collector
// itself keeps no state and drops no duplicates.
package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/source"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/collector/internal/door"
	"assay.example/assay/services/collector/internal/intake"
	"assay.example/assay/services/collector/internal/otlp/receiver"
	"assay.example/assay/services/collector/internal/webhook"
)

// GCPercent is what GOGC should be in a process that does nothing else, unless its
// operator says otherwise. The heap in use is small, bounded by MaxInFlightBytes, and
// nearly all of it is garbage soon: swept as often as Go does by itself, it costs a
// third of the rate at which events are taken.
const GCPercent = 400

// Deps are what the collector is given.
type Deps struct {
	Log     zerolog.Logger
	Metrics prometheus.Registerer
	// Ready hears of the part "" (the port) and of "kafka".
	Ready daemon.Ready
	Kafka stream.Config
	// Types is the dictionary; nil stands for the product's.
	Types *dictionary.Dictionary
	// Vendors are the sources that are known; nil stands for the product's.
	Vendors *source.Library
	// Env gives variables that hold secrets; nil stands for the process's.
	Env func(name string) string
	// Now is the wall clock that event times are held against; nil stands for
	// the machine's.
	Now func() time.Time
	// Listener is used instead of Config.Listen, if set. Run closes it.
	Listener net.Listener
	// GRPCListener is used instead of Config.OTLP.GRPCListen, if set. Run closes it.
	GRPCListener net.Listener
}

var errNotAsked = errors.New("has not answered yet")

// Run answers requests until ctx is cancelled. Then it stops accepting, finishes
// the requests in hand, waits for what Kafka still has to acknowledge and returns
// nil. It returns an error if it can't begin, or if its port fails.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	metrics, err := door.NewMetrics(deps.Metrics)
	if err != nil {
		return fmt.Errorf("registering the collector's metrics: %w", err)
	}
	budget := intake.NewBudget(cfg.MaxInFlightBytes, metrics.InFlight)
	client, err := newClient(cfg, deps, budget)
	if err != nil {
		return err
	}
	defer client.Close()
	deps.Ready("kafka", errNotAsked)
	events, err := newDoor(cfg, deps, door.Options{
		Budget: budget, Metrics: metrics, Intake: intake.New(client, cfg.AckTimeout, deps.kafkaReady),
	})
	if err != nil {
		return err
	}
	handler, exports, err := newDoors(cfg, deps, events)
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg, deps)
	if err != nil {
		return err
	}
	grpcListener, err := listenGRPC(ctx, cfg, deps)
	if err != nil {
		_ = listener.Close() // nobody has connected
		return err
	}
	deps.Log.Info().Stringer("address", listener.Addr()).Bool("tls", cfg.CertFile != "").Int("keys", len(cfg.Keys)).Int("sources", len(cfg.Sources)).Msg("collector listens")
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return awaitKafka(ctx, client, cfg.AckTimeout, deps.Ready) })
	group.Go(func() error { return serve(ctx, cfg, deps, listener, handler) })
	group.Go(func() error { return serveGRPC(ctx, cfg, deps, grpcListener, exports) })
	if err := group.Wait(); err != nil {
		return err
	}
	return flush(ctx, cfg, client, deps.Log)
}

// kafkaReady hears of changes only.
func (d Deps) kafkaReady(err error) {
	d.Ready("kafka", err)
	if err != nil {
		d.Log.Warn().Err(err).Msg("Kafka does not take events; senders are told to retry")
		return
	}
	d.Log.Info().Msg("Kafka takes events again")
}

func newClient(cfg Config, deps Deps, budget *intake.Budget) (*kgo.Client, error) {
	opts, err := deps.Kafka.Options(deps.Log)
	if err != nil {
		return nil, err
	}
	client, err := kgo.NewClient(append(opts, intake.Options(cfg.AckTimeout, budget)...)...)
	if err != nil {
		return nil, fmt.Errorf("making the Kafka client: %w", err)
	}
	return client, nil
}

func newDoor(cfg Config, deps Deps, o door.Options) (*door.Door, error) {
	var err error
	if o.Types = deps.Types; o.Types == nil {
		if o.Types, err = dictionary.Default(); err != nil {
			return nil, err
		}
	}
	if o.Now = deps.Now; o.Now == nil {
		o.Now = time.Now
	}
	if o.Keys, err = cfg.doorKeys(); err != nil {
		return nil, err
	}
	o.Topic = deps.Kafka.Topic
	o.EventBytes, o.BatchBytes, o.BatchEvents = cfg.MaxEventBytes, cfg.MaxBatchBytes, cfg.MaxBatchEvents
	o.RetryAfter = retryAfter
	return door.New(o)
}

// newDoors puts the doors that mappings stand behind beside that for events.
func newDoors(cfg Config, deps Deps, events *door.Door) (http.Handler, *receiver.Receiver, error) {
	vendors := deps.Vendors
	if vendors == nil {
		var err error
		if vendors, err = source.Default(events.Types); err != nil {
			return nil, nil, err
		}
	}
	hooks, err := newHooks(cfg, deps, events, vendors)
	if err != nil {
		return nil, nil, err
	}
	exports, err := newReceiver(cfg, deps, events, vendors)
	if err != nil {
		return nil, nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/", events)
	mux.Handle("/v1/sources/", hooks)
	if exports != nil {
		exports.Register(mux)
	}
	return mux, exports, nil
}

func newHooks(cfg Config, deps Deps, events *door.Door, vendors *source.Library) (*webhook.Hooks, error) {
	sources, err := cfg.sources(vendors, deps.Env)
	if err != nil {
		return nil, err
	}
	metrics, err := webhook.NewMetrics(deps.Metrics)
	if err != nil {
		return nil, fmt.Errorf("registering the metrics of sources: %w", err)
	}
	largest := cfg.MaxEventBytes
	for _, s := range sources {
		largest = max(largest, s.Bytes)
	}
	// A body at its limit takes twice as much while it is read.
	unproven := intake.NewBudget(max(cfg.MaxInFlightBytes/4, 2*largest), metrics.Unproven)
	return webhook.New(webhook.Options{
		Sources: sources, Door: events, Bytes: cfg.MaxEventBytes, Unproven: unproven, Metrics: metrics,
	}), nil
}

func listen(ctx context.Context, cfg Config, deps Deps) (net.Listener, error) {
	if deps.Listener != nil {
		return deps.Listener, nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", cfg.Listen)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "listening for events: %w; set collector.listen to a free port", err)
	}
	return l, nil
}

// retryAfter is long enough for a broker to be elected.
const retryAfter = 5 * time.Second

// askEvery is how often a Kafka that doesn't answer is asked again.
const askEvery = time.Second

// awaitKafka tells when Kafka answers for the first time; from then on the
// producer knows better.
func awaitKafka(ctx context.Context, client *kgo.Client, timeout time.Duration, ready daemon.Ready) error {
	for ctx.Err() == nil {
		err := stream.Ping(ctx, client, timeout)
		ready("kafka", err)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(askEvery):
		}
	}
	return nil
}

// serve returns nil when ctx is cancelled and all requests are answered.
func serve(ctx context.Context, cfg Config, deps Deps, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       cfg.ReadTimeout,
		WriteTimeout:      cfg.ReadTimeout + cfg.AckTimeout + 10*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
	deps.Ready("", nil)
	cut, err := daemon.Serve(ctx, server, listener, cfg.CertFile, cfg.KeyFile, cfg.ShutdownTimeout)
	if err != nil {
		return fmt.Errorf("serving events: %w", err)
	}
	if cut {
		deps.Log.Warn().Msg("some requests did not finish in time; their senders have no answer")
	}
	return nil
}

// flush waits for records whose senders have given up, or which are rejected ones.
func flush(ctx context.Context, cfg Config, client *kgo.Client, log zerolog.Logger) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.AckTimeout)
	defer cancel()
	if err := client.Flush(ctx); err != nil {
		log.Warn().Err(err).Int64("records", client.BufferedProduceRecords()).Msg("Kafka did not take all records; none of them was acknowledged to its sender")
	}
	return nil
}
