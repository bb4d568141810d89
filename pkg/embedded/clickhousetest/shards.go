package clickhousetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/embedded"
)

// shardsEnv asks for two engines.
const shardsEnv = "ASSAY_TEST_SHARDS"

// shards is the name of their cluster.
const shards = "shards"

func (e *engine) startShards(ctx context.Context, library string) (err error) {
	s := embedded.Shards{Cluster: shards}
	if s.Ports, err = freePorts(ctx, 2); err != nil {
		return err
	}
	s.This = s.Ports[0]
	if e.server, err = e.startOne(ctx, library, "clickhouse", s); err != nil {
		return err
	}
	s.This = s.Ports[1]
	other, err := e.startOne(ctx, library, "clickhouse-2", s)
	if err == nil {
		e.others = append(e.others, other)
	}
	return err
}

// freePorts are different ones: each is held until all are found.
func freePorts(ctx context.Context, n int) (ports []int, err error) {
	for range n {
		var config net.ListenConfig
		l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port) //nolint:forcetypeassert // a TCP listener's address
	}
	return ports, nil
}

// onOthers runs statements on all shards but the first.
func (e *engine) onOthers(ctx context.Context, database string, statements ...string) error {
	for _, other := range e.others {
		c := other.Config()
		c.Database = database
		conn, err := clickhouse.Open(ctx, c)
		if err != nil {
			return err
		}
		for _, s := range statements {
			if err == nil {
				err = conn.Exec(ctx, s)
			}
		}
		if err = errors.Join(err, conn.Close()); err != nil {
			return fmt.Errorf("on the other shard: %w", err)
		}
	}
	return nil
}

// spread makes the tables on all shards: those of a cluster, but that they aren't replicated
// and that each shard is told what ON CLUSTER tells all.
func (e *engine) spread(ctx context.Context, conn clickhouse.Conn, c clickhouse.Config) error {
	statements, err := clickhouse.Statements(c)
	if err != nil {
		return err
	}
	database := "CREATE DATABASE IF NOT EXISTS " + c.Database + " ENGINE = Atomic"
	if err := e.onOthers(ctx, "default", database); err != nil {
		return err
	}
	first := e.server.Config()
	first.Database = "default"
	setup, err := clickhouse.Open(ctx, first)
	if err != nil {
		return err
	}
	if err := errors.Join(setup.Exec(ctx, database), setup.Close()); err != nil {
		return err
	}
	var everywhere []string
	for i, s := range statements {
		if statements[i] = unreplicated(s); !strings.HasPrefix(s, "INSERT") {
			everywhere = append(everywhere, statements[i])
		}
	}
	if err := e.onOthers(ctx, c.Database, everywhere...); err != nil {
		return err
	}
	for _, s := range statements {
		if err := conn.Exec(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

var replicated = regexp.MustCompile(`Replicated(\w*MergeTree)\('[^']*', '[^']*'(?:, )?`)

func unreplicated(s string) string {
	s = strings.ReplaceAll(s, " ON CLUSTER `"+shards+"`", "")
	s = strings.ReplaceAll(s, "SETTINGS replicated_deduplication_window", "SETTINGS non_replicated_deduplication_window")
	return replicated.ReplaceAllString(s, "$1(")
}
