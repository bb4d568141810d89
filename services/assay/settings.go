package main

import (
	"io"
	"net"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/settings"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/services/collector"
	"assay.example/assay/services/console"
	"assay.example/assay/services/evaluator"
	"assay.example/assay/services/notifier"
	"assay.example/assay/services/recorder"
)

// Config is the whole configuration; each service owns its section.
type Config struct {
	// Demo fills the product with a story and lets its known secrets in.
	Demo bool `yaml:"demo"`
	// Controls is the folder of the controls; empty for those built in.
	Controls   string            `yaml:"controls"`
	Log        Log               `yaml:"log"`
	Admin      daemon.Admin      `yaml:"admin"`
	Kafka      stream.Config     `yaml:"kafka"`
	ClickHouse clickhouse.Config `yaml:"clickhouse"`
	Collector  collector.Config  `yaml:"collector"`
	Evaluator  evaluator.Config  `yaml:"evaluator"`
	Recorder   recorder.Config   `yaml:"recorder"`
	Notifier   notifier.Config   `yaml:"notifier"`
	Console    console.Config    `yaml:"console"`
	Embedded   Embedded          `yaml:"embedded"`
}

// Embedded is where `assay up` keeps its broker and its database.
type Embedded struct {
	DataDir string `yaml:"dataDir"`
	// KafkaPort and ClickHousePort are 127.0.0.1's; 0 takes a free one.
	KafkaPort      int `yaml:"kafkaPort"`
	ClickHousePort int `yaml:"clickhousePort"`
}

func defaultConfig() Config {
	return Config{
		Log:        Log{Level: "info", Format: "json"},
		Admin:      daemon.Admin{Listen: "127.0.0.1:9090"},
		Kafka:      stream.Default(),
		ClickHouse: clickhouse.Config{Address: "http://127.0.0.1:8123", Database: "assay", Username: "default"},
		Collector:  collector.Default(),
		Evaluator:  evaluator.Default(),
		Recorder:   recorder.Default(),
		Notifier:   notifier.Default(),
		Console:    console.Default(),
		Embedded:   Embedded{DataDir: "./assay-data", KafkaPort: 9092},
	}
}

// Log is what the process says on stderr.
type Log struct {
	// Level is trace, debug, info, warn, error or disabled.
	Level string `yaml:"level"`
	// Format is json, or console for people.
	Format string `yaml:"format"`
}

// Validate says which word isn't known.
func (l Log) Validate() error {
	if _, err := zerolog.ParseLevel(l.Level); err != nil || l.Level == "" {
		return compliance.Errorf(compliance.Invalid, "level: %q is unknown; choose trace, debug, info, warn, error or disabled", l.Level)
	}
	if l.Format != "json" && l.Format != "console" {
		return compliance.Errorf(compliance.Invalid, "format: %q is unknown; choose json or console", l.Format)
	}
	return nil
}

// logger writes to w. An unknown level has been refused by Validate.
func (l Log) logger(w io.Writer, colour bool) zerolog.Logger {
	level, err := zerolog.ParseLevel(l.Level)
	if err != nil {
		level = zerolog.InfoLevel
	}
	if l.Format == "console" {
		w = zerolog.ConsoleWriter{Out: w, NoColor: !colour, TimeFormat: "15:04:05"}
	}
	return zerolog.New(w).Level(level).With().Timestamp().Logger()
}

// load reads the configuration and checks the sections that a command needs;
// without names, none.
func (a *app) load(sections ...string) (Config, *settings.Settings, error) {
	cfg := defaultConfig()
	s, err := settings.Load(&cfg, settings.Source{
		File: a.configFile, Env: a.env, Prefix: "ASSAY_", Reserved: reserved(), Set: a.set,
		Hidden: []string{"collector.demo", "recorder.demo", "recorder.kafka", "recorder.clickhouse", "notifier.kafka", "console.demo", "console.clickhouse"}, // from the top
	})
	cfg.letDemoIn()
	if err == nil && len(sections) > 0 {
		err = s.Validate(sections...)
	}
	return cfg, s, err
}

// reserved are variables that are no keys: the configuration's own file, the cache
// of pkg/embedded, the image's version for compose, and those of the tests.
func reserved() []string {
	return []string{"ASSAY_CONFIG", "ASSAY_CACHE", "ASSAY_VERSION", "ASSAY_TEST_*", "ASSAY_E2E_*"}
}

// letDemoIn gives the services what everybody knows, where nothing is chosen.
func (c *Config) letDemoIn() {
	if !c.Demo {
		return
	}
	c.Collector.Demo, c.Recorder.Demo, c.Console.Demo = true, true, true
	if len(c.Collector.Keys) == 0 {
		c.Collector.Keys = collector.DemoKeys()
	}
	if c.Recorder.CommitmentKey == "" && c.Recorder.CommitmentKeyFile == "" {
		c.Recorder.CommitmentKey = recorder.DemoCommitmentKey
	}
	if !c.Console.LetsAnybodyIn() {
		c.Console.Users = console.DemoUsers()
	}
}

// reachable is where this machine finds its own admin port.
func reachable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", compliance.Errorf(compliance.Invalid, "admin.listen: %q is not host:port", listen)
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}
