package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/backup"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/output"
)

func (a *app) backupCommand() *cobra.Command {
	place := backup.Place{}
	c := &cobra.Command{
		Use:   "backup NAME",
		Short: "Take a backup of ClickHouse's tables",
		Long: `Takes all tables, while everything runs. ClickHouse writes the backup itself, to a place
that its configuration allows (docs/runbooks.md).`,
		Example: `  assay backup 2026-11-30
  assay backup 2026-11-30 --to "Disk('backups', '{name}')"`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			place.Name = args[0]
			if err := place.Validate(); err != nil {
				return err
			}
			cfg, _, err := a.loadForReading("clickhouse")
			if err != nil {
				return err
			}
			if err := notOnACluster(cfg.ClickHouse); err != nil {
				return err
			}
			return withClickHouse(c.Context(), cfg, func(conn clickhouse.Conn) error {
				return backup.Make(c.Context(), conn, cfg.ClickHouse.Database, place)
			})
		},
	}
	placeFlag(c, &place)
	return c
}

// notOnACluster refuses what was made for one server. Replicas are no backup, but cutting off
// what lies beyond coverage has to be done on each shard, and nothing here does that yet.
func notOnACluster(c clickhouse.Config) error {
	if c.Cluster == "" {
		return nil
	}
	return compliance.Errorf(compliance.Invalid,
		"clickhouse.cluster is %s, and backups of a cluster aren't made by this command: use ClickHouse's BACKUP … ON CLUSTER, coverage first (docs/runbooks.md)", c.Cluster)
}

func placeFlag(c *cobra.Command, place *backup.Place) {
	c.Flags().StringVar(&place.To, "to", backup.DefaultTo, "where, as ClickHouse `writes` it, with {name} for the name")
}

type restoreOptions struct {
	*app
	place  backup.Place
	forget bool
}

func (a *app) restoreCommand() *cobra.Command {
	o := restoreOptions{app: a}
	c := &cobra.Command{
		Use:   "restore NAME",
		Short: "Bring ClickHouse's tables back from a backup",
		Long: `Brings the tables back into a database that isn't there. What was just being recorded when
the backup was made is cut off, and sums are worked out again. No recorder may run.

The recorder then reads what came since from Kafka, if it doesn't believe its group any
more: with --forget-group the group's offsets are deleted, else it refuses to start until
they are, or until recorder.group has another name.`,
		Example: `  assay restore 2026-11-30 --forget-group`,
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.place.Name = args[0]
			return o.run(c.Context())
		},
	}
	placeFlag(c, &o.place)
	c.Flags().BoolVar(&o.forget, "forget-group", false, "delete the recorder's consumer group, so that it goes on where the tables end")
	a.formatFlag(c)
	return c
}

func (o *restoreOptions) run(ctx context.Context) error {
	if err := o.place.Validate(); err != nil {
		return err
	}
	cfg, _, err := o.loadForReading("clickhouse", "kafka")
	if err != nil {
		return err
	}
	if err := notOnACluster(cfg.ClickHouse); err != nil {
		return err
	}
	server := cfg
	server.ClickHouse.Database = "default" // the other one isn't there yet
	var restored *backup.Restored
	err = withClickHouse(ctx, server, func(conn clickhouse.Conn) (err error) {
		restored, err = backup.Restore(ctx, conn, cfg.ClickHouse.Database, o.place)
		return err
	})
	if err != nil {
		return err
	}
	if o.forget {
		if err := forgetGroup(ctx, cfg); err != nil {
			return err
		}
	}
	return o.write(restored)
}

func (o *restoreOptions) write(restored *backup.Restored) error {
	if o.format == output.JSON || o.format == output.JSONL {
		return o.writer().Object(restored)
	}
	for _, table := range slices.Sorted(maps.Keys(restored.Cut)) {
		if _, err := fmt.Fprintf(o.out, "%s: %d rows beyond coverage cut off\n", table, restored.Cut[table]); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(o.out, "restored; %d tables worked out again\n", len(restored.Rebuilt))
	return err
}

// forgetGroup deletes the recorder's offsets. A group that has members is left alone.
func forgetGroup(ctx context.Context, cfg Config) (err error) {
	opts, err := cfg.Kafka.Options(zerolog.Nop())
	if err != nil {
		return err
	}
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return compliance.Errorf(compliance.Invalid, "preparing the Kafka client: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	answers, err := kadm.NewClient(client).DeleteGroups(ctx, cfg.Recorder.Group)
	if err = errors.Join(err, answers.Error()); err != nil {
		return compliance.Errorf(compliance.Unavailable, "deleting the group %s (the tables are restored): %w", cfg.Recorder.Group, err)
	}
	return nil
}
