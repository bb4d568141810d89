// Package clickhousetest gives tests a real ClickHouse: one engine for all tests
// of a package, a fresh database for each.
//
// It takes the server that ASSAY_TEST_CLICKHOUSE names (an address; the user is
// default without a password, or user:password before an @), or else runs the
// library from the cache. It never downloads: without both, tests are skipped
// with a line that begins with SkipPrefix.
//
// With ASSAY_TEST_SHARDS=1 there are two engines, and databases of Open are spread over
// them as on a cluster (without replicas, for which an engine of the library lacks a port).
package clickhousetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/pkg/settings"
)

// SkipPrefix begins the message of each test that is skipped for want of ClickHouse.
const SkipPrefix = "SKIP-CLICKHOUSE:"

// addressEnv names a server to use instead of an engine of our own.
const addressEnv = "ASSAY_TEST_CLICKHOUSE"

// noClickHouse is the same for all tests, so that a summary can count them.
const noClickHouse = SkipPrefix + " set " + addressEnv + " to a server's address, or run scripts/fetch-clickhouse.sh"

// Library is the cached library, for tests that start engines themselves. It
// skips the test where there is none.
func Library(t testing.TB) string {
	t.Helper()
	path, ok := embedded.LibraryCached()
	if !ok {
		t.Skip(noClickHouse)
	}
	return path
}

// Main is TestMain's whole body: os.Exit(clickhousetest.Main(m)). The engine
// starts with the first test that asks for it and stops after the last test.
func Main(m *testing.M) int {
	embedded.MaybeRunEngine()
	code := m.Run()
	shared.end()
	if err := shared.stop(); err != nil {
		fmt.Fprintf(os.Stderr, "clickhousetest: %v\n", err)
		return max(code, 1)
	}
	return code
}

// engine is the one of this process.
type engine struct {
	once   sync.Once
	server *embedded.ClickHouse
	// others are the other shards.
	others []*embedded.ClickHouse
	dir    string
	config clickhouse.Config
	err    error
	skip   string
	// ends are to be called after the last test.
	ends []func()
}

// shared is a global because testing.M and testing.T have nothing else in common.
var shared engine

// Start is the configuration of the suite's server, without a database of the
// test's own. It skips the test where there is none.
func Start(t testing.TB) clickhouse.Config {
	t.Helper()
	shared.once.Do(func() { shared.start(context.WithoutCancel(t.Context())) })
	if shared.skip != "" {
		t.Skip(shared.skip)
	}
	require.NoError(t, shared.err, "starting the suite's ClickHouse")
	return shared.config
}

// Lasting is t for what other tests of the package read, too: what is cleaned up by it lasts
// until the last of them has ended.
func Lasting(t testing.TB) testing.TB { return lasting{t} }

type lasting struct{ testing.TB }

func (l lasting) Cleanup(f func()) { shared.ends = append(shared.ends, f) }

func (l lasting) Context() context.Context { return context.WithoutCancel(l.TB.Context()) }

func (e *engine) end() {
	for _, f := range slices.Backward(e.ends) {
		f()
	}
}

// Database is the configuration of a database that no other test has. It isn't
// made yet (Migrate makes it) and is dropped when the test ends.
func Database(t testing.TB) clickhouse.Config {
	t.Helper()
	server := Start(t)
	c := server
	c.Database = "test_" + strings.ToLower(rand.Text())
	ctx := context.WithoutCancel(t.Context()) // which ends before the clean-up
	t.Cleanup(func() {
		conn, err := clickhouse.Open(ctx, server)
		require.NoError(t, err)
		defer func() { require.NoError(t, conn.Close()) }()
		require.NoError(t, conn.Exec(ctx, "DROP DATABASE IF EXISTS "+c.Database+" SYNC"))
		require.NoError(t, shared.onOthers(ctx, "default", "DROP DATABASE IF EXISTS "+c.Database+" SYNC"))
	})
	return c
}

// Open connects to a fresh database, with the product's tables in it.
func Open(t testing.TB) (clickhouse.Conn, clickhouse.Config) {
	t.Helper()
	c := Database(t)
	if shared.others != nil {
		c.Cluster = shards
	}
	conn, err := clickhouse.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	if shared.others != nil {
		require.NoError(t, shared.spread(t.Context(), conn, c))
		return conn, c
	}
	require.NoError(t, clickhouse.Migrate(t.Context(), conn, c, zerolog.Nop()))
	return conn, c
}

func (e *engine) start(ctx context.Context) {
	if address := os.Getenv(addressEnv); address != "" {
		e.config, e.err = parse(address)
		return
	}
	library, ok := embedded.LibraryCached()
	if !ok {
		e.skip = noClickHouse
		return
	}
	if e.dir, e.err = os.MkdirTemp("", "clickhousetest-"); e.err != nil {
		return
	}
	if os.Getenv(shardsEnv) != "" {
		e.err = e.startShards(ctx, library)
	} else {
		e.server, e.err = e.startOne(ctx, library, "clickhouse", embedded.Shards{})
	}
	if e.err == nil {
		e.config = e.server.Config()
		e.config.Database = "default"
	}
}

func (e *engine) startOne(ctx context.Context, library, folder string, s embedded.Shards) (*embedded.ClickHouse, error) {
	return embedded.StartClickHouse(ctx, embedded.ClickHouseOptions{
		DataDir: filepath.Join(e.dir, folder), Engine: embedded.Engine{Library: library}, Shards: s, Log: zerolog.Nop(),
	})
}

func (e *engine) stop() error {
	var err error
	for _, other := range e.others {
		err = errors.Join(err, other.Stop())
	}
	if e.server != nil {
		err = errors.Join(err, e.server.Stop())
	}
	if e.dir != "" && err == nil {
		err = os.RemoveAll(e.dir)
	}
	return err
}

// parse takes user:password out of the address, where Config has none.
func parse(address string) (clickhouse.Config, error) {
	c := clickhouse.Config{Database: "default", Username: "default"}
	if !strings.Contains(address, "://") {
		address = "http://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return c, fmt.Errorf("reading %s: %w", addressEnv, err)
	}
	if u.User != nil {
		password, _ := u.User.Password()
		c.Username, c.Password = u.User.Username(), settings.Secret(password)
		u.User = nil
	}
	c.Address = u.String()
	return c, c.Validate()
}

// Reader is c as the engine's read-only user. ok is false on a server that the
// tests didn't start, which has no such user.
func Reader(t testing.TB, c clickhouse.Config) (reader clickhouse.Config, ok bool) {
	t.Helper()
	Start(t)
	if shared.server == nil {
		return c, false
	}
	reader = shared.server.ReaderConfig()
	reader.Database = c.Database
	return reader, true
}
