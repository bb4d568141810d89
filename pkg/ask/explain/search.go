package explain

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

// mostEvents is how many events one explanation reads at most.
const mostEvents = 200_000

// search looks for all events that may decide an item.
type search struct {
	bundle   *control.Bundle
	control  *control.Control
	types    *dictionary.Dictionary
	subject  Subject
	stored   *listing.Found
	exhibits []Exhibit
}

// wanted is one kind of event: types, and the field that joins it to the item.
type wanted struct {
	types []string
	field control.Path
}

// concerning are the admitted events that concern the item, and the signs of life of
// their sources.
func concerning(ctx context.Context, a *ask.Inquiry, s *search, w compliance.Instant, r *Reperformed) (events []*compliance.Event, err error) {
	from, to := s.window(w)
	rows, err := askRelated(ctx, a, s, from, to)
	if err != nil {
		return nil, err
	}
	waivers, err := askWaivers(ctx, a, s, to)
	if err != nil {
		return nil, err
	}
	rows = append(rows, waivers...)
	since := from
	if len(waivers) > 0 {
		since = min(since, ask.Instant(waivers[0].Time))
	}
	late, err := askLate(ctx, a, s, since, to)
	if err != nil {
		return nil, err
	}
	seen := map[compliance.Ref]bool{}
	bodies := map[compliance.EventKey]compliance.Hash{}
	conflicts := map[compliance.EventKey]bool{}
	for i := range rows {
		ev, ok := rows[i].Decode(s.types, a.Tenant)
		if ev == nil || seen[ev.Ref] {
			continue
		}
		seen[ev.Ref] = true
		switch {
		case !ok:
			r.Unreadable++
		case late[place{ev.Ref.Topic, ev.Ref.Partition, ev.Ref.Offset}]:
			r.Late++
		default:
			if first, known := bodies[ev.Key()]; known && first != ev.Ref.SHA256 {
				conflicts[ev.Key()] = true
			}
			bodies[ev.Key()] = ev.Ref.SHA256
			events = append(events, ev)
		}
	}
	r.Conflicting = len(conflicts)
	beats, err := askHeartbeats(ctx, a, s, from, w)
	r.Events = len(events) + len(beats)
	return append(events, beats...), err
}

// window is where events can concern the item. A derived table has no beginning.
func (s *search) window(w compliance.Instant) (from, to compliance.Instant) {
	c, at := s.control, s.stored.Item.Time
	from, _ = ask.Always()
	if len(c.Tables) == 0 {
		from = max(from, at.Add(-c.Lookback()-c.CorrectUntil))
	}
	to = at.Add(c.Horizon() + c.CorrectUntil + time.Microsecond)
	if c.Stage > 0 {
		from, to = s.spans(from, to)
	}
	return from, min(w, to)
}

// askRelated asks for the events of each type that the control reads, at the item's key.
func askRelated(ctx context.Context, a *ask.Inquiry, s *search, from, to compliance.Instant) ([]listing.EventRow, error) {
	value, keyed := s.key()
	if !keyed && s.control.Stage == 0 {
		return askOpening(ctx, a, s, to)
	}
	var all []listing.EventRow
	for _, want := range s.wants() {
		var field string
		text, isText := value.(string)
		if isText && len(want.field) == 1 && !slices.Contains([]string{"id", "source", "type"}, want.field[0]) {
			field = want.field[0]
		}
		exact, prefixes := ask.Patterns(want.types)
		rows, err := ask.Rows[listing.EventRow](ctx, a, "related", append(ask.Window(from, to),
			clickhouse.Named("types", exact), clickhouse.Named("prefixes", prefixes),
			clickhouse.Named("field", field), clickhouse.Named("value", text), clickhouse.Named("limit", uint64(mostEvents+1)))...)
		if err != nil {
			return nil, err
		}
		if len(rows) > mostEvents {
			return nil, compliance.Errorf(compliance.TooLarge, "more than %d events of %s may concern this item; that is more than can be explained here",
				mostEvents, strings.Join(want.types, ", "))
		}
		all = append(all, rows...)
	}
	return all, nil
}

// askWaivers are what was approved, and taken back, of the control's deviations. One may
// be as old as it likes; those that came soon after the item are looked at to say so.
func askWaivers(ctx context.Context, a *ask.Inquiry, s *search, to compliance.Instant) ([]listing.EventRow, error) {
	if !s.control.Waivable {
		return nil, nil
	}
	from, _ := ask.Always()
	return ask.Rows[listing.EventRow](ctx, a, "related", append(ask.Window(from, to),
		clickhouse.Named("types", []string{control.WaiverApproved, control.WaiverRevoked}), clickhouse.Named("prefixes", []string{"\x00"}),
		clickhouse.Named("field", "control"), clickhouse.Named("value", s.control.ID), clickhouse.Named("limit", uint64(mostEvents)))...)
}

// askOpening are all copies of the event that opened the item, the only one that a
// control without a key reads.
func askOpening(ctx context.Context, a *ask.Inquiry, s *search, to compliance.Instant) ([]listing.EventRow, error) {
	i := slices.IndexFunc(s.exhibits, func(x Exhibit) bool { return x.Expectation == "item" })
	if i < 0 {
		return nil, nil
	}
	f := listing.Filter{To: to, Source: s.exhibits[i].Source, ID: s.exhibits[i].ID, Limit: mostEvents}
	f.From, _ = ask.Always()
	return ask.Rows[listing.EventRow](ctx, a, "query_events", f.Params("type", "prefix", "source", "id")...)
}

// key is the item's value of the first field of the join key.
func (s *search) key() (value any, ok bool) {
	c := s.control
	if len(c.Key) == 0 {
		return nil, false
	}
	if schedule := c.Population.Schedule; schedule != nil {
		slot := schedule.SlotAt(s.stored.Item.Time)
		for _, member := range s.bundle.MembersAt(schedule, slot.Start) {
			if item, view := control.SlotItem(member, slot); item.ID == s.subject.Item {
				return c.Key[0].In(view), true
			}
		}
		return nil, false
	}
	for _, x := range s.exhibits {
		if t, known := s.types.Type(x.Type); known && x.Expectation == "item" && x.OnRecord {
			if data, err := t.Decode(x.Data); err == nil {
				value := c.Key[0].In(control.ViewOf(&compliance.Event{Source: x.Source, ID: x.ID, Type: x.Type, Time: x.Time, Data: data}))
				_, keyed := control.EncodeKey(value)
				return value, keyed
			}
		}
	}
	return nil, false
}

// wants lists what the control reads. An expectation's first key field joins the
// item's first.
func (s *search) wants() []wanted {
	c := s.control
	if c.Stage > 0 {
		return s.wantsInStages()
	}
	var wants []wanted
	if len(c.Population.Types) > 0 {
		wants = append(wants, wanted{c.Population.Types, c.Key[0]})
	}
	for _, e := range c.Expectations {
		wants = append(wants, wanted{e.Types, e.KeyPaths[0]})
		if e.Unless != nil {
			wants = append(wants, wanted{e.Unless.Types, e.Unless.KeyPaths[0]})
		}
	}
	for _, t := range c.Tables {
		wants = append(wants, wanted{t.Types, t.Key[0]})
	}
	return wants
}

// place is where a record stands.
type place struct {
	Topic     string `ch:"topic"`
	Partition int32  `ch:"partition"`
	Offset    int64  `ch:"offset"`
}

// askLate are the events that came too late for this control: no verdict used them.
func askLate(ctx context.Context, a *ask.Inquiry, s *search, from, to compliance.Instant) (map[place]bool, error) {
	rows, err := ask.Rows[place](ctx, a, "quarantined", append(ask.Window(from, to), clickhouse.Named("control", s.control.ID))...)
	if err != nil {
		return nil, err
	}
	late := map[place]bool{}
	for _, r := range rows {
		late[r] = true
	}
	return late, nil
}

// askHeartbeats are the signs of life of the declared sources of what the control reads.
func askHeartbeats(ctx context.Context, a *ask.Inquiry, s *search, from, w compliance.Instant) ([]*compliance.Event, error) {
	type row struct {
		Source string    `ch:"source"`
		ID     string    `ch:"event"`
		At     time.Time `ch:"at"`
		Type   string    `ch:"kind"`
		Number uint64    `ch:"number"`
	}
	var types, sources []string
	if len(s.control.Key) > 0 {
		for _, want := range s.wants() {
			types = append(types, want.types...)
		}
	}
	for _, i := range s.bundle.SourcesOf(types) {
		sources = append(sources, s.bundle.Sources[i].Name)
	}
	if len(sources) == 0 {
		return nil, nil
	}
	rows, err := ask.Rows[row](ctx, a, "heartbeats", append(ask.Window(from, w), clickhouse.Named("sources", sources))...)
	if err != nil {
		return nil, err
	}
	events := make([]*compliance.Event, len(rows))
	for i, r := range rows {
		events[i] = &compliance.Event{Tenant: a.Tenant, Source: r.Source, ID: r.ID, Type: r.Type, Time: ask.Instant(r.At), Sequence: r.Number}
	}
	numbers, err := askNumbers(ctx, a, s, sources, events, w)
	return slices.Concat(events, numbers), err
}

// askNumbers are those of the events of sources that count, since the first of their signs
// of life; what came too late for the control is missing to it.
func askNumbers(ctx context.Context, a *ask.Inquiry, s *search, sources []string, beats []*compliance.Event, w compliance.Instant) ([]*compliance.Event, error) {
	type row struct {
		Source string    `ch:"source"`
		Number uint64    `ch:"number"`
		At     time.Time `ch:"at"`
	}
	counting := slices.DeleteFunc(slices.Clone(sources), func(name string) bool { return !s.bundle.Counts(name) })
	if len(counting) == 0 || len(beats) == 0 {
		return nil, nil
	}
	from := slices.MinFunc(beats, func(a, b *compliance.Event) int { return cmp.Compare(a.Time, b.Time) }).Time
	rows, err := ask.Rows[row](ctx, a, "numbers", append(ask.Window(from, w),
		clickhouse.Named("sources", counting), clickhouse.Named("control", s.control.ID), clickhouse.Named("limit", uint64(mostEvents+1)))...)
	if err != nil {
		return nil, err
	}
	if len(rows) > mostEvents {
		return nil, compliance.Errorf(compliance.TooLarge, "%s sent more than %d events that count; that is more than can be explained here",
			strings.Join(counting, ", "), mostEvents)
	}
	events := make([]*compliance.Event, len(rows))
	for i, r := range rows {
		events[i] = &compliance.Event{Tenant: a.Tenant, Source: r.Source, Time: ask.Instant(r.At), Sequence: r.Number}
	}
	return events, nil
}
