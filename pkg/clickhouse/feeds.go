package clickhouse

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// Feed is a materialized view: what it makes of each row that is inserted elsewhere goes
// to its target. On a cluster, where a view is a shard's own, Target and Query are of all
// shards.
type Feed struct {
	View, Target string
	// Columns are those of the target that it fills, quoted; Query gives their values from
	// all rows that there are.
	Columns []string
	Query   string
}

// Insert fills the target from those rows that the condition over the target's columns
// chooses, all if there is none.
func (f *Feed) Insert(database, where string) string {
	columns := strings.Join(f.Columns, ", ")
	if where != "" {
		where = " WHERE " + where
	}
	return fmt.Sprintf("INSERT INTO %s.%s (%s) SELECT %s FROM (%s)%s", Quoted(database), Quoted(f.Target), columns, columns, f.Query, where)
}

var feedTarget = regexp.MustCompile("(?s)^CREATE MATERIALIZED VIEW \\S+ TO (?:`?\\w+`?\\.)?`?(\\w+)`?")

// Feeds are the views of a database that feed tables, by name.
func Feeds(ctx context.Context, conn Conn, database string) (feeds []Feed, err error) {
	var rows []struct {
		Name   string `ch:"name"`
		Create string `ch:"create_table_query"`
		Query  string `ch:"as_select"`
	}
	err = conn.Select(ctx, &rows, "SELECT name, create_table_query, as_select FROM system.tables WHERE database = $1 AND engine = 'MaterializedView' ORDER BY name", database)
	if err != nil {
		return nil, compliance.Errorf(compliance.Unavailable, "asking for the views of %s: %w", database, err)
	}
	for _, row := range rows {
		m := feedTarget.FindStringSubmatch(row.Create)
		if m == nil {
			return nil, compliance.Errorf(compliance.Internal, "what %s feeds can't be told from %s", row.Name, row.Create)
		}
		f := Feed{View: row.Name, Target: m[1], Query: row.Query}
		if target, local := strings.CutSuffix(m[1], localSuffix); local {
			f.Target, f.Query = target, ofAllShards(row.Query)
		}
		var columns []struct {
			Name string `ch:"name"`
		}
		err := conn.Select(ctx, &columns, "SELECT name FROM system.columns WHERE database = $1 AND table = $2 ORDER BY position", database, row.Name)
		if err != nil {
			return nil, compliance.Errorf(compliance.Unavailable, "asking for the columns of %s: %w", row.Name, err)
		}
		for _, c := range columns {
			f.Columns = append(f.Columns, Quoted(c.Name))
		}
		feeds = append(feeds, f)
	}
	return feeds, nil
}

// ofAllShards reads the Distributed tables where a feed reads a shard's.
func ofAllShards(sql string) string {
	var b strings.Builder
	for _, t := range lex(sql) {
		if name, quote := strings.Trim(t.text, "`"), t.kind == quoted && t.text[0] == '`'; t.kind == word || quote {
			t.text = strings.Replace(t.text, name, strings.TrimSuffix(name, localSuffix), 1)
		}
		b.WriteString(t.text)
	}
	return b.String()
}

// Quoted is a name as SQL has it, whatever is in it.
func Quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
