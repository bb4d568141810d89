package clickhouse_test

import (
	"context"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

func TestNewQueryRefuses(t *testing.T) {
	for name, sql := range map[string]string{
		"no predicate":            "SELECT * FROM items",
		"a placeholder elsewhere": "SELECT {tenant:String} FROM items",
		"in a comment":            "SELECT * FROM items -- WHERE tenant = {tenant:String}",
		"in a string":             "SELECT 'tenant = {tenant:String}' FROM items",
		"another type":            "SELECT * FROM items WHERE tenant = {tenant:UInt64}",
		"not equal":               "SELECT * FROM items WHERE tenant != {tenant:String}",
		"one of two joined":       "SELECT * FROM a JOIN b USING (id) WHERE a.tenant = {tenant:String}",
		"one half of a union":     "SELECT 1 FROM a WHERE tenant = {tenant:String} UNION ALL SELECT 1 FROM b",
		"an unfenced WITH":        "WITH x AS (SELECT * FROM a) SELECT * FROM x, b WHERE tenant = {tenant:String} AND id IN (SELECT id FROM c)",
		"two statements":          "SELECT 1 FROM a WHERE tenant = {tenant:String}; SELECT 1 FROM a WHERE tenant = {tenant:String}",
		"a write":                 "INSERT INTO a SELECT * FROM b WHERE tenant = {tenant:String}",
		"nothing":                 "",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := clickhouse.NewQuery(sql)
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err), "%v", err)
		})
	}
}

func TestNewQueryTakes(t *testing.T) {
	for name, sql := range map[string]string{
		"plain":     "SELECT * FROM items WHERE tenant = {tenant:String}",
		"an alias":  "SELECT * FROM items AS i FINAL WHERE i.tenant={tenant: String}",
		"a join":    "SELECT * FROM a JOIN b ON a.id = b.id AND b.tenant = {tenant:String} WHERE a.tenant = {tenant:String}",
		"WITH":      "WITH x AS (SELECT * FROM a WHERE tenant = {tenant:String}) SELECT * FROM x",
		"subquery":  "SELECT * FROM (SELECT * FROM a WHERE tenant = {tenant:String})",
		"an array":  "SELECT e FROM a ARRAY JOIN evidence AS e WHERE tenant = {tenant:String}",
		"lowercase": "select * from a where tenant = {tenant:String}",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := clickhouse.NewQuery(sql)
			require.NoError(t, err)
		})
	}
}

// shop has two tenants' items.
func shop(t *testing.T) (clickhouse.Conn, clickhouse.Config) {
	t.Helper()
	c := clickhousetest.Database(t)
	conn := connect(t, c)
	require.NoError(t, clickhouse.MigrateFS(t.Context(), conn, c, fstest.MapFS{"0001_items.sql": file(
		"CREATE TABLE IF NOT EXISTS items (tenant String, id String, at DateTime64(6, 'UTC'), n Int64) ENGINE = MergeTree ORDER BY (tenant, id)")},
		zerolog.Nop()))
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO items (tenant, id, at, n)")
	require.NoError(t, err)
	defer batch.Close()
	at := time.Date(2026, 7, 1, 9, 30, 0, 123456000, time.UTC)
	for i, tenant := range []string{"a", "a", "b", "a' OR '1'='1"} {
		require.NoError(t, batch.Append(tenant, string(rune('p'+i)), at, int64(i)))
	}
	require.NoError(t, batch.Send())
	return conn, c
}

type item struct {
	Tenant string    `ch:"tenant"`
	ID     string    `ch:"id"`
	At     time.Time `ch:"at"`
	N      int64     `ch:"n"`
}

func TestQueryReadsOneTenant(t *testing.T) {
	conn, _ := shop(t)
	q := clickhouse.MustQuery("SELECT tenant, id, at, n FROM items WHERE tenant = {tenant:String} AND n >= {least:Int64} ORDER BY id")
	var items []item
	require.NoError(t, q.Select(t.Context(), conn, &items, "a", clickhouse.Named("least", 1)))
	require.Equal(t, []item{{"a", "q", time.Date(2026, 7, 1, 9, 30, 0, 123456000, time.UTC), 1}}, items)

	// A value is a value, whatever it looks like.
	items = nil
	require.NoError(t, q.Select(t.Context(), conn, &items, "a' OR '1'='1", clickhouse.Named("least", 0)))
	require.Len(t, items, 1)
	require.Equal(t, "s", items[0].ID)
	items = nil
	require.NoError(t, q.Select(t.Context(), conn, &items, "no' OR tenant != '", clickhouse.Named("least", 0)))
	require.Empty(t, items)
	items = nil
	require.NoError(t, q.Select(t.Context(), conn, &items, "tab\t\\ new\nline", clickhouse.Named("least", 0)))
	require.Empty(t, items)

	rows, err := q.Rows(t.Context(), conn, "b", clickhouse.Named("least", 0))
	require.NoError(t, err)
	require.True(t, rows.Next())
	require.False(t, rows.Next())
	require.NoError(t, rows.Err())
	require.NoError(t, rows.Close())

	var n uint64
	count := clickhouse.MustQuery("SELECT count() FROM items WHERE tenant = {tenant:String} AND id IN {ids:Array(String)}")
	require.NoError(t, count.Scan(t.Context(), conn, []any{&n}, "a", clickhouse.Named("ids", []string{"p", "r", "it's"})))
	require.Equal(t, uint64(1), n)
}

func TestQueryWantsItsValuesAndNoOthers(t *testing.T) {
	q := clickhouse.MustQuery("SELECT id FROM items WHERE tenant = {tenant:String} AND n > {n:Int64} AND n < {n:Int64}")
	for name, params := range map[string][]clickhouse.Param{
		"none":       nil,
		"unknown":    {clickhouse.Named("n", 1), clickhouse.Named("m", 1)},
		"the tenant": {clickhouse.Named("n", 1), clickhouse.Named("tenant", "b")},
		"twice":      {clickhouse.Named("n", 1), clickhouse.Named("n", 2)},
	} {
		_, err := q.Rows(t.Context(), nil, "a", params...)
		require.ErrorContains(t, err, "was given", name)
	}
	_, err := q.Rows(t.Context(), nil, "", clickhouse.Named("n", 1))
	require.ErrorContains(t, err, "no tenant")
}

func TestQueryCannotWriteAndWorksForReaders(t *testing.T) {
	conn, c := shop(t)
	var value string
	settings := clickhouse.MustQuery("SELECT toString(getSetting('readonly')) || getSetting('log_comment') FROM (SELECT 1 AS one, 'a' AS tenant) WHERE tenant = {tenant:String}")
	require.NoError(t, settings.Scan(t.Context(), conn, []any{&value}, "a"))
	require.Equal(t, "2a", value)

	reader, ok := clickhousetest.Reader(t, c)
	if !ok {
		return // a server of somebody else's has no such user
	}
	rconn := connect(t, reader)
	require.NoError(t, settings.Scan(t.Context(), rconn, []any{&value}, "a"))
	require.ErrorContains(t, rconn.Exec(t.Context(), "DROP TABLE items"), "Not enough privileges")
}

func TestQueryEndsOnTheServerWithItsContext(t *testing.T) {
	conn, _ := shop(t)
	slow := clickhouse.MustQuery("SELECT sleepEachRow(1), number AS sleeps FROM (SELECT number, 'a' AS tenant FROM numbers(1000)) WHERE tenant = {tenant:String} SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 10000000")
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := slow.Rows(ctx, conn, "a")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool {
		var running uint64
		err := conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%AS sleeps%' AND query NOT LIKE '%system.processes%'").Scan(&running)
		return err == nil && running == 0
	}, 10*time.Second, 20*time.Millisecond)
}

func TestTables(t *testing.T) {
	for sql, want := range map[string][]string{
		"SELECT 1": nil,
		"SELECT a FROM events WHERE b IN (SELECT c FROM verdicts FINAL)":                         {"events", "verdicts"},
		"SELECT a FROM events JOIN coverage USING (x) LEFT JOIN events AS e ON 1":                {"events", "coverage"},
		"WITH part AS (\n  -- FROM nowhere\n  SELECT 1 FROM events\n) SELECT * FROM part":        {"events"},
		"SELECT 'FROM nowhere', \"FROM no\" FROM events -- JOIN nothing\nARRAY JOIN said":        {"events"},
		"SELECT a FROM (SELECT b FROM rule_changes) AS x INNER JOIN (SELECT 1 FROM events) AS y": {"rule_changes", "events"},
		"": nil, "FROM": nil,
	} {
		require.Equal(t, want, clickhouse.Tables(sql), sql)
	}
}
