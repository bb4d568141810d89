package collector

import (
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/collector/internal/door"
)

// Config is the collector's part of the configuration.
type Config struct {
	// Listen is host:port. A port that others reach needs TLS, here or in front.
	Listen string `yaml:"listen"`
	// CertFile and KeyFile (PEM) turn TLS on. They are read once, at the start.
	CertFile string `yaml:"certFile"`
	KeyFile  string `yaml:"keyFile"`
	// Keys let senders in; there is one at least, or a source.
	Keys []Key `yaml:"keys"`
	// Sources let vendors' webhooks in.
	Sources []Source `yaml:"sources"`
	// OTLP takes traces and logs of OpenTelemetry.
	OTLP OTLP `yaml:"otlp"`
	// Demo allows DemoKey and DemoSourceSecret, which everybody knows, and vendors
	// that sign nothing.
	Demo bool `yaml:"demo"`
	// MaxEventBytes limits an event with its envelope, MaxBatchBytes and
	// MaxBatchEvents a batch; all after decompression.
	MaxEventBytes  int64 `yaml:"maxEventBytes"`
	MaxBatchBytes  int64 `yaml:"maxBatchBytes"`
	MaxBatchEvents int   `yaml:"maxBatchEvents"`
	// MaxInFlightBytes bounds what is held until Kafka has it; beyond, senders
	// are told to come back later.
	MaxInFlightBytes int64 `yaml:"maxInFlightBytes"`
	// AckTimeout is how long a sender waits for Kafka.
	AckTimeout time.Duration `yaml:"ackTimeout"`
	// ReadTimeout is how long a request's body may take.
	ReadTimeout time.Duration `yaml:"readTimeout"`
	// ShutdownTimeout is how long requests may take to finish at the end.
	ShutdownTimeout time.Duration `yaml:"shutdownTimeout"`
}

// Key lets one sender in.
type Key struct {
	// ID names the key in faults of the configuration.
	ID string `yaml:"id"`
	// SHA256 is of the key, in hex; the key itself is in no configuration.
	SHA256 string `yaml:"sha256"`
	// Tenant owns the events that come with the key.
	Tenant string `yaml:"tenant"`
	// Sources are those that the key may speak for, such as /idp; a "*" at the
	// end stands for anything.
	Sources []string `yaml:"sources"`
}

// DemoKey is the key of the demonstration; it is no secret.
const DemoKey = "assay-demo-key"

// demoDigest is DemoKey's SHA-256.
const demoDigest = "727a0b2695ef64dfba0ef5ae904e72aabed901f07478357476a3572286ec85c6"

// DemoKeys lets DemoKey speak for every source of the default tenant.
func DemoKeys() []Key {
	return []Key{{ID: "demo", SHA256: demoDigest, Tenant: record.DefaultTenant, Sources: []string{"*"}}}
}

// Default has no keys, which Validate refuses: somebody has to choose them.
func Default() Config {
	return Config{
		Listen:           "127.0.0.1:8081",
		OTLP:             defaultOTLP(),
		MaxEventBytes:    dictionary.MaxBytes,
		MaxBatchBytes:    8 << 20,
		MaxBatchEvents:   1000,
		MaxInFlightBytes: 64 << 20,
		AckTimeout:       10 * time.Second,
		ReadTimeout:      30 * time.Second,
		ShutdownTimeout:  15 * time.Second,
	}
}

// Validate reports every fault.
func (c Config) Validate() error {
	return errors.Join(slices.Concat(c.addressFaults(), c.limitFaults(), c.keyFaults(), c.sourceFaults(), c.otlpFaults())...)
}

func (c Config) addressFaults() []error {
	var faults []error
	if _, port, err := net.SplitHostPort(c.Listen); err != nil || port == "" {
		faults = append(faults, fault("listen: %q is not host:port, such as 127.0.0.1:8081", c.Listen))
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		faults = append(faults, fault("certFile: TLS needs certFile and keyFile; set both or neither"))
	}
	return faults
}

func (c Config) limitFaults() []error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fault(format, args...))
		}
	}
	check(c.MaxEventBytes >= 1<<10 && c.MaxEventBytes <= dictionary.MaxBytes,
		"maxEventBytes: is %d; choose 1024 to %d, which Kafka's topics take", c.MaxEventBytes, dictionary.MaxBytes)
	check(c.MaxBatchBytes >= c.MaxEventBytes && c.MaxBatchBytes <= 64<<20,
		"maxBatchBytes: is %d; choose maxEventBytes (%d) to %d", c.MaxBatchBytes, c.MaxEventBytes, 64<<20)
	check(c.MaxBatchEvents >= 1 && c.MaxBatchEvents <= 10_000, "maxBatchEvents: is %d; choose 1 to 10000", c.MaxBatchEvents)
	check(c.MaxInFlightBytes >= 4*c.MaxBatchBytes,
		"maxInFlightBytes: is %d; one batch and its copy must fit, so choose %d or more", c.MaxInFlightBytes, 4*c.MaxBatchBytes)
	// The Kafka client takes no shorter time.
	check(c.AckTimeout >= time.Second, "ackTimeout: is %s; choose 1s or more", c.AckTimeout)
	check(c.ReadTimeout > 0, "readTimeout: is %s; choose a time above 0, such as 30s", c.ReadTimeout)
	check(c.ShutdownTimeout > 0, "shutdownTimeout: is %s; choose a time above 0, such as 15s", c.ShutdownTimeout)
	return faults
}

func (c Config) keyFaults() []error {
	if len(c.Keys) == 0 && len(c.Sources) == 0 {
		return []error{fault("keys: there is none, so nobody could send; add {id, sha256, tenant, sources}")}
	}
	var faults []error
	ids, digests := map[string]bool{}, map[string]bool{}
	for i, k := range c.Keys {
		if k.ID == "" || ids[k.ID] {
			faults = append(faults, fault("keys[%d].id: %q is empty or taken; name each key", i, k.ID))
		}
		digest := strings.ToLower(k.SHA256)
		if digests[digest] {
			faults = append(faults, fault("keys[%d].sha256: another key has the same; make a key for each sender", i))
		}
		ids[k.ID], digests[digest] = true, true
		faults = append(faults, k.faults(i)...)
		if digest == demoDigest && !c.Demo {
			faults = append(faults, fault("keys[%d].sha256: is that of the demonstration's key, which everybody knows; make one of your own", i))
		}
	}
	return faults
}

func (k Key) faults(i int) []error {
	var faults []error
	var hash compliance.Hash
	// The value isn't repeated: somebody may have put the key itself there.
	if hash.UnmarshalText([]byte(k.SHA256)) != nil {
		faults = append(faults, fault("keys[%d].sha256: must be 64 hex digits: printf %%s \"$KEY\" | sha256sum", i))
	}
	if k.Tenant == "" || strings.ContainsAny(k.Tenant, "/# \t\n") {
		faults = append(faults, fault("keys[%d].tenant: %q is empty or holds '/', '#' or space; the usual one is %q", i, k.Tenant, record.DefaultTenant))
	}
	if len(k.Sources) == 0 {
		faults = append(faults, fault("keys[%d].sources: there is none; list those that the key may speak for, such as /idp or /github/*", i))
	}
	if slices.ContainsFunc(k.Sources, badSource) {
		faults = append(faults, fault("keys[%d].sources: one is empty or has '*' elsewhere than at its end", i))
	}
	return faults
}

func badSource(s string) bool {
	return s == "" || strings.Contains(strings.TrimSuffix(s, "*"), "*")
}

// doorKeys may be called once Validate has passed.
func (c Config) doorKeys() ([]door.Key, error) {
	keys := make([]door.Key, len(c.Keys))
	for i, k := range c.Keys {
		keys[i] = door.Key{Tenant: k.Tenant, Sources: k.Sources}
		if err := keys[i].SHA256.UnmarshalText([]byte(k.SHA256)); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

func fault(format string, args ...any) error {
	return compliance.Errorf(compliance.Invalid, format, args...)
}
