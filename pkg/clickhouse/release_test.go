package clickhouse_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/schemas"
)

// releases keeps the sums of the migrations that a release came with (N.sums, as sha256sum
// writes them) and rows as they were written then (N.sql). A new release adds a pair; none is
// ever changed.
const releases = "testdata/releases"

// released are the files of a release. It fails if one of them isn't as it was.
func released(t *testing.T, release string) fstest.MapFS {
	t.Helper()
	sums, err := os.ReadFile(filepath.Join(releases, release+".sums"))
	require.NoError(t, err)
	files := fstest.MapFS{}
	lines := bufio.NewScanner(bytes.NewReader(sums))
	for lines.Scan() {
		sum, name, ok := strings.Cut(lines.Text(), "  ")
		require.True(t, ok, lines.Text())
		raw, err := fs.ReadFile(schemas.FS, "clickhouse/"+name)
		require.NoError(t, err, "a released migration is gone")
		is := sha256.Sum256(raw)
		require.Equal(t, sum, hex.EncodeToString(is[:]), "%s was released as it was, and databases have it: restore it, and write what is to change as a new migration", name)
		files[name] = &fstest.MapFile{Data: raw}
	}
	require.NotEmpty(t, files)
	return files
}

func allReleases(t *testing.T) (names []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(releases, "*.sums"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, p := range paths {
		names = append(names, strings.TrimSuffix(filepath.Base(p), ".sums"))
	}
	return names
}

func TestReleasedMigrationsAreNeverEdited(t *testing.T) {
	for _, release := range allReleases(t) {
		released(t, release)
	}
}

// TestWhatAReleaseRecordedStays fills a database as each release made it, brings it to
// today's, and takes the census of every table before and after.
func TestWhatAReleaseRecordedStays(t *testing.T) {
	for _, release := range allReleases(t) {
		t.Run(release, func(t *testing.T) {
			c := clickhousetest.Database(t)
			conn := connect(t, c)
			require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, released(t, release), zerolog.Nop()))
			fill(t, conn, release)
			before := census(t, conn, nil)
			for _, table := range tables(t, conn) {
				if table != "verdict_days_drift" && !strings.HasSuffix(table, "_feed") {
					require.NotEqual(t, "0 rows", strings.Split(before[table].digest, ",")[0], "%s has no rows to lose: fill it in %s.sql", table, release)
				}
			}
			require.NoError(t, clickhouse.Migrate(t.Context(), conn, c, zerolog.Nop()))
			delete(before, "schema_migrations")
			require.Equal(t, before, census(t, conn, before))
			require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, later(t), zerolog.Nop()))
			require.Equal(t, before, census(t, conn, before))

			require.NoError(t, conn.Exec(t.Context(), "INSERT INTO verdict_days SELECT * REPLACE (1 AS n) FROM verdict_days LIMIT 1"))
			require.NotEqual(t, before, census(t, conn, before), "the census sees one count")
		})
	}
}

// later is today's migrations and one that is to come, of the kinds that there may be.
func later(t *testing.T) fstest.MapFS {
	t.Helper()
	names, err := fs.Glob(schemas.FS, "clickhouse/*.sql")
	require.NoError(t, err)
	files := fstest.MapFS{"9999_later.sql": file(`ALTER TABLE verdicts ADD COLUMN IF NOT EXISTS later String DEFAULT 'x';
		ALTER TABLE verdicts ADD INDEX IF NOT EXISTS by_later later TYPE bloom_filter;
		CREATE TABLE IF NOT EXISTS by_outcome (outcome LowCardinality(String), n Int64) ENGINE = SummingMergeTree(n) ORDER BY outcome;
		CREATE MATERIALIZED VIEW IF NOT EXISTS by_outcome_feed TO by_outcome AS SELECT outcome, toInt64(count()) AS n FROM verdict_revisions GROUP BY outcome`)}
	for _, name := range names {
		raw, err := fs.ReadFile(schemas.FS, name)
		require.NoError(t, err)
		files[filepath.Base(name)] = &fstest.MapFile{Data: raw}
	}
	return files
}

func fill(t *testing.T, conn clickhouse.Conn, release string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(releases, release+".sql"))
	require.NoError(t, err)
	for _, statement := range clickhouse.Split(string(raw)) {
		require.NoError(t, conn.Exec(t.Context(), statement), statement)
	}
}

// counted is what a table held: the columns that it had, and how many rows with which sum.
type counted struct{ columns, digest string }

// census counts all tables, or those of before by the columns that they had. Rows that the
// engine is going to merge are counted as merged.
func census(t *testing.T, conn clickhouse.Conn, before map[string]counted) map[string]counted {
	t.Helper()
	var all []struct {
		Name    string `ch:"name"`
		Final   bool   `ch:"final"`
		Columns string `ch:"columns"`
	}
	require.NoError(t, conn.Select(t.Context(), &all, `SELECT t.name AS name, t.engine LIKE '_%MergeTree' AS final,
			arrayStringConcat(arrayMap(c -> c.2, arraySort(groupArray((c.position, concat('`+"`', c.name, '`"+`'))))), ', ') AS columns
		FROM system.tables AS t INNER JOIN system.columns AS c ON c.database = t.database AND c.table = t.name
		WHERE t.database = currentDatabase() AND t.engine != 'MaterializedView' GROUP BY name, final`))
	found := map[string]counted{}
	for _, table := range all {
		columns := table.Columns
		if before != nil {
			was, ok := before[table.Name]
			if !ok {
				continue
			}
			columns = was.columns
		}
		final := ""
		if table.Final {
			final = " FINAL"
		}
		var digest string
		require.NoError(t, conn.QueryRow(t.Context(), fmt.Sprintf("SELECT concat(toString(count()), ' rows, ', toString(sum(cityHash64(%s)))) FROM `%s`%s",
			columns, table.Name, final)).Scan(&digest), table.Name)
		found[table.Name] = counted{columns, digest}
	}
	return found
}

// TestAMigratorMayDieAnywhere lets migrators die after one statement, after two and so on,
// until one comes through, over rows of release 0.
func TestAMigratorMayDieAnywhere(t *testing.T) {
	c := clickhousetest.Database(t)
	conn := connect(t, c)
	died := 0
	for budget := 1; ; budget++ {
		err := clickhouse.Migrate(t.Context(), &mortal{Conn: conn, left: budget}, c, zerolog.Nop())
		if err == nil {
			break
		}
		require.ErrorIs(t, err, errDead)
		died++
	}
	require.Greater(t, died, 5)
	other := clickhousetest.Database(t)
	untroubled := connect(t, other)
	require.NoError(t, clickhouse.Migrate(t.Context(), untroubled, other, zerolog.Nop()))
	require.Equal(t, shape(t, untroubled, other.Database), shape(t, conn, c.Database))
	fill(t, conn, "0")
	fill(t, untroubled, "0")
	want, got := census(t, untroubled, nil), census(t, conn, nil)
	for _, table := range []string{"schema_migrations", "coverage"} { // they have the time of the clock
		delete(want, table)
		delete(got, table)
	}
	require.Equal(t, want, got)
}

var errDead = errors.New("killed")

// mortal does a number of statements and then nothing more, as a process that was killed.
type mortal struct {
	clickhouse.Conn
	left int
}

func (m *mortal) Exec(ctx context.Context, query string, args ...any) error {
	if m.left--; m.left < 0 {
		return errDead
	}
	return m.Conn.Exec(ctx, query, args...)
}

// shape is how all tables were made.
func shape(t *testing.T, conn clickhouse.Conn, database string) (statements []string) {
	t.Helper()
	var rows []struct {
		Create string `ch:"create_table_query"`
	}
	require.NoError(t, conn.Select(t.Context(), &rows, "SELECT create_table_query FROM system.tables WHERE database = currentDatabase() ORDER BY name"))
	for _, r := range rows {
		statements = append(statements, strings.ReplaceAll(r.Create, database, "DB"))
	}
	return statements
}
