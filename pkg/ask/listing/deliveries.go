package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

func (r *deliveryRow) delivery() Delivery {
	return Delivery{
		ask.Instant(r.At), r.ID, r.Message, r.Target, r.Kind, r.Control, r.Route, r.Violations, r.Items, r.Revisions,
		r.Action, r.Attempt, r.Outcome, r.Status, r.Error, r.Duration,
	}
}

// ItemDeliveries lists attempts to tell somebody of one item, the earliest first.
func ItemDeliveries(ctx context.Context, a *ask.Asker, control, item string, limit int) (ask.Answer[Delivery], error) {
	params := []clickhouse.Param{
		clickhouse.Named("control", control), clickhouse.Named("item", item), clickhouse.Named("limit", uint64(max(0, limit))),
	}
	return ask.Question(ctx, a, "item_deliveries", params, (*deliveryRow).delivery)
}

// Place is a place in the order of (time, id).
type Place struct {
	Time compliance.Instant
	ID   string
}

// DeliveriesBefore lists attempts, the latest first: those of a filter's window,
// control, target and outcome that come before a place in the order of (at, id). A
// place without an id is the beginning.
func DeliveriesBefore(ctx context.Context, a *ask.Asker, f Filter, before Place) (ask.Answer[Delivery], error) {
	params := append(f.Params("control", "outcome", "target"),
		clickhouse.Named("before_at", before.Time), clickhouse.Named("before_id", before.ID))
	return ask.Question(ctx, a, "deliveries_before", params, (*deliveryRow).delivery)
}

// Told counts the attempts to tell a target that ended alike.
type Told struct {
	Target   string
	Kind     string
	Outcome  string
	Attempts int64
	// Messages are those that the attempts were of.
	Messages int64
	Last     compliance.Instant
	// Median is how long half of the attempts took at most, in ms.
	Median uint32
}

// DeliveryCounts counts attempts in [from, to) by target and outcome.
func DeliveryCounts(ctx context.Context, a *ask.Asker, from, to compliance.Instant) (ask.Answer[Told], error) {
	type row struct {
		Target   string    `ch:"target"`
		Kind     string    `ch:"kind"`
		Outcome  string    `ch:"outcome"`
		Attempts int64     `ch:"attempts"`
		Messages int64     `ch:"messages"`
		Last     time.Time `ch:"last"`
		Median   uint32    `ch:"median_ms"`
	}
	return ask.Question(ctx, a, "delivery_counts", ask.Window(from, to), func(r *row) Told {
		return Told{r.Target, r.Kind, r.Outcome, r.Attempts, r.Messages, ask.Instant(r.Last), r.Median}
	})
}
