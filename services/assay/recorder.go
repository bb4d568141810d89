package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"assay.example/assay/pkg/daemon"
	"assay.example/assay/services/recorder"
)

func (a *app) recorderCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "recorder",
		Short: "Run the recorder: what is in Kafka goes to ClickHouse",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "admin", "kafka", "clickhouse", "recorder")
			if err != nil {
				return err
			}
			metrics := newMetrics()
			return a.serve(c.Context(), cfg, metrics, a.recorder(cfg, metrics))
		},
	}
}

// recorder is the component that the configuration describes.
func (a *app) recorder(cfg Config, metrics prometheus.Registerer) daemon.Component {
	own := cfg.Recorder
	own.Kafka, own.ClickHouse = cfg.Kafka, cfg.ClickHouse
	return daemon.Component{Name: "recorder", Run: func(ctx context.Context, ready daemon.Ready) error {
		return recorder.Run(ctx, own, recorder.Deps{
			Log: a.logger(cfg).With().Str("service", "recorder").Logger(), Metrics: metrics, Ready: ready,
		})
	}}
}
