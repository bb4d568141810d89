package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Origin is a vendor's delivery that an event was made from. What it says in full stays
// where it is: it may name people.
type Origin struct {
	Source    string
	Kind      string
	ID        string
	At        compliance.Instant
	MediaType string
	// Mapping names what read it, Events counts what it became, and Note says why
	// something in it became nothing.
	Mapping   string
	Events    uint32
	Note      string
	Size      uint32
	SHA256    string
	Topic     string
	Partition int32
	Offset    int64
}

// DeliveryBehind finds the deliveries that the event at a place in the log was made
// from: none for one that was sent as it is.
func DeliveryBehind(ctx context.Context, a *ask.Asker, topic string, partition int32, offset int64, limit int) (ask.Answer[Origin], error) {
	type row struct {
		Source    string    `ch:"source"`
		Kind      string    `ch:"kind"`
		ID        string    `ch:"id"`
		At        time.Time `ch:"at"`
		MediaType string    `ch:"media_type"`
		Mapping   string    `ch:"mapping"`
		Events    uint32    `ch:"events"`
		Note      string    `ch:"note"`
		Size      uint32    `ch:"size"`
		Hash      string    `ch:"hash"`
		Topic     string    `ch:"topic"`
		Partition int32     `ch:"partition"`
		Offset    int64     `ch:"offset"`
	}
	params := []clickhouse.Param{
		clickhouse.Named("topic", topic), clickhouse.Named("partition", partition), clickhouse.Named("offset", offset),
		clickhouse.Named("limit", uint64(max(0, limit))),
	}
	return ask.Question(ctx, a, "delivery_behind", params, func(r *row) Origin {
		return Origin{
			r.Source, r.Kind, r.ID, ask.Instant(r.At), r.MediaType, r.Mapping, r.Events, r.Note, r.Size, r.Hash,
			r.Topic, r.Partition, r.Offset,
		}
	})
}

// History lists everything that was ever said about one item, the first revision first.
func History(ctx context.Context, a *ask.Asker, control, item string) (ask.Answer[Verdict], error) {
	params := []clickhouse.Param{clickhouse.Named("control", control), clickhouse.Named("item", item)}
	return ask.Question(ctx, a, "history", params, func(r *FoundRow) Verdict { return r.Verdict() })
}
