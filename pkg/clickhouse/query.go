package clickhouse

import (
	"context"
	"fmt"
	"slices"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"assay.example/assay/pkg/compliance"
)

// Rows is a result that is still being read. Close it.
type Rows = driver.Rows

// Param is a value for a placeholder {name:Type} of a Query.
type Param = driver.NamedValue

// Named binds a value to the placeholder of that name. The server reads it as
// the placeholder's type; it never becomes part of the SQL.
func Named(name string, value any) Param { return Param{Name: name, Value: value} }

// tenantParam is the placeholder that each query must compare a tenant with.
const tenantParam = "tenant"

// Query is a read that is fenced to one tenant. Make it once with NewQuery and
// use it from many goroutines.
type Query struct {
	sql    string
	params []string // other than tenant, sorted
}

// NewQuery refuses what isn't one SELECT with the predicate
// `tenant = {tenant:String}` for each table that it reads.
//
// Tables are counted as names after FROM and JOIN that aren't names of WITH; a
// predicate within OR, a table after IN or a comma, and a view's insides are not
// looked into. It guards against forgetting, not against malice; the server's
// row policies stand behind it.
func NewQuery(sql string) (Query, error) {
	tokens := significant(lex(sql))
	if err := checkSelect(tokens); err != nil {
		return Query{}, err
	}
	fenced, read := countFences(tokens), len(tables(tokens))
	if fenced == 0 || fenced < read {
		return Query{}, compliance.Errorf(compliance.Invalid,
			"a query reads %d tables and says `tenant = {tenant:String}` %d times: say it once for each table: %s",
			read, fenced, excerpt(sql))
	}
	q := Query{sql: sql}
	for _, t := range tokens {
		if name := paramName(t); t.kind == placeholder && name != tenantParam {
			q.params = append(q.params, name)
		}
	}
	slices.Sort(q.params)
	q.params = slices.Compact(q.params)
	return q, nil
}

// MustQuery is NewQuery for SQL that is a constant of the program.
func MustQuery(sql string) Query {
	q, err := NewQuery(sql)
	if err != nil {
		panic(err)
	}
	return q
}

// Rows runs q for one tenant. The values must be exactly those that q names.
// The query can't write, and ends on the server too when ctx ends.
func (q Query) Rows(ctx context.Context, conn Conn, tenant string, params ...Param) (Rows, error) {
	ctx, args, err := q.bind(ctx, tenant, params)
	if err != nil {
		return nil, err
	}
	return conn.Query(ctx, q.sql, args...)
}

// Select is Rows read into dest, a pointer to a slice of structs with `ch` tags.
func (q Query) Select(ctx context.Context, conn Conn, dest any, tenant string, params ...Param) error {
	ctx, args, err := q.bind(ctx, tenant, params)
	if err != nil {
		return err
	}
	return conn.Select(ctx, dest, q.sql, args...)
}

// Scan reads the first row into dest; none is sql.ErrNoRows.
func (q Query) Scan(ctx context.Context, conn Conn, dest []any, tenant string, params ...Param) error {
	ctx, args, err := q.bind(ctx, tenant, params)
	if err != nil {
		return err
	}
	return conn.QueryRow(ctx, q.sql, args...).Scan(dest...)
}

// bind checks the values and sets what keeps a tenant's query harmless.
func (q Query) bind(ctx context.Context, tenant string, params []Param) (context.Context, []any, error) {
	if tenant == "" {
		return nil, nil, compliance.Errorf(compliance.Invalid, "a query for no tenant: %s", excerpt(q.sql))
	}
	names := make([]string, len(params))
	args := []any{Named(tenantParam, tenant)}
	for i, p := range params {
		names[i] = p.Name
		args = append(args, p)
	}
	slices.Sort(names)
	if !slices.Equal(names, q.params) {
		return nil, nil, compliance.Errorf(compliance.Invalid,
			"a query has the placeholders %v and was given %v: %s", q.params, names, excerpt(q.sql))
	}
	return chgo.Context(undated{ctx}, chgo.WithSettings(chgo.Settings{
		// Settings may still be set, but nothing may be written.
		"readonly": 2,
		// Row policies can compare a tenant with it.
		"log_comment": tenant,
		// This cache doesn't know row policies and can lose rows under them.
		"use_query_condition_cache":                    0,
		"cancel_http_readonly_queries_on_client_close": 1,
	})), args, nil
}

// significant drops what the server doesn't read.
func significant(tokens []token) []token {
	return slices.DeleteFunc(tokens, func(t token) bool { return t.kind == space || t.kind == comment })
}

func checkSelect(tokens []token) error {
	if len(tokens) == 0 || !isKeyword(tokens[0], "SELECT") && !isKeyword(tokens[0], "WITH") {
		return compliance.Errorf(compliance.Invalid, "a query must begin with SELECT or WITH")
	}
	for _, t := range tokens {
		if t.kind == other && t.text == ";" {
			return compliance.Errorf(compliance.Invalid, "a query is one statement, without a semicolon")
		}
	}
	return nil
}

// countFences counts `tenant = {tenant:String}`, with or without an alias.
func countFences(tokens []token) (n int) {
	for i := 2; i < len(tokens); i++ {
		if tokens[i].kind == placeholder && strings.ReplaceAll(tokens[i].text, " ", "") == "{tenant:String}" &&
			tokens[i-1].text == "=" && tokens[i-2].text == "tenant" {
			n++
		}
	}
	return n
}

// Tables are the names that a query reads, each once and in their order: those after FROM
// and JOIN, without the names of WITH. What follows ARRAY JOIN is a column.
func Tables(sql string) (names []string) {
	for _, name := range tables(significant(lex(sql))) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// tables are those names as often as they are read. What WITH names is fenced inside.
func tables(tokens []token) (names []string) {
	named := withNames(tokens)
	for i := range max(0, len(tokens)-1) {
		isTable := isKeyword(tokens[i], "FROM") || isKeyword(tokens[i], "JOIN") && i > 0 && !isKeyword(tokens[i-1], "ARRAY")
		name := tokens[i+1]
		if isTable && (name.kind == word || name.kind == quoted) && !slices.Contains(named, name.text) {
			names = append(names, name.text)
		}
	}
	return names
}

// withNames are the names of `name AS (SELECT …)`.
func withNames(tokens []token) (names []string) {
	for i := 0; i+3 < len(tokens); i++ {
		if isKeyword(tokens[i+1], "AS") && tokens[i+2].text == "(" &&
			(isKeyword(tokens[i+3], "SELECT") || isKeyword(tokens[i+3], "WITH")) {
			names = append(names, tokens[i].text)
		}
	}
	return names
}

func isKeyword(t token, keyword string) bool {
	return t.kind == word && strings.EqualFold(t.text, keyword)
}

func paramName(t token) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(t.text, "{"), ":")
	return name
}

// excerpt is the start of a query, on one line, for an error.
func excerpt(sql string) string {
	sql = strings.Join(strings.Fields(sql), " ")
	const most = 120
	if len(sql) > most {
		return fmt.Sprintf("%.*s…", most, sql)
	}
	return sql
}
