package clickhouse

import (
	"fmt"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
)

// localSuffix is what a shard's part of a table has behind its name.
const localSuffix = "_local"

// OnEveryReplica is a table to read from: the table, or on a cluster all that any replica
// has of it, as rows that may repeat.
func (c Config) OnEveryReplica(table string) string {
	if c.Cluster == "" {
		return table
	}
	return "clusterAllReplicas(" + Quoted(c.Cluster) + ", " + c.Database + ", " + table + localSuffix + ")"
}

// cluster turns statements for one server into those for a cluster, where
//
//   - a table T is a Distributed table over T_local on each shard, which is replicated;
//   - a feed goes from T_local to T_local, on the shard that has the row;
//   - a view reads the Distributed tables.
//
// What it doesn't know it refuses: a migration that went to one server only would be found
// out late.
type cluster struct {
	name, database string
	tables         map[string]table
}

// statements are those that a statement becomes.
func (c *cluster) statements(sql string) ([]string, error) {
	s := parse(sql)
	switch {
	case s.starts("CREATE", "TABLE"):
		return c.createTable(s)
	case s.starts("CREATE", "VIEW"):
		return c.createView(s)
	case s.starts("CREATE", "MATERIALIZED", "VIEW"):
		return c.createFeed(s)
	case s.starts("ALTER", "TABLE"):
		return c.alter(s)
	case s.starts("DROP", "VIEW"):
		s.add(s.name(), c.on())
		return []string{s.String()}, nil
	case s.starts("INSERT", "INTO"):
		return []string{sql}, nil // rows find their shards
	}
	return nil, compliance.Errorf(compliance.Invalid,
		"how this goes on a cluster isn't known: %s; teach pkg/clickhouse's cluster, or write it otherwise", excerpt(sql))
}

func (c *cluster) on() string { return " ON CLUSTER " + Quoted(c.name) }

// path is a table's place in Keeper. Servers with the same shard and different replica
// macros hold the same rows.
func (c *cluster) path() string {
	return "'/clickhouse/tables/" + c.name + "/{shard}/{database}/{table}', '{replica}'"
}

func (c *cluster) createTable(s *statement) ([]string, error) {
	at := s.name()
	name := s.text(at)
	t, known := c.tables[name]
	if !known || len(t.Shard) == 0 {
		return nil, compliance.Errorf(compliance.Invalid, "table %s has no shard in %s: say by which columns its rows are told apart", name, tablesFile)
	}
	engine := s.find(at, "ENGINE") + 2
	if engine < 2 || !strings.HasSuffix(s.text(engine), "MergeTree") {
		return nil, compliance.Errorf(compliance.Invalid, "table %s is of no MergeTree engine, which a cluster can't replicate: %s", name, excerpt(s.String()))
	}
	remember(s, engine)
	s.set(at, name+localSuffix)
	s.add(at, c.on())
	s.set(engine, "Replicated"+s.text(engine))
	if s.text(engine+1) == "(" {
		s.add(engine+1, c.path()+", ")
	} else {
		s.add(engine, "("+c.path()+")")
	}
	return []string{s.String(), c.distributed(name, t)}, nil
}

// remember lets a replicated table know as many tokens as a plain one, as long as the log
// may still be read again.
func remember(s *statement, from int) {
	if at := s.find(from, "non_replicated_deduplication_window"); at > 0 {
		s.set(at, "replicated_deduplication_window")
		s.add(len(s.at)-1, ", replicated_deduplication_window_seconds = 2592000")
	}
}

func (c *cluster) distributed(name string, t table) string {
	return fmt.Sprintf("CREATE TABLE IF NOT EXISTS %[1]s%[2]s AS %[1]s%[3]s\nENGINE = Distributed(%[4]s, %[5]s, %[1]s%[3]s, cityHash64(%[6]s))",
		name, c.on(), localSuffix, Quoted(c.name), c.database, strings.Join(t.Shard, ", "))
}

func (c *cluster) createView(s *statement) ([]string, error) {
	s.add(s.name(), c.on())
	return []string{s.String()}, nil
}

// createFeed leaves all else in its place: a feed may read and fill tables only.
func (c *cluster) createFeed(s *statement) ([]string, error) {
	name := s.name()
	to := s.find(name, "TO") + 1
	if to < 1 {
		return nil, compliance.Errorf(compliance.Invalid, "a feed names the table that it fills (TO): %s", excerpt(s.String()))
	}
	s.add(name, c.on())
	for i := to; i < len(s.at); i++ {
		if i != to && !s.is(i-1, "FROM") && !s.is(i-1, "JOIN") || s.text(i) == "(" || s.is(i-2, "ARRAY") {
			continue
		}
		if _, known := c.tables[s.text(i)]; !known {
			return nil, compliance.Errorf(compliance.Invalid, "feed %s reads or fills %s, which is no table of %s", s.text(name), s.text(i), tablesFile)
		}
		s.set(i, s.text(i)+localSuffix)
	}
	return []string{s.String()}, nil
}

// alter changes what a shard has, and the columns of the Distributed table above, which
// keeps no rows: how long they stay and how they are packed is none of its concern.
func (c *cluster) alter(s *statement) ([]string, error) {
	at := s.name()
	name := s.text(at)
	if _, known := c.tables[name]; !known {
		return nil, compliance.Errorf(compliance.Invalid, "%s is no table of %s: %s", name, tablesFile, excerpt(s.String()))
	}
	local, above := parse(s.String()), parse(s.String())
	local.set(at, name+localSuffix)
	local.add(at, c.on())
	if !s.is(at+2, "COLUMN") || s.find(at, "TTL") > 0 || s.is(at+4, "CODEC") {
		return []string{local.String()}, nil
	}
	above.add(at, c.on())
	return []string{local.String(), above.String()}, nil
}

// statement is SQL of which single tokens are changed; all else stays as it was written.
type statement struct {
	tokens []token
	at     []int // of the tokens that the server reads
}

func parse(sql string) *statement {
	s := &statement{tokens: lex(sql)}
	for i, t := range s.tokens {
		if t.kind != space && t.kind != comment {
			s.at = append(s.at, i)
		}
	}
	return s
}

func (s *statement) String() string {
	var b strings.Builder
	for _, t := range s.tokens {
		b.WriteString(t.text)
	}
	return b.String()
}

// text is the i-th token, empty where there is none.
func (s *statement) text(i int) string {
	if i < 0 || i >= len(s.at) {
		return ""
	}
	return s.tokens[s.at[i]].text
}

func (s *statement) is(i int, keyword string) bool { return strings.EqualFold(s.text(i), keyword) }

func (s *statement) starts(keywords ...string) bool {
	for i, k := range keywords {
		if !s.is(i, k) {
			return false
		}
	}
	return true
}

// name is the first token that is no keyword of the beginning.
func (s *statement) name() int {
	keywords := []string{"CREATE", "ALTER", "DROP", "TABLE", "MATERIALIZED", "VIEW", "IF", "NOT", "EXISTS"}
	i := 0
	for slices.ContainsFunc(keywords, func(k string) bool { return s.is(i, k) }) {
		i++
	}
	return i
}

// find is the next place of a keyword that is in no parentheses, -1 without one.
func (s *statement) find(from int, keyword string) int {
	depth := 0
	for i := from; i < len(s.at); i++ {
		switch s.text(i) {
		case "(":
			depth++
		case ")":
			depth--
		}
		if depth == 0 && s.is(i, keyword) {
			return i
		}
	}
	return -1
}

func (s *statement) set(i int, text string) { s.tokens[s.at[i]].text = text }

// add puts text behind a token.
func (s *statement) add(i int, text string) { s.tokens[s.at[i]].text += text }
