package embedded_test

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/pkg/embedded/clickhousetest"
)

func options(t *testing.T, dir string) embedded.ClickHouseOptions {
	t.Helper()
	return embedded.ClickHouseOptions{DataDir: dir, Engine: embedded.Engine{Library: clickhousetest.Library(t)}, Log: zerolog.Nop()}
}

func start(t *testing.T, o embedded.ClickHouseOptions) *embedded.ClickHouse {
	t.Helper()
	c, err := embedded.StartClickHouse(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Stop() })
	return c
}

func exec1(t *testing.T, c clickhouse.Config, statements ...string) {
	t.Helper()
	c.Database = "default"
	conn, err := clickhouse.Open(t.Context(), c)
	require.NoError(t, err)
	for _, s := range statements {
		require.NoError(t, conn.Exec(t.Context(), s))
	}
	require.NoError(t, conn.Close())
}

func count(t *testing.T, c clickhouse.Config, sql string) (n uint64) {
	t.Helper()
	c.Database = "default"
	conn, err := clickhouse.Open(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, conn.QueryRow(t.Context(), sql).Scan(&n))
	require.NoError(t, conn.Close())
	return n
}

// post asks as user without clickhouse-go.
func post(t *testing.T, c clickhouse.Config, user, password, sql string) (status int, body string) {
	t.Helper()
	query := url.Values{"user": {user}, "password": {password}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.Address+"/?"+query.Encode(), strings.NewReader(sql))
	require.NoError(t, err)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(raw)
}

func TestClickHouseKeepsItsDataOverAStop(t *testing.T) {
	o := options(t, t.TempDir())
	for want := range uint64(3) {
		c := start(t, o)
		exec1(t, c.Config(), "CREATE DATABASE IF NOT EXISTS kept ENGINE = Atomic",
			"CREATE TABLE IF NOT EXISTS kept.t (a UInt64) ENGINE = MergeTree ORDER BY a")
		require.Equal(t, want, count(t, c.Config(), "SELECT count() FROM kept.t"))
		exec1(t, c.Config(), "INSERT INTO kept.t VALUES (1)")
		require.NoError(t, c.Stop())
		require.NoError(t, c.Stop(), "a second stop says the same")
	}
}

func TestClickHouseKeepsAcknowledgedRowsOverAKill(t *testing.T) {
	o := options(t, t.TempDir())
	c := start(t, o)
	exec1(t, c.Config(), "CREATE DATABASE kept ENGINE = Atomic", "CREATE TABLE kept.t (a UInt64) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO kept.t SELECT number FROM numbers(1000)")
	process, err := os.FindProcess(c.PID())
	require.NoError(t, err)
	require.NoError(t, process.Kill())
	<-c.Done()
	require.Error(t, c.Stop())

	again := start(t, o)
	require.Equal(t, uint64(1000), count(t, again.Config(), "SELECT count() FROM kept.t"))
	require.NoError(t, again.Stop())
}

func TestClickHouseLetsNobodyInWithoutAPassword(t *testing.T) {
	c := start(t, options(t, t.TempDir()))
	cfg := c.Config()
	exec1(t, cfg, "CREATE DATABASE secret ENGINE = Atomic", "CREATE TABLE secret.t (a UInt64) ENGINE = MergeTree ORDER BY a")
	for _, sql := range []string{
		"SELECT * FROM secret.t", "SELECT * FROM numbers(1)", "SELECT * FROM file('/etc/passwd', LineAsString)",
		"SELECT name FROM system.users", "SYSTEM STOP LISTEN HTTP", "CREATE DATABASE mine", "DROP DATABASE secret",
	} {
		for _, user := range []string{"", "default"} {
			status, body := post(t, cfg, user, "", sql)
			require.NotEqual(t, http.StatusOK, status, "%s as %q: %s", sql, user, body)
		}
	}
	status, _ := post(t, cfg, "assay", "", "SELECT 1")
	require.NotEqual(t, http.StatusOK, status)

	// Nor may the product's own users leave the database.
	for _, sql := range []string{
		"SELECT * FROM file('/etc/passwd', LineAsString)", "SELECT * FROM url('" + cfg.Address + "/ping', LineAsString)",
		"CREATE USER mallory", "INSERT INTO FUNCTION file('/tmp/x', CSV) SELECT 1",
	} {
		status, body := post(t, cfg, cfg.Username, cfg.Password.Reveal(), sql)
		require.NotEqual(t, http.StatusOK, status, "%s: %s", sql, body)
	}
	reader := c.ReaderConfig()
	status, body := post(t, reader, reader.Username, reader.Password.Reveal(), "SELECT count() FROM secret.t")
	require.Equal(t, http.StatusOK, status, body)
	for _, sql := range []string{"INSERT INTO secret.t VALUES (1)", "DROP TABLE secret.t", "SET readonly = 0"} {
		status, body := post(t, reader, reader.Username, reader.Password.Reveal(), sql)
		require.NotEqual(t, http.StatusOK, status, "%s: %s", sql, body)
	}
	require.NoError(t, c.Stop())
}

func TestClickHouseFilesAreTheUsersAlone(t *testing.T) {
	dir := t.TempDir()
	c := start(t, options(t, dir))
	require.NoError(t, c.Stop())
	for _, name := range []string{"config.xml", "users.xml", "clickhouse.log", "store"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Zero(t, info.Mode().Perm()&0o077, name)
	}
	users, err := os.ReadFile(filepath.Join(dir, "users.xml"))
	require.NoError(t, err)
	require.NotContains(t, string(users), c.Config().Password.Reveal())
}

// TestClickHouseListensOnOnePort reads the kernel's table: its HTTP port on
// 127.0.0.1, and nothing else, the native port least of all.
func TestClickHouseListensOnOnePort(t *testing.T) {
	c := start(t, options(t, t.TempDir()))
	u, err := url.Parse(c.Config().Address)
	require.NoError(t, err)
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	require.NoError(t, err)
	want := "0100007F:" + strings.ToUpper(strconv.FormatUint(0x10000|port, 16)[1:])
	require.Equal(t, []string{want}, listening(t, c.PID()))
	require.NoError(t, c.Stop())
}

func listening(t *testing.T, pid int) (addresses []string) {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(pid))
	inodes := map[string]bool{}
	fds, err := filepath.Glob(filepath.Join(proc, "fd", "*"))
	require.NoError(t, err)
	for _, fd := range fds {
		if target, err := os.Readlink(fd); err == nil && strings.HasPrefix(target, "socket:[") {
			inodes[strings.Trim(target, "socket:[]")] = true
		}
	}
	for _, table := range []string{"tcp", "tcp6"} {
		raw, err := os.ReadFile(filepath.Join(proc, "net", table))
		require.NoError(t, err)
		for line := range strings.Lines(string(raw)) {
			const listen = "0A"
			if f := strings.Fields(line); len(f) > 9 && f[3] == listen && inodes[f[9]] {
				addresses = append(addresses, f[1])
			}
		}
	}
	return addresses
}

func TestClickHouseRefusesASecondEngineOnItsFolder(t *testing.T) {
	o := options(t, t.TempDir())
	c := start(t, o)
	_, err := embedded.StartClickHouse(t.Context(), o)
	require.ErrorContains(t, err, "is in use by another process")
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
	require.Equal(t, uint64(1), count(t, c.Config(), "SELECT count() FROM system.one"), "the first one is unharmed")
	require.NoError(t, c.Stop())
}

// TestClickHouseWaitsForAKilledEngine has an engine whose parent was killed hold
// the folder while a new one starts.
func TestClickHouseWaitsForAKilledEngine(t *testing.T) {
	dir := t.TempDir()
	o := options(t, dir)
	line, kill := helper(t, "clickhouse", dir)
	require.NotContains(t, line, "failed")
	kill()
	c := start(t, o)
	require.NoError(t, c.Stop())
}

func TestClickHouseSaysWhyItDidNotStart(t *testing.T) {
	o := options(t, t.TempDir())
	o.Engine.Library = filepath.Join(t.TempDir(), "nothing.so")
	_, err := embedded.StartClickHouse(t.Context(), o)
	require.ErrorContains(t, err, "ended while it started")
	require.ErrorContains(t, err, "nothing.so: cannot open shared object file")

	taken := start(t, options(t, t.TempDir()))
	o = options(t, t.TempDir())
	u, err := url.Parse(taken.Config().Address)
	require.NoError(t, err)
	o.Port, err = strconv.Atoi(u.Port())
	require.NoError(t, err)
	_, err = embedded.StartClickHouse(t.Context(), o)
	require.ErrorContains(t, err, "free it or choose another")
	require.NoError(t, taken.Stop())
}

func TestClickHouseRefusesAnotherKindsFolder(t *testing.T) {
	o := options(t, t.TempDir())
	require.NoError(t, os.WriteFile(filepath.Join(o.DataDir, "engine"), []byte("binary\n"), 0o600))
	_, err := embedded.StartClickHouse(t.Context(), o)
	require.Equal(t, compliance.Conflict, compliance.CodeOf(err))
}

func TestClickHouseGoesDownWithAKilledParent(t *testing.T) {
	dir := t.TempDir()
	o := options(t, dir)
	line, kill := helper(t, "clickhouse", dir)
	pid, err := strconv.Atoi(line)
	require.NoError(t, err, line)
	kill()
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
		return err != nil
	}, 20*time.Second, 20*time.Millisecond, "the engine outlives its parent")
	c := start(t, o)
	require.NoError(t, c.Stop())
}

// helper runs this binary as a process, and gives the first line that it says.
func helper(t *testing.T, what, dir string) (line string, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], dir)
	cmd.Env = append(os.Environ(), helperEnv+"="+what)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line), func() {
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}
}
