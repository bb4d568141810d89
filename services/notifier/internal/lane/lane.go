// Package lane delivers violations to one target: grouped, in the order of each
// episode, again and again until the target takes them, says no, or they are too
// old. A lane knows nothing of other targets, so a dead one holds up nobody.
//
// What it takes it holds: at most Queue violations at once, then Take blocks, and
// with it the reading of the log for this target alone. Nothing is dropped to
// make room.
package lane

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/record"
	"assay.example/assay/services/notifier/internal/message"
)

// Config is how a lane works.
type Config struct {
	Target string
	Kind   string
	// Incidents has each violation sent by itself, as a trigger or resolve of its
	// episode; else they are grouped for people to read.
	Incidents bool
	// Queue bounds the violations that are taken and not finished, Concurrency
	// the requests under way.
	Queue       int
	Concurrency int
	// Timeout ends an attempt.
	Timeout time.Duration
	// MaxAge, counted from when the log took a violation, ends its attempts. Each
	// gets one, however old it is.
	MaxAge time.Duration
	// FirstWait grows to LastWait between the attempts of a message. What a
	// target asks for in Retry-After counts up to MaxRetryAfter.
	FirstWait     time.Duration
	LastWait      time.Duration
	MaxRetryAfter time.Duration
	// Resend is how often open episodes are sent again; 0 for never.
	Resend time.Duration
	// Remember bounds the episodes that a session knows, open and closed each.
	Remember int
}

// Doer is an http.Client, or what stands for one.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Deps are what a lane works with.
type Deps struct {
	Format message.Format
	Client Doer
	// Delivered tells whether the target has taken a violation before this
	// session; nil if nobody knows.
	Delivered func(*record.Violation, record.Action) bool
	// Record writes an attempt down, and returns when the log has it.
	Record  func(context.Context, *record.Delivery) error
	Metrics *Metrics
	Log     zerolog.Logger
}

// Lane is one target's, for the life of the process.
type Lane struct {
	cfg   Config
	deps  Deps
	queue chan struct{}
	turns chan struct{}

	mu      sync.Mutex
	paused  time.Time // no attempt before
	failing bool
}

// New makes a lane.
func New(cfg Config, deps Deps) *Lane {
	return &Lane{cfg: cfg, deps: deps, queue: make(chan struct{}, cfg.Queue), turns: make(chan struct{}, cfg.Concurrency)}
}

// Item is a violation to deliver.
type Item struct {
	Violation *record.Violation
	// At is when the log took it.
	At    time.Time
	Route string
	// GroupWait is how long it may wait for others.
	GroupWait time.Duration
	// Done is called when it is delivered, refused or abandoned, and the log has
	// that; never if the session ends before.
	Done func()
}

// turn waits until an attempt may begin.
func (l *Lane) turn(ctx context.Context) error {
	for {
		if err := l.awaitPause(ctx); err != nil {
			return err
		}
		select {
		case l.turns <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		if l.pause() <= 0 {
			return ctx.Err()
		}
		<-l.turns
	}
}

func (l *Lane) awaitPause(ctx context.Context) error {
	wait := l.pause()
	if wait <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *Lane) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Until(l.paused)
}

// pauseFor has every message of the target wait: a Retry-After is about the target.
func (l *Lane) pauseFor(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if until := time.Now().Add(d); until.After(l.paused) {
		l.paused = until
	}
}

// tell logs when a target begins to fail and when it works again, not each attempt.
func (l *Lane) tell(failed bool, outcome record.DeliveryOutcome, text string) {
	l.mu.Lock()
	changed := failed != l.failing
	l.failing = failed
	l.mu.Unlock()
	switch {
	case !changed:
	case failed:
		l.deps.Log.Warn().Str("target", l.cfg.Target).Str("outcome", string(outcome)).Str("cause", text).Msg("target fails")
	default:
		l.deps.Log.Info().Str("target", l.cfg.Target).Msg("target works again")
	}
}
