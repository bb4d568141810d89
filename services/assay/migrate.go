package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/clickhouse"
)

func (a *app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "migrate",
		Short: "Make ClickHouse's database and tables, or bring them up to date",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "clickhouse")
			if err != nil {
				return err
			}
			return a.migrate(c.Context(), cfg)
		},
	}
}

func (a *app) migrate(ctx context.Context, cfg Config) (err error) {
	conn, err := clickhouse.Open(ctx, cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return clickhouse.Migrate(ctx, conn, cfg.ClickHouse, a.logger(cfg))
}
