package main

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/embedded"
	"assay.example/assay/services/recorder"
)

// kind is what a side's rows go into.
type kind int

const (
	product      kind = iota // verdict_revisions, which feeds verdicts and verdict_days
	withoutFeeds             // verdict_revisions alone
	bare                     // a table of the same columns in the same order, and nothing more
)

// side is one of two, with a database of its own.
type side struct {
	options
	conn   clickhouse.Conn
	table  string
	writer *recorder.Writer
	next   int // number of the first row that wasn't made yet

	decoded []*recorder.Decoded
	blocks  [][]any
}

func newSide(ctx context.Context, engine *embedded.ClickHouse, o options, database string, k kind) (*side, error) {
	c := engine.Config()
	c.Database = database
	conn, err := clickhouse.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := clickhouse.Migrate(ctx, conn, c, zerolog.Nop()); err != nil {
		return nil, err
	}
	s := &side{options: o, conn: conn, table: "verdict_revisions"}
	if s.writer, err = recorder.NewWriter(conn, prometheus.NewRegistry()); err != nil {
		return nil, err
	}
	if k == product {
		return s, nil
	}
	statements := []string{"DROP VIEW verdicts_feed SYNC", "DROP VIEW verdict_days_feed SYNC"}
	if k == bare {
		s.table = "bare"
		statements = []string{"CREATE TABLE bare AS verdict_revisions ENGINE = MergeTree ORDER BY (tenant, control, item_id, revision)"}
	}
	for _, statement := range statements {
		if err := conn.Exec(ctx, statement); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// settle waits until nothing of the turn before is being merged.
func (s *side) settle(ctx context.Context) error {
	for {
		var merges uint64
		if err := s.conn.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil || merges == 0 {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (s *side) take() (first int) {
	first = s.next
	s.next += s.rows
	return first
}

// decode makes a turn's batches as a recorder holds them.
func (s *side) decode(ctx context.Context) error {
	s.decoded = s.decoded[:0]
	for range s.batches {
		d, err := recorder.DecodeVerdicts(records(s.take(), s.rows))
		if err != nil {
			return err
		}
		s.decoded = append(s.decoded, d)
	}
	return s.settle(ctx)
}

// record is the recorder's way.
func (s *side) record(ctx context.Context) (done int64, err error) {
	for _, d := range s.decoded {
		if err := s.writer.Write(ctx, d); err != nil {
			return done, err
		}
		done += int64(s.rows)
	}
	return done, nil
}

// columns makes a turn's batches as clickhouse-go takes them.
func (s *side) columns(ctx context.Context) error {
	s.blocks = s.blocks[:0]
	for range s.batches {
		first := s.take()
		list := make([]*compliance.Revision, s.rows)
		for i := range list {
			list[i] = revision(first + i)
		}
		s.blocks = append(s.blocks, columns(list, first))
	}
	return s.settle(ctx)
}

// insert is the least that would do.
func (s *side) insert(ctx context.Context) (done int64, err error) {
	for _, block := range s.blocks {
		if err := s.send(ctx, block); err != nil {
			return done, err
		}
		done += int64(s.rows)
	}
	return done, nil
}

func (s *side) send(ctx context.Context, block []any) error {
	batch, err := s.conn.PrepareBatch(ctx, fmt.Sprintf("INSERT INTO %s (%s)", s.table, names))
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }()
	for i, values := range block {
		if err := batch.Column(i).Append(values); err != nil {
			return err
		}
	}
	return batch.Send()
}
