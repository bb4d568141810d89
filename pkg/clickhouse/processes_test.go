package clickhouse_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

// startMigrator starts a process that migrates the database.
func startMigrator(t *testing.T, c clickhouse.Config) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte(c.Password.Reveal()), 0o600))
	if c.Password == "" {
		password = ""
	}
	told, err := json.Marshal(map[string]string{"Address": c.Address, "Database": c.Database, "Username": c.Username, "Password": password})
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	said := &bytes.Buffer{}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), migratorEnv+"="+string(told))
	cmd.Stderr = said
	require.NoError(t, cmd.Start())
	return cmd, said
}

// listed is how many migrations are done, and how many are listed twice; none if there is
// no list yet.
func listed(ctx context.Context, conn clickhouse.Conn, c clickhouse.Config) (done, twice uint64) {
	const question = "SELECT uniqExact(version), toUInt64(count() - uniqExact(version)) FROM "
	if conn.QueryRow(ctx, question+c.Database+".schema_migrations").Scan(&done, &twice) != nil {
		return 0, 0
	}
	return done, twice
}

func TestProcessesMigrateAtOnce(t *testing.T) {
	server, c := clickhousetest.Start(t), clickhousetest.Database(t)
	first, said1 := startMigrator(t, c)
	second, said2 := startMigrator(t, c)
	require.NoError(t, first.Wait(), said1.String())
	require.NoError(t, second.Wait(), said2.String())
	done, twice := listed(t.Context(), connect(t, server), c)
	require.GreaterOrEqual(t, done, uint64(len(released(t, "0"))))
	require.Zero(t, twice)
}

// TestAKilledProcessLeavesNoLock kills a migrator in the middle, and the next one finishes.
func TestAKilledProcessLeavesNoLock(t *testing.T) {
	server, c := clickhousetest.Start(t), clickhousetest.Database(t)
	watch := connect(t, server)
	victim, said := startMigrator(t, c)
	require.Eventually(t, func() bool { done, _ := listed(t.Context(), watch, c); return done > 0 }, time.Minute, 5*time.Millisecond, said.String())
	require.NoError(t, victim.Process.Kill())
	require.ErrorContains(t, victim.Wait(), "killed", "it must have been at work")

	conn := connect(t, c)
	require.NoError(t, clickhouse.Migrate(t.Context(), conn, c, zerolog.Nop()))
	untroubled, _ := clickhousetest.Open(t)
	require.Equal(t, tables(t, untroubled), tables(t, conn))
	_, twice := listed(t.Context(), watch, c)
	require.Zero(t, twice)
}
