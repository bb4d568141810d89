// Package schemas embeds the contracts that services share: event types, table
// migrations, the topology of topics, and what control files may say. It holds no logic.
package schemas

import "embed"

// FS holds topology.yaml, events/*.json, clickhouse/*.sql, sources/*/*.yaml and
// controls/*.schema.json.
//
//go:embed topology.yaml all:events all:clickhouse all:sources all:controls
var FS embed.FS
