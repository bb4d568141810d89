package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"assay.example/assay/pkg/compliance"
)

// DefaultGrace is how long all components together may take to stop. It is less
// than the 30 s after which Kubernetes kills.
const DefaultGrace = 25 * time.Second

// Ready tells how a part of a component is: nil for ready, else why not. It may
// be called at any time, from any goroutine, as often as things change. A component
// is ready when all parts that it named are; so one with several parts names each
// with an error before the first becomes ready. The part "" is the whole.
type Ready func(part string, err error)

// Component is a program that runs until it is asked to stop.
type Component struct {
	Name string
	// Run blocks until ctx is cancelled and everything in flight is finished,
	// then returns nil. It must call ready once it works. It may return an
	// error at any time; then everything stops.
	Run func(ctx context.Context, ready Ready) error
}

// Options are what Run needs beside the components.
type Options struct {
	Admin Admin
	// Grace is the time to stop; 0 means DefaultGrace.
	Grace   time.Duration
	Log     zerolog.Logger
	Metrics *prometheus.Registry
}

// Run starts the components in order and blocks until ctx is cancelled or one of
// them ends, then stops them in the reverse order. Each gets an equal share of the
// grace that is left; those that need longer are named in the error and left
// behind. The error is nil if ctx was cancelled and all stopped well.
func Run(ctx context.Context, o Options, components ...Component) error {
	g := &group{
		log:    o.Log,
		health: newHealth(),
		grace:  o.Grace,
		ended:  make(chan *running, len(components)+1),
	}
	if g.grace == 0 {
		g.grace = DefaultGrace
	}
	if o.Metrics != nil {
		if err := o.Metrics.Register(g.health); err != nil {
			return fmt.Errorf("registering the health metrics: %w", err)
		}
	}
	if o.Admin.Listen != "" {
		components = append([]Component{o.Admin.component(g.health, o.Metrics)}, components...)
	}
	for _, c := range components {
		g.health.expect(c.Name)
	}
	err := g.start(ctx, components)
	if err == nil {
		err = g.wait(ctx)
	}
	g.health.stop()
	return errors.Join(err, g.stop())
}

type group struct {
	log     zerolog.Logger
	health  *health
	grace   time.Duration
	ended   chan *running
	running []*running
}

type running struct {
	name   string
	cancel context.CancelFunc
	done   chan struct{}
	err    error // readable once done is closed
	told   bool  // that err has been returned; the group's goroutine alone touches it
}

// start returns early, without an error, when ctx ends.
func (g *group) start(ctx context.Context, components []Component) error {
	for _, c := range components {
		g.launch(ctx, c)
		select {
		case <-g.health.readyOnce(c.Name):
			g.log.Info().Str("component", c.Name).Msg("component is ready")
		case r := <-g.ended:
			return r.failure()
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// launch keeps ctx's values but not its end: each component is stopped in its turn.
func (g *group) launch(ctx context.Context, c Component) {
	own, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{name: c.Name, cancel: cancel, done: make(chan struct{})}
	g.running = append(g.running, r)
	g.log.Debug().Str("component", c.Name).Msg("component starts")
	go func() {
		r.err = c.Run(own, func(part string, err error) { g.health.set(c.Name, part, err) })
		close(r.done)
		g.ended <- r
	}()
}

func (g *group) wait(ctx context.Context) error {
	select {
	case r := <-g.ended:
		return r.failure()
	case <-ctx.Done():
		return nil
	}
}

// failure is what the end of a component that nobody asked to stop means.
func (r *running) failure() error {
	r.told = true
	if r.err == nil {
		return compliance.Errorf(compliance.Internal, "%s ended although nobody asked it to", r.name)
	}
	return fmt.Errorf("running %s: %w", r.name, r.err)
}

func (g *group) stop() error {
	g.log.Info().Msg("stopping")
	deadline := time.Now().Add(g.grace)
	var faults []error
	var late []string
	for i, r := range slices.Backward(g.running) {
		r.cancel()
		if !r.await(time.Until(deadline) / time.Duration(i+1)) {
			late = append(late, r.name)
			continue
		}
		g.log.Info().Str("component", r.name).Msg("component has stopped")
		if r.err != nil && !r.told && !errors.Is(r.err, context.Canceled) {
			faults = append(faults, fmt.Errorf("stopping %s: %w", r.name, r.err))
		}
	}
	if len(late) > 0 {
		faults = append(faults, compliance.Errorf(compliance.Internal,
			"%s did not stop in time (%s for all); what was in flight is done again at the next start", strings.Join(late, ", "), g.grace))
	}
	return errors.Join(faults...)
}

func (r *running) await(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-r.done:
		return true
	case <-timer.C:
		return false
	}
}
