package page

import (
	"context"
	"strconv"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
)

// eventsBody is a list of events.
type eventsBody struct {
	*listed[eventRow]

	When             *when
	Type, Source, ID string
	Types            []string
	Again            []command
}

type eventRow struct {
	listing.Event

	Link string
}

func eventList(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	b := &eventsBody{When: w, Types: v.Types.Names()}
	if err := v.filters(map[string]*string{"type": &b.Type, "source": &b.Source, "id": &b.ID}); err != nil {
		return nil, err
	}
	f := listing.Filter{From: w.From, To: w.To, Type: b.Type, Source: b.Source, ID: b.ID}
	got, err := list(v.ctx(), v, listing.EventPages(), f, func(cursor string) string {
		return v.to("/events", w.with("type", b.Type, "source", b.Source, "id", b.ID, "cursor", cursor)...)
	})
	if err != nil {
		return nil, err
	}
	b.listed = &listed[eventRow]{Next: got.Next, First: got.First, AsOf: got.AsOf, Made: got.Made}
	for i := range got.Rows {
		e := &got.Rows[i]
		b.Rows = append(b.Rows, eventRow{*e, v.to(path("events", e.Topic, strconv.Itoa(int(e.Partition)), strconv.FormatInt(e.Offset, 10)))})
	}
	return &sheet{Template: "events", Title: "Events", Body: b}, nil
}

// rejectedBody is what came and could not be used.
type rejectedBody struct {
	*listed[listing.Rejected]

	When               *when
	Type, Source, Code string
	Late               []lateRow
	MadeLate           made
	Conflicts          []conflictRow
	MoreConflicts      bool
	MadeConflicts      made
}

type lateRow struct {
	listing.Late

	Link string
}

type conflictRow struct {
	listing.Conflict

	Link string
}

// mostLate bounds the late and the conflicting events that are listed.
const mostLate = 100

func rejectedPage(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	b := &rejectedBody{When: w}
	if err := v.filters(map[string]*string{"type": &b.Type, "source": &b.Source, "code": &b.Code}); err != nil {
		return nil, err
	}
	var late ask.Answer[listing.Late]
	var conflicts ask.Answer[listing.Conflict]
	err = v.together(
		func(ctx context.Context) (err error) {
			f := listing.Filter{From: w.From, To: w.To, Type: b.Type, Source: b.Source, Code: b.Code}
			b.listed, err = list(ctx, v, listing.RejectedPages(), f, func(cursor string) string {
				return v.to("/rejected", w.with("type", b.Type, "source", b.Source, "code", b.Code, "cursor", cursor)...)
			})
			return err
		},
		asked(&late, func(ctx context.Context) (ask.Answer[listing.Late], error) {
			return listing.Quarantined(ctx, v.asker, w.Period, mostLate)
		}),
		asked(&conflicts, func(ctx context.Context) (ask.Answer[listing.Conflict], error) {
			return listing.Conflicts(ctx, v.asker, listing.Filter{From: w.From, To: w.To, Source: b.Source, Type: b.Type, Limit: mostLate})
		}),
	)
	if err != nil {
		return nil, err
	}
	b.MadeLate, b.MadeConflicts = v.made(late.Made), v.made(conflicts.Made)
	for _, l := range late.Rows {
		b.Late = append(b.Late, lateRow{l, v.eventLink(&compliance.Evidence{Topic: l.Event.Topic, Partition: l.Event.Partition, Offset: l.Event.Offset, Time: l.Event.Time})})
	}
	for _, c := range conflicts.Rows {
		b.Conflicts = append(b.Conflicts, conflictRow{c, v.to("/events", w.with("source", c.Source, "id", c.ID)...)})
	}
	return &sheet{Template: "rejected", Title: "Refused, late and conflicting", Body: b}, nil
}

// On is the watermark when it came.
func (l *lateRow) On() string { return l.Watermark.UTC().Format(time.DateTime) }

// deliveriesBody is who was told of violations.
type deliveriesBody struct {
	When                     *when
	Control, Target, Outcome string
	Told                     []toldRow
	Rows                     []deliveryRow
	Older, Newest            string
	Made, MadeTold           made
}

type toldRow struct {
	listing.Told

	Link string
}

type deliveryRow struct {
	listing.Delivery

	Items []link
}

func deliveriesPage(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	b := &deliveriesBody{When: w}
	var before string
	err = v.filters(map[string]*string{"control": &b.Control, "target": &b.Target, "outcome": &b.Outcome, "cursor": &before})
	if err != nil {
		return nil, err
	}
	at, err := readCursor(before, []listing.Column{{Name: "at"}, {Name: "id", Text: true}})
	if err != nil {
		return nil, err
	}
	f := listing.Filter{From: w.From, To: w.To, Control: b.Control, Target: b.Target, Outcome: b.Outcome, Limit: perPage + 1}
	var place listing.Place
	if at.After != nil {
		place = placeOf(at)
	}
	var got ask.Answer[listing.Delivery]
	var told ask.Answer[listing.Told]
	err = v.together(
		asked(&got, func(ctx context.Context) (ask.Answer[listing.Delivery], error) {
			return listing.DeliveriesBefore(ctx, v.asker, f, place)
		}),
		asked(&told, func(ctx context.Context) (ask.Answer[listing.Told], error) {
			return listing.DeliveryCounts(ctx, v.asker, w.From, w.To)
		}),
	)
	if err != nil {
		return nil, err
	}
	b.MadeTold = v.made(told.Made)
	for _, t := range told.Rows {
		b.Told = append(b.Told, toldRow{t, v.to("/deliveries", w.with("target", t.Target, "outcome", t.Outcome)...)})
	}
	b.page(v, got, at.After != nil)
	return &sheet{Template: "deliveries", Title: "Deliveries", Body: b}, nil
}

func placeOf(p listing.Page) listing.Place {
	at, _ := p.After[0].(int64)
	id, _ := p.After[1].(string)
	return listing.Place{Time: compliance.Instant(at), ID: id}
}

func (b *deliveriesBody) page(v *visit, got ask.Answer[listing.Delivery], later bool) {
	again := func(cursor string) string {
		return v.to("/deliveries", b.When.with("control", b.Control, "target", b.Target, "outcome", b.Outcome, "cursor", cursor)...)
	}
	if later {
		b.Newest = again("")
	}
	rows := got.Rows
	if len(rows) > perPage {
		rows = rows[:perPage]
		last := &rows[perPage-1]
		b.Older = again(writeCursor(listing.Page{AsOf: v.now, After: []any{int64(last.At), last.ID}}))
	}
	got.Made.Rows = len(rows)
	b.Made = v.made(got.Made)
	for i := range rows {
		r := deliveryRow{Delivery: rows[i]}
		for _, item := range rows[i].Items {
			r.Items = append(r.Items, link{Text: item, Link: v.to(path("items", rows[i].Control, item))})
		}
		b.Rows = append(b.Rows, r)
	}
}
