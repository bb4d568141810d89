package clickhouse_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

// BenchmarkInsert sends columns of 100,000 rows of a table like that of verdicts.
func BenchmarkInsert(b *testing.B) {
	const rows = 100_000
	c := clickhousetest.Start(b)
	conn, err := clickhouse.Open(b.Context(), c)
	require.NoError(b, err)
	defer conn.Close()
	ctx := context.WithoutCancel(b.Context())
	require.NoError(b, conn.Exec(ctx, "CREATE TABLE IF NOT EXISTS bench (tenant LowCardinality(String), control LowCardinality(String), item String, "+
		"at DateTime64(6, 'UTC') CODEC(Delta, ZSTD(1)), outcome LowCardinality(String), revision UInt32) ENGINE = MergeTree ORDER BY (tenant, control, at)"))
	defer func() { require.NoError(b, conn.Exec(ctx, "DROP TABLE bench SYNC")) }()
	var (
		same, items = make([]string, rows), make([]string, rows)
		times       = make([]time.Time, rows)
		revisions   = make([]uint32, rows)
	)
	for i := range rows {
		same[i], items[i], times[i] = "default", fmt.Sprintf("deploy-%08d", i), time.UnixMicro(int64(i)*1e6)
	}
	for b.Loop() {
		insertColumns(ctx, b, conn, same, same, items, times, same, revisions)
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

func insertColumns(ctx context.Context, b *testing.B, conn clickhouse.Conn, columns ...any) {
	b.Helper()
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO bench")
	require.NoError(b, err)
	defer batch.Close()
	for i, column := range columns {
		require.NoError(b, batch.Column(i).Append(column))
	}
	require.NoError(b, batch.Send())
}
