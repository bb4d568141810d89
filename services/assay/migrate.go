package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/clickhouse"
)

func (a *app) migrateCommand() *cobra.Command {
	var show bool
	c := &cobra.Command{
		Use:   "migrate",
		Short: "Make ClickHouse's database and tables, or bring them up to date",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, _, err := a.load("log", "clickhouse")
			if err != nil {
				return err
			}
			if show {
				return a.printMigrations(cfg)
			}
			return a.migrate(c.Context(), cfg)
		},
	}
	c.Flags().BoolVar(&show, "print", false, "only print the statements for an empty database, as clickhouse.cluster makes them")
	return c
}

func (a *app) printMigrations(cfg Config) error {
	statements, err := clickhouse.Statements(cfg.ClickHouse)
	if err != nil {
		return err
	}
	for _, s := range statements {
		if _, err := fmt.Fprintf(a.out, "%s;\n\n", s); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) migrate(ctx context.Context, cfg Config) (err error) {
	conn, err := clickhouse.Open(ctx, cfg.ClickHouse)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return clickhouse.Migrate(ctx, conn, cfg.ClickHouse, a.logger(cfg))
}
