// Package pipeline tests all services together in one process, on the wall's clock:
// an event that goes in over HTTP comes out as a verdict in ClickHouse and as a
// violation in Kafka. The broker is the embedded one, ClickHouse is real.
package pipeline
