package listing

import (
	"context"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
)

// Page is a part of a list. All pages of one walk through a list have the same AsOf:
// what becomes known later isn't in them, so each row comes once. Zero is as far as
// the record reaches now.
type Page struct {
	AsOf compliance.Instant
	// After is where the page before ended (List.Place); nil for the first page.
	After []any
}

// Column is one of those that a list is ordered by. Text says that it is a string, and
// no whole number.
type Column struct {
	Name string
	Text bool
}

// Pages is a question that is answered a page at a time.
type Pages[Row any] struct {
	// Name is the question's.
	Name string
	// Order is what Place returns the values of, in this order.
	Order []Column
	// Place is where a row stands: strings, and int64 for numbers and times.
	Place func(*Row) []any

	last string // the question for AsOf
	ask  func(context.Context, *ask.Asker, []clickhouse.Param) (ask.Answer[Row], error)
	// filters are those of Filter that the question has.
	filters []string
}

// Page asks for rows of a list after those of the page before, as many as the filter
// limits them to. It returns the page's AsOf.
func (l *Pages[Row]) Page(ctx context.Context, a *ask.Asker, f Filter, p Page) (ask.Answer[Row], compliance.Instant, error) {
	if p.AsOf == 0 {
		var err error
		if p.AsOf, err = last(ctx, a, l.last); err != nil {
			return ask.Answer[Row]{}, 0, err
		}
	}
	params := append(f.Params(l.filters...), clickhouse.Named("as_of", p.AsOf), clickhouse.Named("first", uint8(1)))
	if p.After != nil {
		params[len(params)-1].Value = uint8(0)
	}
	for i, c := range l.Order {
		var value any
		switch {
		case p.After == nil && c.Text:
			value = ""
		case p.After == nil:
			value = int64(0)
		case i < len(p.After):
			value = p.After[i]
		}
		params = append(params, clickhouse.Named("after_"+c.Name, value))
	}
	answered, err := l.ask(ctx, a, params)
	return answered, p.AsOf, err
}

// all asks for what a filter finds, from the beginning, by the question that pages ask.
func (l *Pages[Row]) all(ctx context.Context, a *ask.Asker, f Filter) (ask.Answer[Row], error) {
	answered, _, err := l.Page(ctx, a, f, Page{})
	return answered, err
}

// last is how far a table reaches. An empty one reaches to its beginning, which is no 0.
func last(ctx context.Context, a *ask.Asker, question string) (compliance.Instant, error) {
	type row struct {
		Last time.Time `ch:"last"`
	}
	got, err := ask.Question(ctx, a, question, nil, func(r *row) compliance.Instant { return ask.Instant(r.Last) })
	if err != nil || len(got.Rows) == 0 {
		return 1, err
	}
	return max(got.Rows[0], 1), nil
}

func newPages[Raw, Row any](question, last string, filters []string, show func(*Raw) Row, place func(*Row) []any, order ...Column) *Pages[Row] {
	return &Pages[Row]{
		Name: question, Order: order, Place: place, last: last, filters: filters,
		ask: func(ctx context.Context, a *ask.Asker, params []clickhouse.Param) (ask.Answer[Row], error) {
			return ask.Question(ctx, a, question, params, show)
		},
	}
}

func text(name string) Column { return Column{Name: name, Text: true} }

func number(name string) Column { return Column{Name: name} }

// ItemPages lists what controls said of their items, by (control, item time, item id).
func ItemPages() *Pages[Found] {
	return newPages("page_items", "last_items", []string{"control", "outcome", "reason"},
		(*FoundRow).Found,
		func(f *Found) []any { return []any{f.Control, int64(f.Item.Time), f.Item.ID} },
		text("control"), number("time"), text("item"))
}

// EventPages lists events by (time, source, id) and their place in the log.
func EventPages() *Pages[Event] {
	return newPages("page_events", "last_events", []string{"type", "prefix", "source", "id"}, (*EventRow).Event,
		func(e *Event) []any {
			return []any{int64(e.Time), e.Source, e.ID, e.Topic, int64(e.Partition), e.Offset}
		},
		number("time"), text("source"), text("id"), text("topic"), number("partition"), number("offset"))
}

// ViolationPages lists violation records by (known at, control, item id, revision).
func ViolationPages() *Pages[Violation] {
	return newPages("page_violations", "last_violations", []string{"control", "item", "outcome"}, (*violationRow).violation,
		func(v *Violation) []any {
			return []any{int64(v.KnownAt), v.Control, v.Item.ID, int64(v.Revision)}
		},
		number("known"), text("control"), text("item"), number("revision"))
}

// RejectedPages lists what was no event, by time.
func RejectedPages() *Pages[Rejected] {
	return newPages("page_rejected", "last_rejected", []string{"type", "prefix", "source", "code"}, (*rejectedRow).rejected,
		func(r *Rejected) []any {
			return []any{int64(r.At), r.By, r.Code, r.Topic, int64(r.Partition), r.Offset, r.Source, r.ID, r.SHA256}
		},
		number("at"), text("by"), text("code"), text("topic"), number("partition"), number("offset"), text("source"), text("id"), text("hash"))
}

// ConflictPages lists events with several bodies, by (time, source, id).
func ConflictPages() *Pages[Conflict] {
	return newPages("page_conflicts", "last_events", []string{"type", "prefix", "source"}, (*conflictRow).conflict,
		func(c *Conflict) []any { return []any{int64(c.Time), c.Source, c.ID} },
		number("time"), text("source"), text("id"))
}

// Delivery is one attempt to tell a target of violations.
type Delivery struct {
	At      compliance.Instant `json:"at"`
	ID      string             `json:"id"`
	Message string             `json:"message"`
	Target  string             `json:"target"`
	Kind    string             `json:"kind"`
	Control string             `json:"control"`
	Route   string             `json:"route"`
	// Violations, Items and Revisions have one entry each for what it told of.
	Violations []string `json:"violations"`
	Items      []string `json:"items"`
	Revisions  []uint32 `json:"revisions"`
	Action     string   `json:"action"`
	Attempt    uint32   `json:"attempt"`
	Outcome    string   `json:"outcome"`
	// Status is the HTTP status, 0 if there was no answer.
	Status   uint16 `json:"status"`
	Error    string `json:"error,omitempty"`
	Duration uint32 `json:"duration_ms"`
}

type deliveryRow struct {
	At         time.Time `ch:"at"`
	ID         string    `ch:"id"`
	Message    string    `ch:"message"`
	Target     string    `ch:"target"`
	Kind       string    `ch:"kind"`
	Control    string    `ch:"control"`
	Route      string    `ch:"route"`
	Violations []string  `ch:"violations"`
	Items      []string  `ch:"items"`
	Revisions  []uint32  `ch:"revisions"`
	Action     string    `ch:"action"`
	Attempt    uint32    `ch:"attempt"`
	Outcome    string    `ch:"outcome"`
	Status     uint16    `ch:"status"`
	Error      string    `ch:"error"`
	Duration   uint32    `ch:"duration_ms"`
}

// DeliveryPages lists attempts to tell somebody of violations, by time.
func DeliveryPages() *Pages[Delivery] {
	return newPages("page_deliveries", "last_deliveries", []string{"control", "outcome", "target"},
		(*deliveryRow).delivery,
		func(d *Delivery) []any { return []any{int64(d.At), d.ID} },
		number("at"), text("id"))
}
