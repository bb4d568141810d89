package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"
	"github.com/twmb/franz-go/pkg/kfake"

	"assay.example/assay/pkg/compliance"
)

// KafkaOptions say where the broker listens and keeps its data.
type KafkaOptions struct {
	// DataDir belongs to one broker at a time, and is made if absent.
	DataDir string
	// Port is 127.0.0.1's; a free one if 0.
	Port int
	// SyncWrites puts each batch through to the disk: safe from a power cut,
	// not only from a killed process, and slower.
	SyncWrites bool
	Log        zerolog.Logger
}

// Kafka is one running broker. Records, topics, group offsets and transactions
// survive a Close. Topics of cleanup.policy=compact are compacted at each start
// and not in between. A process killed while a transaction is committing can leave
// it in some partitions and not in others, which no reader can see; records
// outside of transactions survive that too.
type Kafka struct {
	cluster *kfake.Cluster
	address string
	marker  string
	log     *kafkaLog
	unlock  func()
	close   sync.Once
	closed  error
	// closing ends the work of each hour, which then closes retained.
	closing  chan struct{}
	retained chan struct{}

	mu      sync.Mutex
	unclean bool // the last stop wasn't smooth
	mended  bool // and that has been dealt with
}

// StartKafka loads what DataDir holds and listens. ctx bounds the start only.
func StartKafka(ctx context.Context, o KafkaOptions) (*Kafka, error) {
	root, err := filepath.Abs(o.DataDir)
	if err != nil {
		return nil, fmt.Errorf("finding the folder %s: %w", o.DataDir, err)
	}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, fmt.Errorf("making Kafka's folder: %w", err)
	}
	unlock, ok, err := tryLockFile(filepath.Join(root, "lock"))
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, compliance.Errorf(compliance.Conflict,
			"the embedded Kafka in %s is in use by another process: stop that one, or choose another folder", root)
	}
	k := &Kafka{
		unlock: unlock, marker: filepath.Join(root, "running"), log: &kafkaLog{log: o.Log},
		closing: make(chan struct{}), retained: make(chan struct{}),
	}
	if err := k.start(ctx, root, o); err != nil {
		unlock()
		return nil, err
	}
	go func() {
		defer close(k.retained)
		k.retain(time.Tick(retainEvery))
	}()
	if !k.unclean { // else what transactions wrote is about to be dropped
		if err := k.compact(ctx); err != nil {
			return nil, errors.Join(err, k.Close())
		}
	}
	o.Log.Info().Str("address", k.address).Bool("unclean", k.unclean).Msg("embedded Kafka is up")
	return k, nil
}

func (k *Kafka) start(ctx context.Context, root string, o KafkaOptions) error {
	switch _, err := os.Stat(k.marker); {
	case err == nil:
		k.unclean = true
	case !errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("reading how Kafka stopped last: %w", err)
	}
	port, err := freePort(ctx, "Kafka", o.Port)
	if err != nil {
		return err
	}
	// The marker stands before the first byte of data can change.
	if err := writeSynced(k.marker); err != nil {
		return err
	}
	opts := []kfake.Opt{
		kfake.DataDir(filepath.Join(root, "data")),
		kfake.Ports(port),
		kfake.ClusterID("assay-embedded"),
		kfake.DefaultNumPartitions(1),
		kfake.BrokerConfigs(map[string]string{"log.cleaner.backoff.ms": never}),
		kfake.WithLogger(k.log),
	}
	if o.SyncWrites {
		opts = append(opts, kfake.SyncWrites())
	}
	k.cluster, err = kfake.NewCluster(opts...)
	if err != nil {
		return compliance.Errorf(compliance.Unavailable, "starting the embedded Kafka in %s: %w", root, err)
	}
	k.address = fmt.Sprintf("127.0.0.1:%d", port)
	return nil
}

// Address is the broker's, for stream.Config.Brokers.
func (k *Kafka) Address() string { return k.address }

// Unclean says that the last run ended without Close, so that transactions may
// be torn. It stays true over restarts until Mended is called.
func (k *Kafka) Unclean() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.unclean && !k.mended
}

// Mended says that what an unclean stop may have torn was rebuilt.
func (k *Kafka) Mended() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mended = true
}

// Close stops in order: no new requests, everything on disk, then the marker of
// a smooth stop. Clients must be closed before: what they have in flight fails.
// A second Close returns the first one's answer.
func (k *Kafka) Close() error {
	k.close.Do(func() {
		defer k.unlock()
		close(k.closing)
		<-k.retained
		k.log.beginClose()
		k.cluster.Close()
		if k.closed = k.log.fault(); k.closed != nil || k.Unclean() {
			return
		}
		if err := os.Remove(k.marker); err != nil {
			k.closed = fmt.Errorf("marking Kafka's stop as smooth: %w", err)
		}
	})
	return k.closed
}

func writeSynced(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("marking Kafka as running: %w", err)
	}
	_, err = fmt.Fprintf(f, "pid %d\n", os.Getpid())
	return errors.Join(err, f.Sync(), f.Close())
}

// kafkaLog passes on the broker's warnings and keeps the faults of its stop,
// which it tells nobody else.
type kafkaLog struct {
	log     zerolog.Logger
	mu      sync.Mutex
	closing bool
	faults  error
}

// Logf implements kfake.Logger.
func (l *kafkaLog) Logf(level kfake.LogLevel, format string, args ...any) {
	switch level {
	case kfake.LogLevelError:
		text := fmt.Sprintf(format, args...)
		if l.keep(text) {
			return // Close returns it
		}
		l.log.Error().Str("broker", text).Msg("embedded Kafka reports an error")
	case kfake.LogLevelWarn:
		l.log.Warn().Str("broker", fmt.Sprintf(format, args...)).Msg("embedded Kafka reports a warning")
	case kfake.LogLevelNone, kfake.LogLevelInfo, kfake.LogLevelDebug:
	}
}

func (l *kafkaLog) keep(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing {
		l.faults = errors.Join(l.faults, errors.New(text))
	}
	return l.closing
}

func (l *kafkaLog) beginClose() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closing = true
}

func (l *kafkaLog) fault() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.faults == nil {
		return nil
	}
	return fmt.Errorf("stopping the embedded Kafka: %w", l.faults)
}
