package clickhouse

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"assay.example/assay/pkg/compliance"
)

var errLockLost = errors.New("the migration lock's query ended early, so another migrator may have started")

const lockRetry = 50 * time.Millisecond

// lock keeps a second migrator of the same database waiting, for as long as ctx
// lets it. ClickHouse has no locks to take, but refuses a query whose id is that
// of one the same user is running: a query that sleeps is the lock. It goes away
// with its connection, so a killed migrator leaves nothing behind.
//
// What this gives: one migrator a user and a server. Behind a balancer, or with
// two users, two may still run, and then repeatable statements are what is left:
// point migrations at one server.
//
// The returned context ends when the lock is lost; unlock waits for its release.
func lock(ctx context.Context, c Config) (held context.Context, unlock func() error, err error) {
	conn, err := open(c, "")
	if err != nil {
		return nil, nil, err
	}
	var waited bool
	for {
		held, release, err := tryLock(ctx, conn, c.Database)
		if err == nil {
			return held, func() error { release(); return conn.Close() }, nil
		}
		taken := hasCode(err, codeSameQueryID)
		waited = waited || taken
		if waited && ctx.Err() != nil {
			err = compliance.Errorf(compliance.Conflict, "another migrator of database %s is still running: %w", c.Database, ctx.Err())
			return nil, nil, errors.Join(err, conn.Close())
		}
		if !taken {
			return nil, nil, errors.Join(fmt.Errorf("taking the migration lock of database %s: %w", c.Database, err), conn.Close())
		}
		select {
		case <-time.After(lockRetry):
		case <-ctx.Done():
		}
	}
}

// tryLock returns when the sleeping query was seen running, or with its error.
func tryLock(ctx context.Context, conn Conn, database string) (held context.Context, release func(), err error) {
	held, lose := context.WithCancelCause(ctx)
	sleeping, wake := context.WithCancel(undated{ctx})
	ended := make(chan error, 1)
	id, holder := "assay-migrate-"+database, rand.Text()
	go func() {
		err := sleep(sleeping, conn, id, holder)
		lose(errLockLost)
		ended <- err
	}()
	seen, err := awaitSleep(ctx, conn, id, holder, ended)
	if err != nil || !seen {
		wake()
		return nil, nil, cmp.Or(err, errLockLost)
	}
	return held, func() { wake(); <-ended }, nil //nolint:errcheck // it ends with an error because we wake it
}

// awaitSleep polls until the query runs on the server, or has ended.
func awaitSleep(ctx context.Context, conn Conn, id, holder string, ended <-chan error) (seen bool, err error) {
	const question = "SELECT count() FROM system.processes WHERE query_id = $1 AND position(query, $2) > 0"
	for {
		select {
		case err := <-ended:
			return false, err
		case <-time.After(2 * time.Millisecond):
		}
		var running uint64
		if err := conn.QueryRow(ctx, question, id, holder).Scan(&running); err != nil {
			return false, err
		}
		if running > 0 {
			return true, nil
		}
	}
}

// sleep runs a query for a day or until ctx ends, in which case the server
// notices the closed connection within a tenth of a second.
func sleep(ctx context.Context, conn Conn, id, holder string) error {
	ctx = chgo.Context(ctx, chgo.WithQueryID(id), chgo.WithSettings(chgo.Settings{
		"max_block_size": 1, "max_execution_time": 0, "replace_running_query": 0,
		"readonly": 2, "cancel_http_readonly_queries_on_client_close": 1,
	}))
	rows, err := conn.Query(ctx, "SELECT sleep(0.05), '"+holder+"' FROM system.numbers LIMIT 1728000")
	if err != nil {
		return err
	}
	for rows.Next() {
	}
	return errors.Join(rows.Err(), rows.Close())
}

// undated is a context without its deadline, which would reach the server as
// max_execution_time; it still ends when its parent does.
type undated struct {
	context.Context //nolint:containedctx // it wraps the context, and lives as long
}

func (undated) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }
