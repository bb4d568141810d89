package main

import (
	"context"
	"os"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"assay.example/assay/pkg/daemon"
	"assay.example/assay/services/collector"
)

func (a *app) collectorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "collector",
		Short: "Run the collector: events come in over HTTP and go to Kafka",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "admin", "kafka", "collector")
			if err != nil {
				return err
			}
			if os.Getenv("GOGC") == "" {
				debug.SetGCPercent(collector.GCPercent)
			}
			metrics := newMetrics()
			return a.serve(c.Context(), cfg, metrics, a.collector(cfg, metrics))
		},
	}
}

// collector is the component that the configuration describes.
func (a *app) collector(cfg Config, metrics prometheus.Registerer) daemon.Component {
	return daemon.Component{Name: "collector", Run: func(ctx context.Context, ready daemon.Ready) error {
		return collector.Run(ctx, cfg.Collector, collector.Deps{
			Log: a.logger(cfg).With().Str("service", "collector").Logger(), Metrics: metrics, Ready: ready, Kafka: cfg.Kafka,
		})
	}}
}
