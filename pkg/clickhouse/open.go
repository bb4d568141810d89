package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/settings"
)

// Conn is a pool of connections, safe for concurrent use. Close it.
type Conn = chgo.Conn

const (
	pingTimeout  = 10 * time.Second
	minMajor     = 25
	minMinor     = 3
	maxOpenConns = 16
	maxIdleConns = 8
	idleTimeout  = 2 * time.Second
)

// codeSameQueryID is ClickHouse saying that a query of this id is running.
const codeSameQueryID = 216

// Open connects and asks the server once, for ten seconds at most. Whether the
// database exists is not asked, since Migrate makes it.
//
// A context's deadline travels to the server as max_execution_time, five
// seconds longer; where the user's profile caps that setting, a longer deadline
// is an error (452). Query keeps deadlines on this side and has no such limit.
func Open(ctx context.Context, c Config) (Conn, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if err := c.greet(ctx); err != nil {
		return nil, err
	}
	return open(c, c.Database)
}

// open makes the pool without a round trip.
func open(c Config, database string) (Conn, error) {
	at, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	password, err := settings.ReadSecret(c.Password, c.PasswordFile)
	if err != nil {
		return nil, fmt.Errorf("clickhouse.passwordFile: %w", err)
	}
	opts := &chgo.Options{
		Protocol:    chgo.HTTP,
		Addr:        []string{at.host},
		HttpUrlPath: at.path,
		Auth:        chgo.Auth{Database: database, Username: c.Username, Password: password.Reveal()},
		Compression: &chgo.Compression{Method: chgo.CompressionLZ4},
		DialTimeout: pingTimeout,
		// Connections age so that a balancer's changes are noticed.
		ConnMaxLifetime: 10 * time.Minute,
		MaxOpenConns:    maxOpenConns,
		MaxIdleConns:    maxIdleConns,
		ClientInfo:      clientInfo(),
		TransportFunc:   closeIdleFirst,
		Settings:        c.settings(),
	}
	if at.native {
		opts.Protocol = chgo.Native
	}
	if at.tls {
		if opts.TLS, err = c.TLS.config(); err != nil {
			return nil, err
		}
	}
	conn, err := chgo.Open(opts)
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "preparing ClickHouse at %s: %w", c.Address, err)
	}
	return conn, nil
}

// settings are what a cluster needs to give the answers of one server.
func (c Config) settings() chgo.Settings {
	if c.Cluster == "" {
		return nil
	}
	return chgo.Settings{
		// Acknowledged means written on each shard. By how many replicas there is for the
		// user's profile to say (insert_quorum): it depends on how many there are.
		"distributed_foreground_insert": 1,
		// A table in a subquery is all of it, whichever shard asks.
		"distributed_product_mode": "global",
		// All read where all write, as long as it is up, and never from a replica that is
		// known to lag, or without a shard: a count would be short and look whole.
		"load_balancing": "in_order",
		"max_replica_delay_for_distributed_queries":          5,
		"fallback_to_stale_replicas_for_distributed_queries": 0,
		"skip_unavailable_shards":                            0,
	}
}

// closeIdleFirst makes HTTP connections end on this side, before the server ends
// them (its keep_alive_timeout): an insert that meets a closing connection fails.
func closeIdleFirst(t *http.Transport) (http.RoundTripper, error) {
	t.IdleConnTimeout = idleTimeout
	return t, nil
}

func clientInfo() chgo.ClientInfo {
	var info chgo.ClientInfo
	version := "unknown"
	if build, ok := debug.ReadBuildInfo(); ok {
		version = build.Main.Version
	}
	info.Products = append(info.Products, struct{ Name, Version string }{"assay", version})
	return info
}

// greet checks that a server answers and is young enough, in no database.
func (c Config) greet(ctx context.Context) (err error) {
	conn, err := open(c, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	if err := conn.Ping(ctx); err != nil {
		return compliance.Errorf(compliance.Unavailable,
			"connecting to ClickHouse at %s as user %q: %w", c.Address, c.Username, err)
	}
	version, err := conn.ServerVersion()
	if err != nil {
		return fmt.Errorf("asking ClickHouse at %s for its version: %w", c.Address, err)
	}
	v := version.Version
	if v.Major < minMajor || v.Major == minMajor && v.Minor < minMinor {
		return compliance.Errorf(compliance.Unavailable,
			"ClickHouse at %s is version %s; %d.%d or later is needed: upgrade the server", c.Address, v, minMajor, minMinor)
	}
	return nil
}

// hasCode says whether ClickHouse itself refused with this code.
func hasCode(err error, code int32) bool {
	exception, ok := errors.AsType[*chgo.Exception](err)
	return ok && exception.Code == code
}
