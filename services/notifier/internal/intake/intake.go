// Package intake reads the violations topic with segmentio/kafka-go, a client of
// another maker than the one that writes it: what it can read, anybody can.
//
// Each target is a consumer group of its own, so that Kafka is the queue of a target
// that is down. A partition is read from its beginning in each generation of the
// group: up to the committed offset to learn what is open and what was said, beyond
// it to deliver. Only what is finished is committed.
package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
)

// Config says what to read as whom.
type Config struct {
	Dialer  *kafka.Dialer
	Brokers []string
	Topic   string
	Group   string
	// SessionTimeout is how long Kafka waits for one that was killed.
	SessionTimeout time.Duration
	// CommitEvery is how often what is finished is committed.
	CommitEvery time.Duration
}

// Session takes the violations of one generation.
type Session interface {
	// Restore is given what was finished before, Take the rest, both in the order
	// of each partition. Take may block.
	Restore(v *record.Violation)
	Take(ctx context.Context, v *record.Violation, at time.Time, done func()) error
	// Close is called once after ctx has ended and all calls have returned.
	Close()
}

// Deps are what reading works with.
type Deps struct {
	// Open begins the session of a generation.
	Open func(context.Context) (Session, error)
	// Ready is told how the group is.
	Ready func(error)
	// Skipped counts records that are no violations.
	Skipped func()
	Log     zerolog.Logger
}

// The waits of a group.
const (
	rejoinWait = time.Second
	// rebalanceWithin is longer than the attempts under way may take to end.
	rebalanceWithin = 45 * time.Second
	dialWithin      = 10 * time.Second
	maxBytes        = 10 << 20
	maxWait         = 500 * time.Millisecond
)

// heartbeats may fail this often before a session ends.
const heartbeats = 4

// Run reads until ctx ends. What goes wrong with Kafka is told and tried again.
func Run(ctx context.Context, cfg Config, deps Deps) error {
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: cfg.Group, Brokers: cfg.Brokers, Dialer: cfg.Dialer, Topics: []string{cfg.Topic},
		StartOffset: kafka.LastOffset, SessionTimeout: cfg.SessionTimeout, HeartbeatInterval: cfg.SessionTimeout / heartbeats,
		RebalanceTimeout: rebalanceWithin, JoinGroupBackoff: rejoinWait, Timeout: dialWithin, WatchPartitionChanges: true,
		ErrorLogger: clientLog(deps.Log),
	})
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "preparing consumer group %s: %w", cfg.Group, err)
	}
	for {
		gen, err := group.Next(ctx)
		switch {
		case ctx.Err() != nil || errors.Is(err, kafka.ErrGroupClosed):
			return group.Close()
		case err != nil:
			deps.Ready(fmt.Errorf("joining group %s: %w", cfg.Group, err))
			continue
		}
		g := &generation{cfg: cfg, deps: deps, gen: gen, trackers: map[int]*tracker{}, committed: map[int]int64{}}
		gen.Start(g.run)
	}
}

// clientLog hands kafka-go's own messages on; they are about connections.
func clientLog(log zerolog.Logger) kafka.Logger {
	return kafka.LoggerFunc(func(format string, args ...any) {
		log.Debug().Str("client", "kafka-go").Str("said", fmt.Sprintf(format, args...)).Msg("the Kafka client is troubled")
	})
}

// decode reads a record; nil for one that is no violation.
func decode(m kafka.Message) *record.Violation {
	v := &record.Violation{}
	if err := json.Unmarshal(m.Value, v); err != nil || v.Schema != record.ViolationSchema || v.Episode == "" || v.Verdict.Number < 1 {
		return nil
	}
	return v
}
