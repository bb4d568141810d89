package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"assay.example/assay/pkg/daemon"
	"assay.example/assay/services/notifier"
)

func (a *app) notifierCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "notifier",
		Short: "Run the notifier: violations go to webhooks, Slack, PagerDuty and Alertmanager",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "admin", "kafka", "notifier")
			if err != nil {
				return err
			}
			metrics := newMetrics()
			return a.serve(c.Context(), cfg, metrics, a.notifier(cfg, metrics))
		},
	}
}

// notifier is the component that the configuration describes.
func (a *app) notifier(cfg Config, metrics prometheus.Registerer) daemon.Component {
	own := cfg.Notifier
	own.Kafka = cfg.Kafka
	return daemon.Component{Name: "notifier", Run: func(ctx context.Context, ready daemon.Ready) error {
		return notifier.Run(ctx, own, notifier.Deps{
			Log: a.logger(cfg).With().Str("service", "notifier").Logger(), Metrics: metrics, Ready: ready,
		})
	}}
}
