// Package clickhouse is the one home of the ClickHouse driver: connections,
// migrations and reads that are fenced to one tenant.
//
// Migrations are run by this package and not by goose, whose own documentation
// calls its version table ill-suited to replicated and clustered ClickHouse and
// whose files need annotations to hold more than one statement.
package clickhouse
