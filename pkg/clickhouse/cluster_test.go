package clickhouse_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// TestBothFormsOfTheMigrations holds what the same files become on one server and on a
// cluster. ASSAY_TEST_UPDATE=1 writes them anew; read the difference.
func TestBothFormsOfTheMigrations(t *testing.T) {
	for name, c := range map[string]clickhouse.Config{
		"plain.sql":   {Database: "assay"},
		"cluster.sql": {Database: "assay", Cluster: "main"},
	} {
		path := filepath.Join("testdata", name)
		statements, err := clickhouse.Statements(c)
		require.NoError(t, err)
		got := strings.Join(statements, ";\n\n") + ";\n"
		if os.Getenv("ASSAY_TEST_UPDATE") != "" {
			require.NoError(t, os.MkdirAll("testdata", 0o755))
			require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
		}
		want, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, string(want), got, "%s differs; ASSAY_TEST_UPDATE=1 writes it anew", path)
	}
}

// TestTheFormsDifferInNothingElse takes from the cluster's form what makes it one.
func TestTheFormsDifferInNothingElse(t *testing.T) {
	plain, err := clickhouse.Statements(clickhouse.Config{Database: "assay"})
	require.NoError(t, err)
	clustered, err := clickhouse.Statements(clickhouse.Config{Database: "assay", Cluster: "main"})
	require.NoError(t, err)
	var back []string
	for _, s := range clustered {
		if strings.Contains(s, "ENGINE = Distributed(") || strings.HasPrefix(s, "ALTER TABLE events ON") {
			continue
		}
		require.NotContains(t, s, "non_replicated", "a replicated table doesn't heed it")
		back = append(back, single(s))
	}
	require.Equal(t, plain[1:], back[1:], "the first is schema_migrations")
}

var replicated = regexp.MustCompile(`Replicated(\w*MergeTree)\('[^']*', '\{replica\}'(?:\)|, ([^)]*\)+))`)

// single takes away from a statement for a cluster what makes it one.
func single(s string) string {
	s = strings.ReplaceAll(s, " ON CLUSTER `main`", "")
	s = replicated.ReplaceAllStringFunc(s, func(engine string) string {
		m := replicated.FindStringSubmatch(engine)
		if m[2] == "" {
			return m[1]
		}
		return m[1] + "(" + m[2]
	})
	s = strings.ReplaceAll(s, "SETTINGS replicated_deduplication_window", "SETTINGS non_replicated_deduplication_window")
	s = strings.ReplaceAll(s, ", replicated_deduplication_window_seconds = 2592000", "")
	return strings.ReplaceAll(s, "_local", "")
}

func TestAClusterRefusesWhatItDoesntKnow(t *testing.T) {
	shards := file("items: {shard: [id]}\n")
	for want, sql := range map[string]string{
		"how this goes on a cluster isn't known": "SELECT 1",
		"table days has no shard":                "CREATE TABLE IF NOT EXISTS days (day Date) ENGINE = MergeTree ORDER BY day",
		"no MergeTree engine":                    "CREATE TABLE IF NOT EXISTS items (id UInt8) ENGINE = Log",
		"names the table that it fills":          "CREATE MATERIALIZED VIEW IF NOT EXISTS feed ENGINE = MergeTree ORDER BY id AS SELECT id FROM items",
		"reads or fills days":                    "CREATE MATERIALIZED VIEW IF NOT EXISTS feed TO items AS SELECT id FROM days",
		"days is no table":                       "ALTER TABLE days ADD COLUMN IF NOT EXISTS a UInt8",
	} {
		files := fstest.MapFS{"0001_a.sql": file(sql), "tables.yaml": shards}
		err := clickhouse.MigrateFS(t.Context(), nil, clickhouse.Config{Cluster: "main"}, files, zerolog.Nop())
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "migration 0001_a.sql")
		require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
	}
	_, err := clickhouse.StatementsOf(clickhouse.Config{Cluster: "main"}, fstest.MapFS{"0001_a.sql": file("SELECT 1"), "tables.yaml": file("a: {shards: [b]}")})
	require.ErrorContains(t, err, "field shards not found")
}

func TestAlterOnACluster(t *testing.T) {
	for sql, want := range map[string][]string{
		"ALTER TABLE items ADD COLUMN IF NOT EXISTS a UInt8": {
			"ALTER TABLE items_local ON CLUSTER `main` ADD COLUMN IF NOT EXISTS a UInt8",
			"ALTER TABLE items ON CLUSTER `main` ADD COLUMN IF NOT EXISTS a UInt8",
		},
		"ALTER TABLE items ADD INDEX IF NOT EXISTS i a TYPE minmax": {"ALTER TABLE items_local ON CLUSTER `main` ADD INDEX IF NOT EXISTS i a TYPE minmax"},
		"ALTER TABLE items MODIFY TTL at + toIntervalDay(1)":        {"ALTER TABLE items_local ON CLUSTER `main` MODIFY TTL at + toIntervalDay(1)"},
		"ALTER TABLE items MODIFY COLUMN body REMOVE TTL":           {"ALTER TABLE items_local ON CLUSTER `main` MODIFY COLUMN body REMOVE TTL"},
		"ALTER TABLE items MODIFY COLUMN body CODEC(ZSTD(1))":       {"ALTER TABLE items_local ON CLUSTER `main` MODIFY COLUMN body CODEC(ZSTD(1))"},
		"DROP VIEW IF EXISTS gone":                                  {"DROP VIEW IF EXISTS gone ON CLUSTER `main`"},
	} {
		got, err := clickhouse.StatementsOf(clickhouse.Config{Database: "assay", Cluster: "main"}, fstest.MapFS{"0001_a.sql": file(sql), "tables.yaml": file("items: {shard: [id]}\n")})
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestAFeedIsReadFromAllShards(t *testing.T) {
	require.Equal(t, "SELECT e.tenant, 'x_local' FROM db.events AS e JOIN `db`.`days` ON e.local_day = day",
		clickhouse.OfAllShards("SELECT e.tenant, 'x_local' FROM db.events_local AS e JOIN `db`.`days_local` ON e.local_day = day"))
}
