package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"assay.example/assay/pkg/compliance"
)

// Retention is how long what may be forgotten is kept, by table; 0 is for ever. Rows stay,
// with their hash and size, so that nothing that is counted becomes less; bodies are
// emptied, which no verdict rests on. All other tables are the record, and are kept.
type Retention struct {
	// Received is for the bodies of what vendors sent.
	Received time.Duration `yaml:"received"`
	// Rejected is for the beginnings of what was refused.
	Rejected time.Duration `yaml:"rejected"`
}

const day = 24 * time.Hour

// expiring is a column that may be emptied.
type expiring struct {
	table, column string
	after         time.Duration
}

func (r Retention) columns() []expiring {
	return []expiring{
		{"received", "body", r.Received},
		{"rejected", "body", r.Rejected},
	}
}

func (r Retention) validate() error {
	var errs []error
	for _, e := range r.columns() {
		if e.after < 0 || e.after%day != 0 {
			errs = append(errs, compliance.Errorf(compliance.Invalid,
				"clickhouse.retention.%s is %s: write whole days, such as 2160h for 90, or 0 for ever", e.table, e.after))
		}
	}
	return errors.Join(errs...)
}

// ttl is written as ClickHouse shows it.
func (e *expiring) ttl() string {
	return fmt.Sprintf("toDateTime(at) + toIntervalDay(%d)", e.after/day)
}

// statement makes the table keep the column as long as it should; made is how the table was
// made, and there is nothing to do if it says so.
func (e *expiring) statement(made string) string {
	has := strings.Contains(made, " TTL ")
	switch {
	case e.after == 0 && !has, e.after > 0 && strings.Contains(made, " TTL "+e.ttl()):
		return ""
	case e.after == 0:
		return "ALTER TABLE " + e.table + " MODIFY COLUMN " + e.column + " REMOVE TTL"
	}
	return "ALTER TABLE " + e.table + " MODIFY COLUMN " + e.column + " TTL " + e.ttl()
}

// retain sets what Retention says. ClickHouse empties columns when it merges.
func retain(ctx context.Context, conn Conn, c Config, log zerolog.Logger) error {
	for _, e := range c.Retention.columns() {
		if err := e.apply(ctx, conn, c, log); err != nil {
			return compliance.Errorf(compliance.Unavailable, "setting clickhouse.retention.%s: %w", e.table, err)
		}
	}
	return nil
}

func (e *expiring) apply(ctx context.Context, conn Conn, c Config, log zerolog.Logger) error {
	name := e.table
	if c.Cluster != "" {
		name += localSuffix
	}
	var made string
	err := conn.QueryRow(ctx, "SELECT any(create_table_query) FROM system.tables WHERE database = currentDatabase() AND name = $1", name).Scan(&made)
	if err != nil || made == "" {
		return err
	}
	statement := e.statement(made)
	if statement == "" {
		return nil
	}
	statements, err := c.forms(statement)
	for _, s := range statements {
		if err == nil {
			err = conn.Exec(ctx, s)
		}
	}
	if err == nil {
		log.Info().Str("table", e.table).Str("column", e.column).Dur("retention", e.after).Msg("set how long a column is kept")
	}
	return err
}

// forms are what a statement of the product becomes.
func (c Config) forms(sql string) ([]string, error) {
	if c.Cluster == "" {
		return []string{sql}, nil
	}
	files, err := productFiles()
	if err != nil {
		return nil, err
	}
	tables, err := readTables(files)
	if err != nil {
		return nil, err
	}
	return (&cluster{name: c.Cluster, database: c.Database, tables: tables}).statements(sql)
}
