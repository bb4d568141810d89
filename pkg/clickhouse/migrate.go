package clickhouse

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/schemas"
)

// migrationsDir is where schemas.FS keeps the numbered files.
const migrationsDir = "clickhouse"

// createMigrationsTable is for one server, or for all of a cluster, as replicas of one table.
func createMigrationsTable(c Config) string {
	on, engine := "", "MergeTree"
	if c.Cluster != "" {
		on = " ON CLUSTER " + Quoted(c.Cluster)
		engine = "ReplicatedMergeTree('/clickhouse/tables/" + c.Cluster + "/all/{database}/{table}', '{shard}-{replica}')"
	}
	return "CREATE TABLE IF NOT EXISTS schema_migrations" + on + ` (
	version UInt32, name String, sha256 String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
) ENGINE = ` + engine + " ORDER BY version"
}

// migration is one numbered file.
type migration struct {
	version    uint32
	name       string
	sha256     string
	statements []string
}

// Migrate brings the database to the newest of the product's migrations, as MigrateFS does,
// and makes it forget what c.Retention says.
func Migrate(ctx context.Context, conn Conn, c Config, log zerolog.Logger) error {
	files, err := productFiles()
	if err != nil {
		return err
	}
	if err := MigrateFS(ctx, conn, c, files, log); err != nil {
		return err
	}
	return retain(ctx, conn, c, log)
}

func productFiles() (fs.FS, error) {
	files, err := fs.Sub(schemas.FS, migrationsDir)
	if err != nil {
		return nil, fmt.Errorf("opening the migrations: %w", err)
	}
	return files, nil
}

// Statements are what Migrate runs in an empty database, for reading, or for somebody who
// runs them by hand.
func Statements(c Config) ([]string, error) {
	files, err := productFiles()
	if err != nil {
		return nil, err
	}
	migrations, err := readMigrations(files)
	if err == nil {
		err = forCluster(migrations, files, c)
	}
	if err != nil {
		return nil, err
	}
	statements := []string{createMigrationsTable(c)}
	for _, m := range migrations {
		statements = append(statements, m.statements...)
	}
	return statements, nil
}

// MigrateFS makes the database if it is absent (Atomic) and applies the files
// NNNN_name.sql at the root of files that table schema_migrations doesn't list,
// in the order of their numbers. conn must come from Open with the same c.
//
// It goes forward only. A file is listed after its last statement; ClickHouse
// has no transactions over DDL, so a file that failed halfway runs again from
// its first statement, and every statement must bear repeating (IF NOT EXISTS,
// IF EXISTS, OR REPLACE). A listed file whose bytes have changed or that has
// gone is refused before anything is applied.
//
// One migrator at a time: see lock.
func MigrateFS(ctx context.Context, conn Conn, c Config, files fs.FS, log zerolog.Logger) error {
	migrations, err := readMigrations(files)
	if err != nil {
		return err
	}
	if err := forCluster(migrations, files, c); err != nil {
		return err
	}
	if err := createDatabase(ctx, c); err != nil {
		return err
	}
	held, unlock, err := lock(ctx, c)
	if err != nil {
		return err
	}
	err = migrate(held, conn, c, migrations, log)
	if cause := context.Cause(held); err != nil && errors.Is(cause, errLockLost) {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return errors.Join(err, unlock())
}

// createDatabase needs a connection of its own: one that names a database that
// doesn't exist can't do anything.
func createDatabase(ctx context.Context, c Config) error {
	conn, err := open(c, "")
	if err != nil {
		return err
	}
	on := ""
	if c.Cluster != "" {
		on = " ON CLUSTER " + Quoted(c.Cluster)
	}
	err = conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+c.Database+on+" ENGINE = Atomic")
	if err != nil {
		err = compliance.Errorf(compliance.Unavailable, "creating database %s at %s: %w", c.Database, c.Address, err)
	}
	return errors.Join(err, conn.Close())
}

func migrate(ctx context.Context, conn Conn, c Config, migrations []migration, log zerolog.Logger) error {
	if err := conn.Exec(ctx, createMigrationsTable(c)); err != nil {
		return fmt.Errorf("creating table schema_migrations: %w", err)
	}
	if c.Cluster != "" { // this server may not have heard yet what another one lists
		if err := conn.Exec(ctx, "SYSTEM SYNC REPLICA schema_migrations"); err != nil {
			return fmt.Errorf("waiting for table schema_migrations: %w", err)
		}
	}
	applied, err := readApplied(ctx, conn)
	if err != nil {
		return err
	}
	if err := checkApplied(migrations, applied); err != nil {
		return err
	}
	for _, m := range migrations {
		if _, done := applied[m.version]; done {
			continue
		}
		if err := apply(ctx, conn, m); err != nil {
			return err
		}
		log.Info().Str("migration", m.name).Int("statements", len(m.statements)).Msg("applied a ClickHouse migration")
	}
	return nil
}

func apply(ctx context.Context, conn Conn, m migration) error {
	for i, statement := range m.statements {
		if err := conn.Exec(ctx, statement); err != nil {
			return compliance.Errorf(compliance.Internal,
				"migration %s, statement %d of %d: %w\n(nothing after it was applied; the next run starts this file again)",
				m.name, i+1, len(m.statements), err)
		}
	}
	err := conn.Exec(ctx, "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)", m.version, m.name, m.sha256)
	if err != nil {
		return fmt.Errorf("listing migration %s as applied: %w", m.name, err)
	}
	return nil
}

func readApplied(ctx context.Context, conn Conn) (map[uint32]migration, error) {
	rows, err := conn.Query(ctx, "SELECT version, name, sha256 FROM schema_migrations")
	if err != nil {
		return nil, fmt.Errorf("reading schema_migrations: %w", err)
	}
	applied := map[uint32]migration{}
	for rows.Next() {
		var m migration
		if err := rows.Scan(&m.version, &m.name, &m.sha256); err != nil {
			return nil, errors.Join(fmt.Errorf("reading schema_migrations: %w", err), rows.Close())
		}
		applied[m.version] = m
	}
	return applied, errors.Join(rows.Err(), rows.Close())
}

// checkApplied compares what stands in the database with what this build knows.
func checkApplied(migrations []migration, applied map[uint32]migration) error {
	known := make(map[uint32]migration, len(migrations))
	for _, m := range migrations {
		known[m.version] = m
	}
	var errs []error
	for version, was := range applied {
		is, ok := known[version]
		switch {
		case !ok:
			errs = append(errs, compliance.Errorf(compliance.Conflict,
				"the database has migration %s, which this build doesn't know: it belongs to a newer release; use that one", was.name))
		case is.sha256 != was.sha256:
			errs = append(errs, compliance.Errorf(compliance.Conflict,
				"migration %s was changed after it was applied (as %s): restore the file and write the change as a new migration",
				is.name, was.name))
		}
	}
	return errors.Join(errs...)
}

// forCluster turns the statements into those for the cluster, if there is one.
func forCluster(migrations []migration, files fs.FS, c Config) error {
	if c.Cluster == "" {
		return nil
	}
	tables, err := readTables(files)
	if err != nil {
		return err
	}
	on := &cluster{name: c.Cluster, database: c.Database, tables: tables}
	for i := range migrations {
		var all []string
		for _, sql := range migrations[i].statements {
			statements, err := on.statements(sql)
			if err != nil {
				return fmt.Errorf("migration %s: %w", migrations[i].name, err)
			}
			all = append(all, statements...)
		}
		migrations[i].statements = all
	}
	return nil
}

// readMigrations reads the files in the order of their numbers.
func readMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing the migrations: %w", err)
	}
	var (
		migrations []migration
		previous   uint32
	)
	for _, name := range names { // Glob sorts
		m, err := readMigration(files, name)
		if err != nil {
			return nil, err
		}
		if m.version <= previous {
			return nil, compliance.Errorf(compliance.Invalid, "migration %s has a number that another file has: renumber it", name)
		}
		previous = m.version
		migrations = append(migrations, m)
	}
	return migrations, nil
}

func readMigration(files fs.FS, name string) (migration, error) {
	match := regexp.MustCompile(`^([0-9]{4})_[a-z0-9_]+\.sql$`).FindStringSubmatch(path.Base(name))
	if match == nil {
		return migration{}, compliance.Errorf(compliance.Invalid, "migration %s isn't named NNNN_name.sql: rename it", name)
	}
	version, err := strconv.ParseUint(match[1], 10, 32)
	if err != nil || version == 0 {
		return migration{}, compliance.Errorf(compliance.Invalid, "migration %s: numbers start at 0001", name)
	}
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return migration{}, fmt.Errorf("reading migration %s: %w", name, err)
	}
	statements := Split(string(raw))
	if len(statements) == 0 {
		return migration{}, compliance.Errorf(compliance.Invalid, "migration %s holds no statement", name)
	}
	sum := sha256.Sum256(raw)
	return migration{uint32(version), name, hex.EncodeToString(sum[:]), statements}, nil
}
