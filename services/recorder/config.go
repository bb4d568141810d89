package recorder

import (
	"errors"
	"strings"
	"time"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/ledger"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
)

// DemoCommitmentKey is the secret of demonstrations. It is public, so commitments
// under it hide nothing.
const DemoCommitmentKey settings.Secret = "assay demo commitment key, not a secret"

// Config says what to read, where to write and how much at once.
type Config struct {
	Kafka      stream.Config     `yaml:"kafka"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	// Group is the consumer group. Another name reads everything again, and finds
	// by the coverage table that it has all.
	Group string `yaml:"group"`
	// CommitmentKey is the secret that leaves commit under (docs/formats/leaf.md).
	// It must never change: leaves under another one can't be checked together.
	CommitmentKey     settings.Secret `yaml:"commitmentKey"`
	CommitmentKeyFile string          `yaml:"commitmentKeyFile"`
	// Demo allows DemoCommitmentKey.
	Demo bool `yaml:"demo"`

	// BatchRows, BatchBytes and BatchAge end a batch of one partition, whichever
	// comes first; the age is that of its first row.
	BatchRows  int           `yaml:"batchRows"`
	BatchBytes int           `yaml:"batchBytes"`
	BatchAge   time.Duration `yaml:"batchAge"`
	// BusyAge is how far apart batches of a partition are that always has rows:
	// few large inserts cost ClickHouse less than many small ones.
	BusyAge time.Duration `yaml:"busyAge"`
	// IdleAge ends a batch of records that are no rows, such as clock records.
	IdleAge time.Duration `yaml:"idleAge"`
	// BufferBytes is how much of one partition may wait in memory, apart from a
	// fetch that is under way; above it fetching pauses.
	BufferBytes int `yaml:"bufferBytes"`
	// Inserts is how many may run at once.
	Inserts int `yaml:"inserts"`
	// SessionTimeout is how long Kafka waits for a recorder that was killed before it
	// gives its partitions to another, or to the same one started again.
	SessionTimeout time.Duration `yaml:"sessionTimeout"`
	// RecountAt is the time of day, UTC, at which all counts are held against the verdicts
	// that they count, and put right where they differ. Empty: never.
	RecountAt string `yaml:"recountAt"`
}

// Default is a recorder for one machine, without a commitment key.
func Default() Config {
	return Config{
		Kafka:       stream.Default(),
		ClickHouse:  clickhouse.Config{Address: "http://127.0.0.1:8123", Database: "assay", Username: "default"},
		Group:       "recorder",
		BatchRows:   20_000,
		BatchBytes:  8 << 20,
		BatchAge:    500 * time.Millisecond,
		BusyAge:     2 * time.Second,
		IdleAge:     10 * time.Second,
		BufferBytes: 16 << 20,
		Inserts:     4,

		SessionTimeout: 10 * time.Second,
		RecountAt:      "03:00",
	}
}

// maxBatch keeps a batch one block of ClickHouse, and so one part and one token.
const maxBatch = 1_000_000

// Validate reports every fault, each as "key: what, and what to do".
func (c Config) Validate() error {
	errs := []error{c.Kafka.Validate(), c.ClickHouse.Validate(), c.keyFault()}
	if c.Group == "" {
		errs = append(errs, fault("group: is empty; name the consumer group, such as recorder"))
	}
	if c.BatchRows < 1 || c.BatchRows > maxBatch {
		errs = append(errs, fault("batchRows: is %d; set 1 to %d", c.BatchRows, maxBatch))
	}
	if c.BatchBytes < 1 || c.BatchBytes > c.BufferBytes {
		errs = append(errs, fault("batchBytes: is %d; set 1 to bufferBytes (%d)", c.BatchBytes, c.BufferBytes))
	}
	if c.BatchAge <= 0 || c.IdleAge < c.BatchAge {
		errs = append(errs, fault("batchAge, idleAge: are %s and %s; set the first above 0 and the second no lower", c.BatchAge, c.IdleAge))
	}
	if c.BusyAge < 0 {
		errs = append(errs, fault("busyAge: is %s; set 0 or more, such as 2s", c.BusyAge))
	}
	if c.Inserts < 1 {
		errs = append(errs, fault("inserts: is %d; set at least 1", c.Inserts))
	}
	if c.SessionTimeout < 6*time.Second || c.SessionTimeout > 5*time.Minute {
		errs = append(errs, fault("sessionTimeout: is %s; choose 6s to 5m, which brokers allow", c.SessionTimeout))
	}
	if _, err := parseTimeOfDay(c.RecountAt); err != nil {
		errs = append(errs, fault("recountAt: %w", err))
	}
	return errors.Join(errs...)
}

func (c Config) keyFault() error {
	switch {
	case c.CommitmentKey != "" && c.CommitmentKeyFile != "":
		return fault("commitmentKey, commitmentKeyFile: are both set; keep one")
	case c.CommitmentKey == "" && c.CommitmentKeyFile == "":
		return fault("commitmentKey: is empty; write a secret to a file (openssl rand -hex 32) and name it in commitmentKeyFile")
	case c.CommitmentKey != "":
		return c.checkKey(c.CommitmentKey)
	}
	return nil
}

func (c Config) checkKey(key settings.Secret) error {
	if strings.TrimSpace(key.Reveal()) == DemoCommitmentKey.Reveal() && !c.Demo {
		return fault("commitmentKey: is the demonstration's, which everybody knows; make one with openssl rand -hex 32")
	}
	if len(key) < ledger.MinSecret {
		return fault("commitmentKey: has %d bytes; it needs at least %d", len(key), ledger.MinSecret)
	}
	return nil
}

// keys reads the secret, from its file if there is one.
func (c Config) keys() (*ledger.Keys, error) {
	key, err := settings.ReadSecret(c.CommitmentKey, c.CommitmentKeyFile)
	if err != nil {
		return nil, err
	}
	if err := c.checkKey(key); err != nil {
		return nil, err
	}
	return ledger.NewKeys([]byte(key.Reveal()))
}

func fault(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}
