package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/pkg/stream"
	"assay.example/assay/pkg/workspace"
)

func (a *app) upCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine: Kafka, ClickHouse and all services in one process",
		Long: `Run an embedded Kafka, an embedded ClickHouse and all services in one process, with
their data in embedded.dataDir. Topics, tables, SQL and code paths are those of a
fleet; only the addresses differ. The file client.yaml in that folder holds the
addresses, for assay report and the other tools, and for your own clients.

The embedded Kafka keeps every event through a kill, but may tear a transaction;
after such a stop, verdicts are made again from the events.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := a.loadForUp()
			if err != nil {
				return err
			}
			bundle, err := loadControls(cfg)
			if err != nil {
				return err
			}
			return a.up(c.Context(), cfg, bundle, nil)
		},
	}
}

// loadForUp reads the configuration of everything. The console starts only where
// somebody could sign in.
func (a *app) loadForUp(sections ...string) (Config, error) {
	sections = append(sections, "log", "admin", "kafka", "collector", "evaluator", "notifier")
	cfg, s, err := a.load(sections...)
	if err == nil && cfg.Console.LetsAnybodyIn() {
		err = s.Validate("console")
	}
	return cfg, err
}

// machine is the pair of engines that one process runs.
type machine struct {
	kafka      *embedded.Kafka
	clickhouse *embedded.ClickHouse
}

// up runs everything until ctx ends. with is called with the running
// configuration once all services are ready to be started, and may add one more.
func (a *app) up(ctx context.Context, cfg Config, bundle *control.Bundle, with func(Config) daemon.Component) (err error) {
	m, err := a.startMachine(ctx, &cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.stop()) }()
	if err := a.prepare(ctx, cfg, m); err != nil {
		return err
	}
	if err := m.writeClientConfig(cfg); err != nil {
		return err
	}
	// Everything shares one heap here, most of it short-lived; collecting half as
	// often saved an eighth of the story's time.
	debug.SetGCPercent(200)
	metrics := newMetrics()
	components := a.all(cfg, bundle, metrics)
	if with != nil {
		components = append(components, with(cfg))
	}
	return a.serve(ctx, cfg, metrics, components...)
}

// all are the services against the flow, so that they stop along it: the
// collector first, the recorder last.
func (a *app) all(cfg Config, bundle *control.Bundle, metrics prometheus.Registerer) []daemon.Component {
	components := []daemon.Component{
		a.recorder(cfg, metrics),
		a.notifier(cfg, metrics),
		a.evaluator(cfg, bundle, metrics),
		a.collector(cfg, metrics),
	}
	if !cfg.Console.LetsAnybodyIn() {
		log := a.logger(cfg)
		log.Warn().Msg("the console is off: console.users and console.tokens are empty, so nobody could sign in")
		return components
	}
	return append(components, a.console(cfg, bundle, metrics, nil))
}

// startMachine starts both engines at once and puts their addresses into cfg.
func (a *app) startMachine(ctx context.Context, cfg *Config) (*machine, error) {
	log := a.logger(*cfg)
	m := &machine{}
	started := make(chan error, 1)
	go func() {
		engine, err := embedded.FindEngine(ctx, log, a.progress)
		if err == nil {
			m.clickhouse, err = embedded.StartClickHouse(ctx, embedded.ClickHouseOptions{
				DataDir: filepath.Join(cfg.Embedded.DataDir, "clickhouse"), Port: cfg.Embedded.ClickHousePort,
				Engine: engine, Log: log,
			})
		}
		started <- err
	}()
	var err error
	m.kafka, err = embedded.StartKafka(ctx, embedded.KafkaOptions{
		DataDir: filepath.Join(cfg.Embedded.DataDir, "kafka"), Port: cfg.Embedded.KafkaPort, Log: log,
	})
	if err = errors.Join(err, <-started); err != nil {
		return nil, errors.Join(err, m.stop())
	}
	cfg.Kafka.Brokers = []string{m.kafka.Address()}
	retention := cfg.ClickHouse.Retention
	cfg.ClickHouse = m.clickhouse.Config()
	cfg.ClickHouse.Retention = retention
	cfg.Console.ClickHouse = m.clickhouse.ReaderConfig()
	return m, nil
}

// progress says on stderr how a download goes, a line a tenth.
func (a *app) progress(step string, done, total int64) {
	if total > 0 && done < total && done*10/total == (done-1)*10/total {
		return
	}
	_, _ = fmt.Fprintf(a.err, "%s: %d of %d\n", step, done, total)
}

func (m *machine) stop() error {
	var errs []error
	if m.clickhouse != nil {
		errs = append(errs, m.clickhouse.Stop())
	}
	if m.kafka != nil {
		errs = append(errs, m.kafka.Close())
	}
	return errors.Join(errs...)
}

// prepare makes topics and tables. After an unclean stop it first drops all that
// is made from events, for a transaction may be torn.
func (a *app) prepare(ctx context.Context, cfg Config, m *machine) error {
	if m.kafka.Unclean() {
		log := a.logger(cfg)
		log.Warn().Msg("the last stop was unclean: verdicts are made again from the events")
		if err := a.dropDerived(ctx, cfg); err != nil {
			return err
		}
	}
	if err := a.createTopics(ctx, cfg, stream.Embedded); err != nil {
		return err
	}
	if err := a.migrate(ctx, cfg); err != nil {
		return err
	}
	m.kafka.Mended()
	return nil
}

// derivedTopics are made from events and control, and can be made again.
func derivedTopics(c stream.Config) []string {
	return []string{c.Topic("routed"), c.Topic("findings"), c.Topic("state"), c.Topic("verdicts"), c.Topic("violations"), c.Topic("quarantine"), c.Topic("rejected")}
}

func (a *app) dropDerived(ctx context.Context, cfg Config) error {
	opts, err := cfg.Kafka.Options(a.logger(cfg))
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return fmt.Errorf("making a Kafka client: %w", err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopics(ctx, derivedTopics(cfg.Kafka)...); err != nil {
		return fmt.Errorf("dropping derived topics: %w", err)
	}
	groups, err := admin.ListGroups(ctx)
	if err != nil {
		return fmt.Errorf("listing consumer groups: %w", err)
	}
	if _, err := admin.DeleteGroups(ctx, groups.Groups()...); err != nil {
		return fmt.Errorf("dropping consumer groups: %w", err)
	}
	conn, err := clickhouse.Open(ctx, cfg.ClickHouse)
	if err != nil {
		return err
	}
	return errors.Join(dropTables(ctx, conn, cfg.ClickHouse.Database), conn.Close())
}

// dropTables drops every table of a database but those that people write, which no event
// could make again. What was migrated is forgotten too, so that the tables come back.
func dropTables(ctx context.Context, conn clickhouse.Conn, database string) error {
	var tables []struct {
		Name string `ch:"name"`
	}
	err := conn.Select(ctx, &tables, "SELECT name FROM system.tables WHERE database = $1 AND name != $2", database, workspace.Table)
	if err != nil {
		return fmt.Errorf("listing derived tables: %w", err)
	}
	for _, t := range tables {
		if err := conn.Exec(ctx, "DROP TABLE IF EXISTS "+quoteName(database)+"."+quoteName(t.Name)+" SYNC"); err != nil {
			return fmt.Errorf("dropping table %s: %w", t.Name, err)
		}
	}
	return nil
}

func quoteName(name string) string { return fmt.Sprintf("`%s`", name) }

// writeClientConfig leaves the addresses for tools, readable by this user alone.
// The database's user in it only reads.
func (m *machine) writeClientConfig(cfg Config) error {
	reader := m.clickhouse.ReaderConfig()
	text, err := yaml.Marshal(map[string]any{
		"demo": cfg.Demo, "controls": cfg.Controls,
		"kafka": map[string]any{"brokers": cfg.Kafka.Brokers, "topicPrefix": cfg.Kafka.TopicPrefix},
		"clickhouse": map[string]any{
			"address": reader.Address, "database": reader.Database,
			"username": reader.Username, "password": reader.Password.Reveal(),
		},
	})
	if err != nil {
		return fmt.Errorf("writing the addresses: %w", err)
	}
	path := clientConfigPath(cfg)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return compliance.Errorf(compliance.Unavailable, "writing the addresses to %s: %w", path, err)
	}
	return nil
}
