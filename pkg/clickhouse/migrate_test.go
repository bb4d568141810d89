package clickhouse_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

func file(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }

func two() fstest.MapFS {
	return fstest.MapFS{
		"0001_items.sql": file("-- items; all of them\nCREATE TABLE IF NOT EXISTS items (id UInt64, text String DEFAULT 'a;b') ENGINE = MergeTree ORDER BY id;"),
		"0002_day.sql": file("CREATE TABLE IF NOT EXISTS days (day Date, n UInt64) ENGINE = SummingMergeTree ORDER BY day;\n" +
			"ALTER TABLE items ADD COLUMN IF NOT EXISTS day Date;\n"),
		"README.md": file("not a migration"),
	}
}

func connect(t *testing.T, c clickhouse.Config) clickhouse.Conn {
	t.Helper()
	conn, err := clickhouse.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func tables(t *testing.T, conn clickhouse.Conn) (names []string) {
	t.Helper()
	var found []struct {
		Name string `ch:"name"`
	}
	require.NoError(t, conn.Select(t.Context(), &found, "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name"))
	for _, f := range found {
		names = append(names, f.Name)
	}
	return names
}

func TestMigrateTwice(t *testing.T) {
	c := clickhousetest.Database(t)
	conn := connect(t, c) // the database isn't there yet
	var log bytes.Buffer
	require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, two(), zerolog.New(&log)))
	require.Equal(t, 2, bytes.Count(log.Bytes(), []byte("applied a ClickHouse migration")))
	require.Equal(t, []string{"days", "items", "schema_migrations"}, tables(t, conn))

	var engine string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT engine FROM system.databases WHERE name = $1", c.Database).Scan(&engine))
	require.Equal(t, "Atomic", engine)

	log.Reset()
	require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, two(), zerolog.New(&log)))
	require.Empty(t, log.String())
	var rows uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM schema_migrations").Scan(&rows))
	require.Equal(t, uint64(2), rows)
}

func TestMigrateResumesAfterAFailureInTheMiddle(t *testing.T) {
	c := clickhousetest.Database(t)
	conn := connect(t, c)
	files := two()
	files["0003_more.sql"] = file("CREATE TABLE IF NOT EXISTS half (a UInt8) ENGINE = MergeTree ORDER BY a; CREATE TABLE broken (a NoSuchType) ENGINE = MergeTree ORDER BY a")
	files["0004_after.sql"] = file("CREATE TABLE IF NOT EXISTS after (a UInt8) ENGINE = MergeTree ORDER BY a")
	err := clickhouse.MigrateFS(t.Context(), conn, c, files, zerolog.Nop())
	require.ErrorContains(t, err, "migration 0003_more.sql, statement 2 of 2")
	require.Equal(t, []string{"days", "half", "items", "schema_migrations"}, tables(t, conn))

	// It was never listed, so it may be repaired.
	files["0003_more.sql"] = file("CREATE TABLE IF NOT EXISTS half (a UInt8) ENGINE = MergeTree ORDER BY a; CREATE TABLE IF NOT EXISTS whole (a UInt8) ENGINE = MergeTree ORDER BY a")
	require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, files, zerolog.Nop()))
	require.Equal(t, []string{"after", "days", "half", "items", "schema_migrations", "whole"}, tables(t, conn))
}

func TestMigrateRefusesAnAppliedFileThatChangedOrWent(t *testing.T) {
	c := clickhousetest.Database(t)
	conn := connect(t, c)
	require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, two(), zerolog.Nop()))

	edited := two()
	edited["0001_items.sql"] = file(string(edited["0001_items.sql"].Data) + "\n")
	edited["0003_new.sql"] = file("CREATE TABLE IF NOT EXISTS new (a UInt8) ENGINE = MergeTree ORDER BY a")
	err := clickhouse.MigrateFS(t.Context(), conn, c, edited, zerolog.Nop())
	require.ErrorContains(t, err, "0001_items.sql was changed after it was applied")
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	require.NotContains(t, tables(t, conn), "new")

	gone := two()
	delete(gone, "0002_day.sql")
	err = clickhouse.MigrateFS(t.Context(), conn, c, gone, zerolog.Nop())
	require.ErrorContains(t, err, "0002_day.sql, which this build doesn't know")
}

func TestMigrateRefusesFilesThatItCannotOrder(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"isn't named NNNN_name.sql":     {"1_short.sql": file("SELECT 1")},
		"a number that another file":    {"0001_a.sql": file("SELECT 1"), "0001_b.sql": file("SELECT 1")},
		"numbers start at 0001":         {"0000_a.sql": file("SELECT 1")},
		"0001_a.sql holds no statement": {"0001_a.sql": file("-- nothing;\n/* ; */")},
	} {
		err := clickhouse.MigrateFS(t.Context(), nil, clickhouse.Config{}, files, zerolog.Nop())
		require.ErrorContains(t, err, name)
	}
}

func TestMigratorsTakeTurns(t *testing.T) {
	c := clickhousetest.Database(t)
	var (
		all     sync.WaitGroup
		log     bytes.Buffer
		logger  = zerolog.New(zerolog.SyncWriter(&log))
		errs    = make([]error, 4)
		callers = len(errs)
	)
	for i := range callers {
		conn := connect(t, c)
		all.Go(func() { errs[i] = clickhouse.MigrateFS(t.Context(), conn, c, two(), logger) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, 2, bytes.Count(log.Bytes(), []byte("applied a ClickHouse migration")), log.String())
}

func TestAWaitingMigratorGivesUpWithItsContext(t *testing.T) {
	c := clickhousetest.Database(t)
	conn := connect(t, c)
	files := fstest.MapFS{"0001_slow.sql": file("SELECT sleep(1.5)")}
	first := make(chan error, 1)
	go func() {
		first <- clickhouse.MigrateFS(context.WithoutCancel(t.Context()), conn, c, files, zerolog.Nop())
	}()
	require.Eventually(t, func() bool {
		var running uint64
		err := conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE 'SELECT sleep(1.5)%'").Scan(&running)
		return err == nil && running == 1
	}, 5*time.Second, 5*time.Millisecond)

	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := clickhouse.MigrateFS(ctx, conn, c, two(), zerolog.Nop())
	require.ErrorContains(t, err, "another migrator of database "+c.Database)
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	require.NoError(t, <-first)
}

// TestTheProductsMigrationsBearRepeating runs all of them again on their own
// result, as happens to a file that failed after its last statement.
func TestTheProductsMigrationsBearRepeating(t *testing.T) {
	conn, c := clickhousetest.Open(t)
	before := tables(t, conn)
	require.NoError(t, conn.Exec(t.Context(), "DROP TABLE schema_migrations SYNC"))
	require.NoError(t, clickhouse.Migrate(t.Context(), conn, c, zerolog.Nop()))
	require.Equal(t, before, tables(t, conn))
}
