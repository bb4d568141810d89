package stream

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
)

// MaxMessageBytes is the largest batch that the topics take: an event of 1 MiB
// with its headers and room for more. A producer of large records needs
// kgo.ProducerBatchMaxBytes(MaxMessageBytes), for its own default is less.
const MaxMessageBytes = 2 << 20

// Options are what every client needs: where, encrypted how, as whom. Warnings
// and errors of the client go to log.
func (c Config) Options(log zerolog.Logger) ([]kgo.Opt, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	opts := []kgo.Opt{
		kgo.SeedBrokers(c.Brokers...),
		kgo.WithLogger(logger{log}),
	}
	if c.ClientID != "" {
		opts = append(opts, kgo.ClientID(c.ClientID))
	}
	if c.TLS.Enabled {
		cfg, err := c.TLS.config()
		if err != nil {
			return nil, err
		}
		opts = append(opts, kgo.Dialer(dialTLS(cfg)))
	}
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	if mechanism != nil {
		opts = append(opts, kgo.SASL(mechanism))
	}
	return opts, nil
}

// Ping waits until a broker answers, at most for timeout. Its error is
// compliance.Unavailable and names the brokers.
func Ping(ctx context.Context, cl *kgo.Client, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := ping(ctx, cl)
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s: %w", timeout, err)
	}
	if err != nil {
		return compliance.Errorf(compliance.Unavailable,
			"reaching Kafka at %s: %w; check kafka.brokers, kafka.tls and kafka.sasl", seeds(cl), err)
	}
	return nil
}

// ping returns when ctx ends. The client's own ping goes on until a connection
// that is silent has timed out, after ten seconds, or the client is closed.
func ping(ctx context.Context, cl *kgo.Client) error {
	answer := make(chan error, 1)
	go func() { answer <- cl.Ping(ctx) }()
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func seeds(cl *kgo.Client) string {
	brokers, _ := cl.OptValue(kgo.SeedBrokers).([]string)
	return strings.Join(brokers, ", ")
}

// logger hands the client's own messages on. They are about connections and
// groups, never about records.
type logger struct{ log zerolog.Logger }

func (l logger) Level() kgo.LogLevel {
	switch {
	case l.log.GetLevel() <= zerolog.TraceLevel:
		return kgo.LogLevelDebug
	case l.log.GetLevel() <= zerolog.DebugLevel:
		return kgo.LogLevelInfo
	case l.log.GetLevel() <= zerolog.WarnLevel:
		return kgo.LogLevelWarn
	case l.log.GetLevel() <= zerolog.ErrorLevel:
		return kgo.LogLevelError
	default:
		return kgo.LogLevelNone
	}
}

// Log writes the client's information as debug: it speaks of each rebalance.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	fields := make(map[string]any, len(keyvals)/2)
	for i := 0; i+1 < len(keyvals); i += 2 {
		fields[fmt.Sprint(keyvals[i])] = fmt.Sprint(keyvals[i+1])
	}
	l.log.WithLevel(asZerolog(level)).Str("client", "kafka").Fields(fields).Msg(msg)
}

func asZerolog(level kgo.LogLevel) zerolog.Level {
	switch level {
	case kgo.LogLevelError:
		return zerolog.ErrorLevel
	case kgo.LogLevelWarn:
		return zerolog.WarnLevel
	case kgo.LogLevelInfo:
		return zerolog.DebugLevel
	case kgo.LogLevelDebug:
		return zerolog.TraceLevel
	case kgo.LogLevelNone:
		return zerolog.Disabled
	}
	return zerolog.Disabled
}
