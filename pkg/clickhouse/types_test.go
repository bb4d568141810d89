package clickhouse_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

// TestTypesAreRememberedAndForgotten inserts into a table that changes meanwhile.
func TestTypesAreRememberedAndForgotten(t *testing.T) {
	conn, _ := clickhousetest.Open(t)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE typed (a UInt8) ENGINE = MergeTree ORDER BY tuple()"))
	var types clickhouse.Types
	insert := func(values any, columns ...string) error {
		ctx, err := types.Known(t.Context(), conn, "typed", columns)
		require.NoError(t, err)
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO typed ("+columns[0]+")")
		if err != nil {
			return err
		}
		defer func() { require.NoError(t, batch.Close()) }()
		if err := batch.Column(0).Append(values); err != nil {
			return err
		}
		return batch.Send()
	}
	require.NoError(t, insert([]uint8{1}, "a"))
	require.ErrorContains(t, insert([]uint8{1}, "b"), "column b is not present")

	require.NoError(t, conn.Exec(t.Context(), "ALTER TABLE typed MODIFY COLUMN a String"))
	require.NoError(t, insert([]uint8{2}, "a"), "the server converts what the remembered type says")
	require.Error(t, insert([]string{"x"}, "a"), "the type of before is remembered")
	types.Forget("typed")
	require.NoError(t, insert([]string{"x"}, "a"))
	var n uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM typed WHERE a IN ('1', '2', 'x')").Scan(&n))
	require.Equal(t, uint64(3), n)
}

// TestLowCardinalityIsSentAsItsValues: what goes over the wire is texts, what lies in the
// table is what its definition says.
func TestLowCardinalityIsSentAsItsValues(t *testing.T) {
	conn, _ := clickhousetest.Open(t)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE few (a LowCardinality(String), b LowCardinality(Nullable(String)), c Array(LowCardinality(String))) "+
		"ENGINE = MergeTree ORDER BY tuple()"))
	var types clickhouse.Types
	ctx, err := types.Known(t.Context(), conn, "few", []string{"a", "b", "c"})
	require.NoError(t, err)
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO few (a, b, c)")
	require.NoError(t, err)
	defer func() { require.NoError(t, batch.Close()) }()
	x := "x"
	require.NoError(t, batch.Column(0).Append([]string{"x", "", "y", "x"}))
	require.NoError(t, batch.Column(1).Append([]*string{&x, nil, &x, nil}))
	require.NoError(t, batch.Column(2).Append([][]string{{"x", "y"}, {}, {"x"}, {""}}))
	require.Equal(t, []string{"String", "Nullable(String)"}, []string{string(batch.Columns()[0].Type()), string(batch.Columns()[1].Type())})
	require.NoError(t, batch.Send())

	var said string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT toString(groupArray((a, b, c))) FROM (SELECT * FROM few ORDER BY ALL)").Scan(&said))
	require.Equal(t, "[('',NULL,[]),('x','x',['x','y']),('x',NULL,['']),('y','x',['x'])]", said)
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT any(toTypeName((a, b, c))) FROM few").Scan(&said))
	require.Equal(t, "Tuple(LowCardinality(String), LowCardinality(Nullable(String)), Array(LowCardinality(String)))", said)
}
