package main

import (
	"bytes"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded/clickhousetest"
	"assay.example/assay/pkg/story"
)

// What is reported of a quarter is the same after everything was lost and brought back.
func TestABackupSaysTheSame(t *testing.T) {
	conn, c := clickhousetest.Open(t)
	s := story.New(story.Options{Size: story.Small})
	store(t, conn, s, bundleOf(t, s))
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO coverage (topic, partition, start_offset, end_offset) "+
		"SELECT topic, partition, 0, max(offset) + 1 FROM (SELECT topic, partition, offset FROM events UNION ALL SELECT topic, partition, offset FROM verdict_revisions) GROUP BY topic, partition"))
	env := []string{
		"ASSAY_CLICKHOUSE_ADDRESS=" + c.Address, "ASSAY_CLICKHOUSE_DATABASE=" + c.Database,
		"ASSAY_CLICKHOUSE_USERNAME=" + c.Username, "ASSAY_CLICKHOUSE_PASSWORD=" + c.Password.Reveal(),
	}
	assay := func(args ...string) string {
		var out, err bytes.Buffer
		require.Zero(t, run(t.Context(), args, stdio{in: &bytes.Buffer{}, out: &out, err: &err, env: env}), "%v: %s", args, &err)
		return out.String()
	}
	counts := func() string {
		made := regexp.MustCompile(`"(made_)?at": "[^"]+"`)
		return made.ReplaceAllString(assay("report", "--period", "2026-Q3", "--fail-on", "none", "-o", "json"), "")
	}
	before := counts()
	require.Contains(t, before, "operated_with_deviations")
	assay("backup", c.Database)

	elsewhere := c
	elsewhere.Database = "default"
	server, err := clickhouse.Open(t.Context(), elsewhere)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	require.NoError(t, server.Exec(t.Context(), "DROP DATABASE "+c.Database+" SYNC"))
	require.Contains(t, assay("restore", c.Database), "tables worked out again")
	require.Equal(t, before, counts())
	require.Contains(t, assay("recount", "--settle", "0s"), "0 counts differ")
}
