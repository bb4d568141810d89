package clickhouse

import (
	"context"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
)

// Once makes an insert under it take effect once, however often it is made with the same
// token, as long as that is among the last inserts that the table remembers
// (non_replicated_deduplication_window).
func Once(ctx context.Context, token string) context.Context {
	return chgo.Context(ctx, chgo.WithSettings(chgo.Settings{
		"async_insert":               0,
		"insert_deduplicate":         1,
		"insert_deduplication_token": token,
		// A view's table counts its own tokens, so an insert that failed between table
		// and view is completed by its repetition.
		"deduplicate_blocks_in_dependent_materialized_views": 1,
	}))
}
