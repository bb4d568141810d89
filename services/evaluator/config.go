package evaluator

import (
	"errors"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/clock"
)

// Config is the evaluator's part of the configuration.
type Config struct {
	// Instance names this evaluator among those of a fleet. It stays the same
	// when it is restarted, and no two that run have the same.
	Instance string `yaml:"instance"`
	// Clock is who tells the time: "wall", or "external" where an import or a
	// demonstration writes it. The control topic can change it.
	Clock string `yaml:"clock"`
	// ClockInterval is how often the wall's time is written.
	ClockInterval time.Duration `yaml:"clockInterval"`
	// Bound is how long the log waits for events that are under way: what the
	// webhooks of one change arrive apart. Each verdict is later by it; what
	// comes later still shows as a revision.
	Bound time.Duration `yaml:"bound"`
	// MarkInterval is how often the router lets the judge conclude, by the
	// wall's clock, and MarkEvery by the log's where that runs faster.
	MarkInterval time.Duration `yaml:"markInterval"`
	MarkEvery    time.Duration `yaml:"markEvery"`
	// BatchTime and BatchRecords end a transaction, whichever comes first.
	BatchTime    time.Duration `yaml:"batchTime"`
	BatchRecords int           `yaml:"batchRecords"`
	// TransactionTimeout is how long readers wait for an evaluator that was killed.
	TransactionTimeout time.Duration `yaml:"transactionTimeout"`
	// SessionTimeout is how long Kafka waits for an evaluator that was killed
	// before it gives its partitions to another.
	SessionTimeout time.Duration `yaml:"sessionTimeout"`
	// GapPatience is how long routed records may be missing before it is an error.
	GapPatience time.Duration `yaml:"gapPatience"`
	// ShutdownTimeout is how long each part may take to finish what it began.
	ShutdownTimeout time.Duration `yaml:"shutdownTimeout"`
}

// Default is one evaluator on the wall's clock.
func Default() Config {
	return Config{
		Instance:           "evaluator-1",
		Clock:              clock.Wall,
		ClockInterval:      200 * time.Millisecond,
		Bound:              2 * time.Second,
		MarkInterval:       500 * time.Millisecond,
		MarkEvery:          time.Hour,
		BatchTime:          100 * time.Millisecond,
		BatchRecords:       5_000,
		TransactionTimeout: 10 * time.Second,
		SessionTimeout:     10 * time.Second,
		GapPatience:        30 * time.Second,
		ShutdownTimeout:    5 * time.Second,
	}
}

// Validate reports every fault, each as "key: what, and what to do".
func (c Config) Validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, compliance.Errorf(compliance.Invalid, format, args...))
		}
	}
	check(c.Instance != "", "instance: is empty; give each evaluator a name of its own that stays, such as the pod's name")
	check(c.Clock == clock.Wall || c.Clock == clock.External, "clock: %q is unknown; choose wall or external", c.Clock)
	check(c.Bound >= 0, "bound: is %s; choose 0 or more, such as 2s", c.Bound)
	check(c.BatchRecords >= 1 && c.BatchRecords <= 100_000, "batchRecords: is %d; choose 1 to 100000", c.BatchRecords)
	check(c.TransactionTimeout >= time.Second && c.TransactionTimeout <= time.Minute,
		"transactionTimeout: is %s; choose 1s to 1m, for readers wait that long after a kill", c.TransactionTimeout)
	check(c.SessionTimeout >= 6*time.Second && c.SessionTimeout <= 5*time.Minute,
		"sessionTimeout: is %s; choose 6s to 5m, which brokers allow", c.SessionTimeout)
	check(c.GapPatience >= 0, "gapPatience: is %s; choose 0 or more, such as 30s", c.GapPatience)
	for _, d := range []struct {
		key   string
		value time.Duration
	}{
		{"clockInterval", c.ClockInterval},
		{"markInterval", c.MarkInterval},
		{"markEvery", c.MarkEvery},
		{"batchTime", c.BatchTime},
		{"shutdownTimeout", c.ShutdownTimeout},
	} {
		check(d.value > 0, "%s: is %s; choose a time above 0, such as 500ms", d.key, d.value)
	}
	return errors.Join(faults...)
}
