package clickhouse_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

const days = 24 * time.Hour

// TestRetentionEmptiesBodiesAndKeepsRows has two rows in each table, of which one is old.
func TestRetentionEmptiesBodiesAndKeepsRows(t *testing.T) {
	conn, c := clickhousetest.Open(t)
	for _, table := range []string{"received", "rejected"} {
		require.NoError(t, conn.Exec(t.Context(), "INSERT INTO "+table+` (tenant, id, at, body, sha256, size)
			SELECT 'acme', toString(number), now64(6) - toIntervalDay(if(number = 0, 100, 10)), 'personal', SHA256('personal'), 8 FROM numbers(2)`))
	}
	set := func(r clickhouse.Retention) int {
		t.Helper()
		var log strings.Builder
		c.Retention = r
		require.NoError(t, clickhouse.Migrate(t.Context(), conn, c, zerolog.New(&log)))
		return strings.Count(log.String(), "set how long a column is kept")
	}
	bodies := func(table string) (list []string) {
		t.Helper()
		require.NoError(t, conn.Exec(t.Context(), "OPTIMIZE TABLE "+table+" FINAL"))
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT groupArray(body) FROM (SELECT body FROM "+table+
			" WHERE size = 8 AND sha256 = SHA256('personal') ORDER BY id)").Scan(&list))
		return list
	}
	made := func() (columns string) {
		t.Helper()
		require.NoError(t, conn.QueryRow(t.Context(), `SELECT toString(groupArray((table, name, type, compression_codec))) FROM (
			SELECT * FROM system.columns WHERE database = currentDatabase() AND table IN ('received', 'rejected') ORDER BY table, position)`).Scan(&columns))
		return columns
	}
	before := made()
	require.Zero(t, set(clickhouse.Retention{}), "nothing is forgotten unless it is said")
	require.Equal(t, 1, set(clickhouse.Retention{Received: 90 * days}))
	require.Zero(t, set(clickhouse.Retention{Received: 90 * days}), "it is set once")
	require.Equal(t, []string{"personal", "personal"}, bodies("rejected"))
	require.Equal(t, []string{"", "personal"}, bodies("received"))

	require.Equal(t, 2, set(clickhouse.Retention{Received: 200 * days, Rejected: 30 * days}))
	require.Equal(t, []string{"", "personal"}, bodies("rejected"))
	require.Equal(t, before, made(), "the columns are what migrations made them")
	require.Equal(t, 2, set(clickhouse.Retention{}))
	require.Equal(t, before, made())
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO rejected (tenant, id, at, body, sha256, size)
		SELECT 'acme', '2', now64(6) - toIntervalDay(100), 'personal', SHA256('personal'), 8`))
	require.Equal(t, []string{"", "personal", "personal"}, bodies("rejected"), "for ever again")
}

func TestRetentionIsInWholeDays(t *testing.T) {
	c := clickhouse.Config{Address: "http://h", Database: "a", Retention: clickhouse.Retention{Received: time.Hour, Rejected: -days}}
	err := c.Validate()
	require.ErrorContains(t, err, "clickhouse.retention.received is 1h0m0s: write whole days")
	require.ErrorContains(t, err, "clickhouse.retention.rejected")
}
