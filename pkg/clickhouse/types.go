package clickhouse

import (
	"context"
	"strings"
	"sync"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"assay.example/assay/pkg/compliance"
)

// Types remembers the types of tables' columns, which over HTTP are asked for before each
// insert otherwise. It is safe for concurrent use.
type Types struct {
	mu     sync.Mutex
	tables map[string]map[string]string
}

// Known makes an insert under it use what is remembered of the table, and asks for it
// the first time. A column that isn't there is left for the insert to complain of.
func (t *Types) Known(ctx context.Context, conn Conn, table string, columns []string) (context.Context, error) {
	types, err := t.of(ctx, conn, table)
	if err != nil {
		return nil, err
	}
	known := make([]chgo.ColumnNameAndType, 0, len(columns))
	for _, name := range columns {
		if types[name] == "" {
			return ctx, nil
		}
		known = append(known, chgo.ColumnNameAndType{Name: name, Type: sent(types[name])})
	}
	return chgo.Context(ctx, chgo.WithColumnNamesAndTypes(known)), nil
}

// sent is the type that a column's values are sent in. Those of LowCardinality go as what
// they are: the server finds which of them are equal in a fraction of the time that the
// driver takes, which looks each of them up in a map of interfaces.
func sent(columnType string) string {
	if inner, ok := strings.CutPrefix(columnType, "LowCardinality("); ok {
		return strings.TrimSuffix(inner, ")")
	}
	return columnType
}

// Forget is for an insert that failed: the table may have changed.
func (t *Types) Forget(table string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tables, table)
}

func (t *Types) of(ctx context.Context, conn Conn, table string) (map[string]string, error) {
	t.mu.Lock()
	types := t.tables[table]
	t.mu.Unlock()
	if types != nil {
		return types, nil
	}
	var rows []struct {
		Name string `ch:"name"`
		Type string `ch:"type"`
	}
	err := conn.Select(ctx, &rows, "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = $1", table)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking for the columns of %s: %w", table, err)
	}
	types = make(map[string]string, len(rows))
	for _, r := range rows {
		types[r.Name] = r.Type
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tables == nil {
		t.tables = map[string]map[string]string{}
	}
	if len(types) > 0 {
		t.tables[table] = types
	}
	return types, nil
}
