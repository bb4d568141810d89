package main

import (
	"context"
	"io/fs"
	"os"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/boundary"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/daemon"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/evaluator"
)

func (a *app) evaluatorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "evaluator",
		Short: "Run the evaluator: events become verdicts, and verdicts violations",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "admin", "kafka", "evaluator")
			if err != nil {
				return err
			}
			bundle, err := loadControls(cfg)
			if err != nil {
				return err
			}
			metrics := newMetrics()
			return a.serve(c.Context(), cfg, metrics, a.evaluator(cfg, bundle, metrics))
		},
	}
}

// evaluator is the component that the configuration describes.
func (a *app) evaluator(cfg Config, bundle *control.Bundle, metrics prometheus.Registerer) daemon.Component {
	return daemon.Component{Name: "evaluator", Run: func(ctx context.Context, ready daemon.Ready) error {
		return evaluator.Run(ctx, cfg.Evaluator, evaluator.Deps{
			Log: a.logger(cfg).With().Str("service", "evaluator").Logger(), Metrics: metrics, Ready: ready,
			Kafka: cfg.Kafka, Bundle: bundle,
		})
	}}
}

// loadControls reads the folder that the configuration names, or those built in.
func loadControls(cfg Config) (*control.Bundle, error) {
	types, err := dictionary.Default()
	if err != nil {
		return nil, err
	}
	files, where := controlFiles(cfg)
	bundle, err := control.Load(files, types)
	if err == nil {
		_, err = boundary.Declared(bundle.Declarations)
	}
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "loading the controls of %s:\n%w", where, err)
	}
	return bundle, nil
}

// controlFiles are those of the controls, and where that is.
func controlFiles(cfg Config) (files fs.FS, where string) {
	if cfg.Controls != "" {
		return os.DirFS(cfg.Controls), cfg.Controls
	}
	return controls.FS, "the built-in library"
}
