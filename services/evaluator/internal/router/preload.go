package router

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// reader reads a source for a lane.
type reader struct {
	lane   *lane
	from   routed.Source
	client *kgo.Client
}

func (r *router) closeLane() {
	if r.reading.client != nil {
		r.reading.client.Close()
		r.deps.Metrics.forget(r.reading.from)
	}
	r.reading = reader{}
}

// preload reads a slice of what the rules of a change want of the past, beside what comes.
// One source is read after the other.
func (r *router) preload(ctx, work context.Context) error {
	c := r.table.behind()
	if c == nil {
		r.closeLane()
		return nil
	}
	if err := r.cfg.Hook.At(Preloading); err != nil {
		return err
	}
	l := c.lanes[0]
	if r.reading.lane != l {
		r.closeLane()
		if err := r.learnPast(work, l.Activation); err != nil {
			return err
		}
		if err := r.openLane(work, c); err != nil || l.done() {
			return err
		}
	}
	poll, cancel := context.WithTimeout(ctx, leastPoll)
	defer cancel()
	fetches := r.reading.client.PollRecords(poll, r.cfg.Batch)
	if err := consume.Failure(poll, fetches); err != nil {
		return err
	}
	for rec := range fetches.RecordsAll() {
		if err := r.cfg.Hook.At(Routing); err != nil {
			return err
		}
		facts, err := r.table.past(c, rec)
		if err != nil {
			return err
		}
		for _, out := range facts {
			r.produce(work, out)
		}
		r.deps.Metrics.Preloaded.Add(float64(len(facts)))
		if l.done() {
			break
		}
	}
	r.progress(c)
	return nil
}

// openLane finds where a source is to be read from, and opens a reader there.
func (r *router) openLane(work context.Context, c *chain) error {
	l := c.lanes[0]
	starts, err := kadm.NewClient(r.client).ListStartOffsets(work, c.from.Topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("finding the start of %s/%d: %w", c.from.Topic, c.from.Partition, err)
	}
	first, _ := starts.Lookup(c.from.Topic, c.from.Partition)
	start := first.Offset
	if l.Next < start {
		if start, err = r.seek(work, c.from, max(start, 0), l); err != nil {
			return err
		}
	}
	l.begin(start)
	r.deps.Log.Info().Str("topic", c.from.Topic).Int32("partition", c.from.Partition).Int("activation", l.Activation).
		Int64("offset", l.Next).Int64("marker", l.Marker).Msg("router reads the past of a source for changed rules")
	if l.Next > l.Marker { // nothing of it is left
		l.Next = l.Marker
	}
	if l.Next == l.Marker {
		l.end(c.clock)
		return nil
	}
	client, err := r.readFrom(c.from, l.Next)
	if err != nil {
		return err
	}
	r.reading = reader{l, c.from, client}
	return nil
}

func (r *router) readFrom(from routed.Source, offset int64, opts ...kgo.Opt) (*kgo.Client, error) {
	client, err := kgo.NewClient(slices.Concat(r.cfg.Client, opts, []kgo.Opt{
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{from.Topic: {from.Partition: kgo.NewOffset().At(offset)}}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),
	})...)
	if err != nil {
		return nil, fmt.Errorf("opening a reader of the past: %w", err)
	}
	return client, nil
}

// seek finds, by halving, a place in a source before all events that a lane wants: the
// clock from there on says that none of their time is earlier. It is not to be the last
// such place, so it needs no more than a clock that rises by and large.
func (r *router) seek(work context.Context, from routed.Source, start int64, l *lane) (int64, error) {
	wanted := r.table.pasts[l.Activation].From()
	if r.cfg.Seek == 0 || wanted == compliance.Ever {
		return start, nil
	}
	for end := l.Marker; end-start > r.cfg.Seek; {
		middle := start + (end-start)/2
		clock, err := r.clockFrom(work, from, middle, l.Marker)
		switch {
		case err != nil:
			return 0, err
		case clock != compliance.Ever && clock.Add(control.Early+unsteady) < wanted:
			start = middle
		default:
			end = middle
		}
	}
	return start, nil
}

// unsteady is how far a source's clock may have been set back: two owners for a moment.
const unsteady = control.Early

// clockFrom is the first clock of a source from an offset on; Ever if none comes before
// the end.
func (r *router) clockFrom(work context.Context, from routed.Source, offset, end int64) (compliance.Instant, error) {
	client, err := r.readFrom(from, offset, kgo.FetchMaxPartitionBytes(64<<10))
	if err != nil {
		return 0, err
	}
	defer client.Close()
	for {
		fetches := client.PollFetches(work)
		if err := consume.Failure(work, fetches); err != nil {
			return 0, err
		}
		if err := work.Err(); err != nil {
			return 0, fmt.Errorf("looking for a clock in %s/%d: %w", from.Topic, from.Partition, err)
		}
		for rec := range fetches.RecordsAll() {
			_, marker := record.DecodeMarker(rec)
			switch now, clock := record.DecodeClock(rec); {
			case rec.Offset >= end:
				return compliance.Ever, nil
			case clock && !marker:
				return now, nil
			}
		}
	}
}

// learnPast finds what the controls of an activation want of the past.
func (r *router) learnPast(work context.Context, activation int) (err error) {
	if r.deps.Past == nil || r.table.pasts[activation] != nil {
		return nil
	}
	if r.table.pasts[activation], err = r.deps.Past(work, activation); err != nil {
		return fmt.Errorf("finding what activation %d wants of the past: %w", activation, err)
	}
	return nil
}

func (r *router) progress(c *chain) {
	l := c.lanes[0]
	r.deps.Metrics.behind(c.from, l.Marker+1-l.Next)
	if l.done() {
		r.deps.Log.Info().Str("topic", c.from.Topic).Int32("partition", c.from.Partition).Int("activation", l.Activation).
			Str("whole_from", since(l.Whole)).Msg("router has read the past of a source for changed rules")
	}
}

// since is an instant in words.
func since(whole compliance.Instant) string {
	if whole == compliance.Ever {
		return "ever"
	}
	return whole.String()
}
