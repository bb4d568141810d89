package intake

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// generation is the time between two rebalances of a group.
type generation struct {
	cfg  Config
	deps Deps
	gen  *kafka.Generation

	trackers  map[int]*tracker
	committed map[int]int64
}

// position is where a partition begins and what of it is finished.
type position struct{ first, committed int64 }

// run ends when the generation does; an error ends the generation.
func (g *generation) run(ctx context.Context) {
	err := g.work(ctx)
	if err == nil || ctx.Err() != nil {
		return
	}
	g.deps.Ready(err)
	g.deps.Log.Warn().Err(err).Str("group", g.cfg.Group).Msg("reading violations failed; joining the group again")
	timer := time.NewTimer(rejoinWait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (g *generation) work(parent context.Context) error {
	ctx, fail := context.WithCancelCause(parent)
	defer fail(nil)
	positions, err := g.positions(ctx)
	if err != nil {
		return err
	}
	session, err := g.deps.Open(ctx)
	if err != nil {
		return err
	}
	g.deps.Ready(nil)
	var readers sync.WaitGroup
	for id, at := range positions {
		readers.Go(func() {
			if err := g.read(ctx, session, id, at); err != nil {
				fail(err)
			}
		})
	}
	g.commitUntil(ctx, fail)
	readers.Wait()
	session.Close()
	if err := g.commit(); err != nil {
		g.deps.Log.Debug().Err(err).Msg("the last commit of a generation failed; what it held is done again")
	}
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// positions finds where each partition stands. A group that is new begins at the end
// of the log, and commits that at once, so that what comes from now on isn't missed
// whatever happens.
func (g *generation) positions(ctx context.Context) (map[int]position, error) {
	positions := map[int]position{}
	for _, p := range g.gen.Assignments[g.cfg.Topic] {
		first, last, err := g.bounds(ctx, p.ID)
		if err != nil {
			return nil, err
		}
		at := position{first: first, committed: p.Offset}
		switch {
		case p.Offset < 0:
			at.committed = last
		case p.Offset > last:
			g.deps.Log.Warn().Int("partition", p.ID).Int64("committed", p.Offset).Int64("end", last).
				Msg("the log is shorter than what was read of it; reading it from its beginning")
			at.committed = first
		}
		positions[p.ID] = at
		g.trackers[p.ID] = newTracker(at.committed)
		g.committed[p.ID] = p.Offset
	}
	return positions, g.commit()
}

func (g *generation) bounds(ctx context.Context, partition int) (first, last int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, dialWithin)
	defer cancel()
	for _, broker := range g.cfg.Brokers {
		var conn *kafka.Conn
		if conn, err = g.cfg.Dialer.DialLeader(ctx, "tcp", broker, g.cfg.Topic, partition); err != nil {
			continue
		}
		first, last, err = conn.ReadOffsets()
		_ = conn.Close() // it only read
		if err == nil {
			return first, last, nil
		}
	}
	return 0, 0, fmt.Errorf("reading the ends of partition %d of %s: %w", partition, g.cfg.Topic, err)
}

// read hands a partition's records on until ctx ends.
func (g *generation) read(ctx context.Context, session Session, id int, at position) (err error) {
	r := kafka.NewReader(kafka.ReaderConfig{
		Brokers: g.cfg.Brokers, Dialer: g.cfg.Dialer, Topic: g.cfg.Topic, Partition: id,
		MinBytes: 1, MaxBytes: maxBytes, MaxWait: maxWait, ErrorLogger: clientLog(g.deps.Log),
	})
	defer func() {
		if closing := r.Close(); err == nil {
			err = closing
		}
	}()
	if err := r.SetOffset(at.first); err != nil {
		return fmt.Errorf("reading partition %d of %s from %d: %w", id, g.cfg.Topic, at.first, err)
	}
	for {
		m, err := r.FetchMessage(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return fmt.Errorf("reading partition %d of %s: %w", id, g.cfg.Topic, err)
		}
		// Take fails only when ctx ends.
		if err := g.hand(ctx, session, m, at.committed, g.trackers[id]); err != nil {
			return nil
		}
	}
}

func (g *generation) hand(ctx context.Context, session Session, m kafka.Message, committed int64, t *tracker) error {
	v := decode(m)
	fresh := m.Offset >= committed
	if fresh {
		t.begin(m.Offset)
	}
	switch {
	case v == nil:
		g.deps.Skipped()
		t.finish(m.Offset)
	case fresh:
		return session.Take(ctx, v, m.Time, func() { t.finish(m.Offset) })
	default:
		session.Restore(v)
	}
	return nil
}

// commitUntil commits now and then until ctx ends.
func (g *generation) commitUntil(ctx context.Context, fail context.CancelCauseFunc) {
	ticker := time.NewTicker(g.cfg.CommitEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := g.commit(); err != nil {
				fail(err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// commit tells the group what is finished, if that is news.
func (g *generation) commit() error {
	news := map[int]int64{}
	for id, t := range g.trackers {
		if low := t.low(); low != g.committed[id] {
			news[id] = low
		}
	}
	if len(news) == 0 {
		return nil
	}
	if err := g.gen.CommitOffsets(map[string]map[int]int64{g.cfg.Topic: news}); err != nil {
		return fmt.Errorf("committing in group %s: %w", g.cfg.Group, err)
	}
	maps.Copy(g.committed, news)
	return nil
}
