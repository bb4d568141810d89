package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/services/console"
)

func (a *app) consoleCommand() *cobra.Command {
	var rules rulesOptions
	c := &cobra.Command{
		Use:   "console",
		Short: "Run the console: pages for people, and the API",
		Long: `Run the console: pages for people, and an API that describes itself at
/openapi.json. It reads ClickHouse, for which a user that only reads is enough; what
auditors and others write in the workspaces of engagements it writes as
console.workspace. What auditors read goes to Kafka.

Who may see what is in console.users and console.tokens: see docs/access.md.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "admin", "kafka", "clickhouse", "console")
			if err != nil {
				return err
			}
			if rules.controls != "" {
				cfg.Controls = rules.controls
			}
			bundle, err := loadControls(cfg)
			if err != nil {
				return err
			}
			metrics := newMetrics()
			return a.serve(c.Context(), cfg, metrics, a.console(cfg, bundle, metrics, rules.arguments()))
		},
	}
	rules.flags(c)
	return c
}

// console is the component that the configuration describes; arguments are those that
// named the bundle.
func (a *app) console(cfg Config, bundle *control.Bundle, metrics prometheus.Registerer, arguments []string) daemon.Component {
	own := cfg.Console
	if own.ClickHouse.Address == "" {
		own.ClickHouse = cfg.ClickHouse
	}
	if own.Workspace.Address == "" {
		own.Workspace = cfg.ClickHouse
	}
	files, _ := controlFiles(cfg)
	return daemon.Component{Name: "console", Run: func(ctx context.Context, ready daemon.Ready) error {
		return console.Run(ctx, own, console.Deps{
			Log: a.logger(cfg).With().Str("service", "console").Logger(), Metrics: metrics, Ready: ready, Kafka: cfg.Kafka,
			Bundle: bundle, Files: files, Arguments: arguments, Program: thisBuild().Version, Now: time.Now,
		})
	}}
}
