// Package schemas embeds the contracts that services share: event types, table
// migrations and the topology of topics. It holds no logic.
package schemas

import "embed"

// FS holds topology.yaml, events/*.json, clickhouse/*.sql and sources/*/*.yaml.
//
//go:embed topology.yaml all:events all:clickhouse all:sources
var FS embed.FS
