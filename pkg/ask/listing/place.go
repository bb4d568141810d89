package listing

import (
	"context"
	"fmt"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
)

// Stored is an event with all that its row says. Raw is its value, byte for byte.
type Stored struct {
	Event
	Raw       string
	Family    string
	LeafIndex uint64
	Leaf      string
	// Previous is the offset of the record before it, -1 if there is none.
	Previous int64
}

// EventAt finds the event at a place in the log; no row if there is none.
func EventAt(ctx context.Context, a *ask.Asker, topic string, partition int32, offset int64) (ask.Answer[Stored], error) {
	type row struct {
		EventRow
		Family    string `ch:"family"`
		LeafIndex uint64 `ch:"leaf_index"`
		Leaf      string `ch:"leaf_hash"`
		Previous  int64  `ch:"prev_offset"`
	}
	params := []clickhouse.Param{clickhouse.Named("topic", topic), clickhouse.Named("partition", partition), clickhouse.Named("offset", offset)}
	return ask.Question(ctx, a, "event_at", params, func(r *row) Stored {
		return Stored{r.Event(), r.Data, r.Family, r.LeafIndex, r.Leaf, r.Previous}
	})
}

// RestingOn lists the verdicts that name the event at a place as evidence.
func RestingOn(ctx context.Context, a *ask.Asker, topic string, partition int32, offset int64, limit int) (ask.Answer[Verdict], error) {
	place := fmt.Sprintf(`"topic":%q,"partition":%d,"offset":%d,`, topic, partition, offset)
	params := []clickhouse.Param{clickhouse.Named("place", place), clickhouse.Named("limit", uint64(max(0, limit)))}
	return ask.Question(ctx, a, "resting_on", params, (*VerdictRow).Verdict)
}

// Late is an event that came later than its control corrects.
type Late struct {
	Control, Key, Expectation string
	Event                     Event
	// Watermark is how far the log was complete when it came.
	Watermark time.Time
}

// Quarantined lists late events by their time.
func Quarantined(ctx context.Context, a *ask.Asker, p ask.Period, limit int) (ask.Answer[Late], error) {
	type row struct {
		Control     string    `ch:"control"`
		Key         string    `ch:"join_key"`
		Watermark   time.Time `ch:"watermark"`
		Expectation string    `ch:"expectation"`
		Source      string    `ch:"source"`
		ID          string    `ch:"id"`
		Type        string    `ch:"type"`
		Time        time.Time `ch:"time"`
		Topic       string    `ch:"topic"`
		Partition   int32     `ch:"partition"`
		Offset      int64     `ch:"offset"`
		Hash        string    `ch:"hash"`
	}
	params := append(ask.Window(p.From, p.To), clickhouse.Named("limit", uint64(max(0, limit))))
	return ask.Question(ctx, a, "query_quarantined", params, func(r *row) Late {
		return Late{r.Control, r.Key, r.Expectation, Event{
			Time: ask.Instant(r.Time), Type: r.Type, Source: r.Source, ID: r.ID, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, SHA256: r.Hash,
		}, r.Watermark}
	})
}

// Refused lists what was no event as RejectedPages does.
func Refused(ctx context.Context, a *ask.Asker, f Filter) (ask.Answer[Rejected], error) {
	return RejectedPages().all(ctx, a, f)
}

// Conflicts lists events with several bodies as ConflictPages does.
func Conflicts(ctx context.Context, a *ask.Asker, f Filter) (ask.Answer[Conflict], error) {
	return ConflictPages().all(ctx, a, f)
}

// Violations lists violation records as ViolationPages does.
func Violations(ctx context.Context, a *ask.Asker, f Filter) (ask.Answer[Violation], error) {
	return ViolationPages().all(ctx, a, f)
}
