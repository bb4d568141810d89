package clickhouse_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
)

func TestSplit(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   []string
	}{
		"two":                    {"SELECT 1; SELECT 2;\n", []string{"SELECT 1", "SELECT 2"}},
		"no last semicolon":      {"SELECT 1;SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		"nothing":                {" ;; -- a\n /* b; */ ;", nil},
		"in a string":            {"SELECT 'a;b'; SELECT 2", []string{"SELECT 'a;b'", "SELECT 2"}},
		"escaped quote":          {`SELECT 'it\'s;'; SELECT 2`, []string{`SELECT 'it\'s;'`, "SELECT 2"}},
		"doubled quote":          {`SELECT 'it''s;'; SELECT 2`, []string{`SELECT 'it''s;'`, "SELECT 2"}},
		"backslash at the end":   {`SELECT '\\'; SELECT 2`, []string{`SELECT '\\'`, "SELECT 2"}},
		"identifiers":            {"SELECT `a;b`, \"c;d\"; SELECT 2", []string{"SELECT `a;b`, \"c;d\"", "SELECT 2"}},
		"line comment":           {"SELECT 1 -- one; it's\n, 2; SELECT 3", []string{"SELECT 1 -- one; it's\n, 2", "SELECT 3"}},
		"hash comment":           {"# a; b\nSELECT 1; #!c;\nSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		"block comment":          {"SELECT /* ; ' */ 1; SELECT 2", []string{"SELECT /* ; ' */ 1", "SELECT 2"}},
		"dashes in a string":     {"SELECT '--'; SELECT 2", []string{"SELECT '--'", "SELECT 2"}},
		"minus":                  {"SELECT 3-1; SELECT 2", []string{"SELECT 3-1", "SELECT 2"}},
		"heredoc":                {"SELECT $x$a;'b$x$; SELECT 2", []string{"SELECT $x$a;'b$x$", "SELECT 2"}},
		"empty heredoc tag":      {"SELECT $$a;b$$; SELECT 2", []string{"SELECT $$a;b$$", "SELECT 2"}},
		"leading comments go":    {"-- a\n/* b */ SELECT 1", []string{"SELECT 1"}},
		"open string":            {"SELECT 'a; SELECT 2", []string{"SELECT 'a; SELECT 2"}},
		"open comment":           {"SELECT 1 /* a; SELECT 2", []string{"SELECT 1 /* a; SELECT 2"}},
		"blanks of any kind":     {"SELECT 1;\u00a0\u2003", []string{"SELECT 1"}},
		"comment after the last": {"SELECT 1; -- done", []string{"SELECT 1"}},
		"braces":                 {"SELECT {a:String}, map('a', 1); SELECT 2", []string{"SELECT {a:String}, map('a', 1)", "SELECT 2"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, clickhouse.Split(c.script)) })
	}
}

func FuzzSplit(f *testing.F) {
	for _, seed := range []string{"SELECT 1; SELECT 2", "'a", "$a$ ; $a$", "/*", "{a:", "--", "`;`", "\\';", "SELECT 1;\u00a0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, script string) {
		for _, statement := range clickhouse.Split(script) {
			require.Contains(t, script, statement)
			require.Equal(t, []string{statement}, clickhouse.Split(statement), "a statement is one statement")
			require.NotEmpty(t, strings.TrimSpace(statement))
		}
	})
}
