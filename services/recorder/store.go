package recorder

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/services/recorder/internal/rows"
)

// insertTimeout ends an insert that hangs; it is then made again.
const insertTimeout = 2 * time.Minute

// store writes blocks to ClickHouse.
type store struct {
	conn    clickhouse.Conn
	metrics *metrics
	types   clickhouse.Types
	// coverage is the table to read; it must show what any recorder before was told is written.
	coverage string
	// slots bounds how many inserts run at once.
	slots chan struct{}
}

// insert writes a block once, however often it is called with the same token.
func (s *store) insert(ctx context.Context, token string, b *rows.Block) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	began := time.Now()
	err := s.send(ctx, token, b)
	s.metrics.inserts.WithLabelValues(b.Table).Observe(time.Since(began).Seconds())
	if err != nil {
		return fmt.Errorf("inserting %d rows into %s: %w", b.Rows, b.Table, err)
	}
	s.metrics.rows.WithLabelValues(b.Table).Add(float64(b.Rows))
	return nil
}

func (s *store) send(ctx context.Context, token string, b *rows.Block) (err error) {
	defer func() {
		if err != nil {
			s.types.Forget(b.Table)
		}
	}()
	if ctx, err = s.types.Known(ctx, s.conn, b.Table, b.Names()); err != nil {
		return err
	}
	batch, err := s.conn.PrepareBatch(clickhouse.Once(ctx, token), b.Query())
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }() // after Send or Abort it does nothing
	defer func() {
		if err != nil {
			_ = batch.Abort() // what went wrong is known already
		}
	}()
	for i, c := range b.Columns {
		if err := batch.Column(i).Append(c.Values); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return batch.Send()
}

// covered asks how far a partition has been recorded.
func (s *store) covered(ctx context.Context, topicID [16]byte, p tp) (covered, error) {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	c := covered{Before: rows.Chain{Last: -1}}
	result, err := s.conn.Query(ctx, `SELECT end_offset, last_offset, leaves FROM `+s.coverage+`
		WHERE topic = ? AND partition = ? AND topic_id = toUUID(?) ORDER BY start_offset DESC LIMIT 1 SETTINGS skip_unavailable_shards = 1`,
		p.topic, p.partition, uuid.UUID(topicID).String())
	if err != nil {
		return c, fmt.Errorf("reading coverage: %w", err)
	}
	defer func() { _ = result.Close() }()
	if result.Next() {
		if err := result.Scan(&c.End, &c.Before.Last, &c.Before.Leaves); err != nil {
			return c, fmt.Errorf("reading coverage: %w", err)
		}
	}
	return c, result.Err()
}
