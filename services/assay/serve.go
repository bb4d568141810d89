package main

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/rs/zerolog"

	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/output"
)

func (a *app) logger(cfg Config) zerolog.Logger {
	return cfg.Log.logger(a.err, output.Colour(a.err, a.env))
}

// newMetrics has what every process tells of itself.
func newMetrics() *prometheus.Registry {
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	return metrics
}

// serve runs components until ctx ends, behind the admin port.
func (a *app) serve(ctx context.Context, cfg Config, metrics *prometheus.Registry, components ...daemon.Component) error {
	return daemon.Run(ctx, daemon.Options{Admin: cfg.Admin, Log: a.logger(cfg), Metrics: metrics}, components...)
}
