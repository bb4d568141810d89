package certificate

import (
	"context"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/sources"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/completeness"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

type cameRow struct {
	Source    string    `ch:"source"`
	Type      string    `ch:"type"`
	Day       time.Time `ch:"day"`
	Records   int64     `ch:"records"`
	Events    int64     `ch:"events"`
	Repeats   int64     `ch:"repeats"`
	Conflicts int64     `ch:"conflicts"`
	First     time.Time `ch:"first"`
	Last      time.Time `ch:"last"`
	Late      []int64   `ch:"late"`
}

type offsetsRow struct {
	Source    string `ch:"source"`
	Type      string `ch:"type"`
	Topic     string `ch:"topic"`
	Partition int32  `ch:"partition"`
	First     int64  `ch:"first"`
	Last      int64  `ch:"last"`
	Records   int64  `ch:"records"`
}

type changedRow struct {
	Source    string    `ch:"source"`
	Type      string    `ch:"type"`
	Day       time.Time `ch:"day"`
	Topic     string    `ch:"topic"`
	Partition int32     `ch:"partition"`
	Run       int64     `ch:"run"`
	Counted   int64     `ch:"counted"`
	Found     int64     `ch:"found"`
}

type refusedRow struct {
	Source  string `ch:"source"`
	Type    string `ch:"type"`
	Code    string `ch:"code"`
	Records int64  `ch:"records"`
}

type quarantinedRow struct {
	Control string `ch:"control"`
	Source  string `ch:"source"`
	Events  int64  `ch:"events"`
}

type deliveriesRow struct {
	Source     string `ch:"source"`
	Kind       string `ch:"kind"`
	Deliveries int64  `ch:"deliveries"`
	Unmapped   int64  `ch:"unmapped"`
}

type itemsRow struct {
	Control     string `ch:"control"`
	Items       int64  `ch:"items"`
	Undecidable int64  `ch:"undecidable"`
	Missing     int64  `ch:"missing"`
}

type miscountedRow struct {
	Control string    `ch:"control"`
	Days    int64     `ch:"days"`
	First   time.Time `ch:"first"`
}

type unreadRow struct {
	Topic     string    `ch:"topic"`
	ID        string    `ch:"id"`
	Partition int32     `ch:"partition"`
	First     int64     `ch:"first"`
	End       int64     `ch:"end"`
	Missing   int64     `ch:"missing"`
	After     time.Time `ch:"after"`
	Until     time.Time `ch:"until"`
}

// askAll asks every question, each once for all controls.
func (w *witness) askAll(ctx context.Context) (err error) {
	var patterns []string
	for _, c := range w.controls {
		patterns = append(patterns, readingOf(c).all()...)
		w.thresholds = append(w.thresholds, c.FinalAfter.Microseconds())
	}
	slices.Sort(patterns)
	slices.Sort(w.thresholds)
	patterns, w.thresholds = slices.Compact(patterns), slices.Compact(w.thresholds)
	if err := w.askEvents(ctx, patterns); err != nil {
		return err
	}
	if err := w.askTrouble(ctx); err != nil {
		return err
	}
	if err := w.askItems(ctx); err != nil {
		return err
	}
	return w.askLog(ctx)
}

func (w *witness) within() []clickhouse.Param {
	return ask.Window(w.params.Period.From, w.params.Period.To)
}

func (w *witness) asOf() clickhouse.Param {
	_, always := ask.Always()
	if w.params.AsOf != 0 {
		always = w.params.AsOf
	}
	return clickhouse.Named("as_of", always)
}

func (w *witness) askEvents(ctx context.Context, types []string) (err error) {
	exact, prefixes := ask.Patterns(types)
	of := append(w.within(), clickhouse.Named("types", exact), clickhouse.Named("prefixes", prefixes))
	then := append(slices.Clone(of), w.asOf())
	if w.came, err = ask.Rows[cameRow](ctx, w.Inquiry, "completeness_events", append(slices.Clone(then), clickhouse.Named("thresholds", w.thresholds))...); err != nil {
		return err
	}
	if w.offsets, err = ask.Rows[offsetsRow](ctx, w.Inquiry, "completeness_offsets", then...); err != nil {
		return err
	}
	if w.changed, err = ask.Rows[changedRow](ctx, w.Inquiry, "completeness_kept", of...); err != nil {
		return err
	}
	inner := &ask.Inquiry{Conn: w.Conn, Tenant: w.Tenant, AsOf: w.params.AsOf}
	w.lives, err = sources.LivesIn(ctx, inner, w.bundle.Sources, w.params.Period)
	w.Made = append(w.Made, inner.Made...)
	return err
}

func (w *witness) askTrouble(ctx context.Context) (err error) {
	if w.refused, err = ask.Rows[refusedRow](ctx, w.Inquiry, "completeness_refused", append(w.within(), w.asOf())...); err != nil {
		return err
	}
	quarantined, err := ask.Rows[quarantinedRow](ctx, w.Inquiry, "completeness_quarantined", append(w.within(), w.asOf())...)
	if err != nil {
		return err
	}
	for _, row := range quarantined {
		w.quarantined[[2]string{row.Control, row.Source}] = row.Events
	}
	deliveries, err := ask.Rows[deliveriesRow](ctx, w.Inquiry, "completeness_deliveries", append(w.within(), w.asOf())...)
	for _, row := range deliveries {
		w.deliveries[row.Source] = append(w.deliveries[row.Source], row)
	}
	return err
}

func (w *witness) askItems(ctx context.Context) error {
	items, err := ask.Rows[itemsRow](ctx, w.Inquiry, "completeness_items",
		append(w.within(), w.asOf(), clickhouse.Named("undecidable", compliance.ReasonPopulationError))...)
	if err != nil {
		return err
	}
	for _, row := range items {
		w.items[row.Control] = row
	}
	miscounted, err := ask.Rows[miscountedRow](ctx, w.Inquiry, "completeness_counts", w.within()...)
	for _, row := range miscounted {
		w.miscounted[row.Control] = row.Days
	}
	return err
}

func (w *witness) askLog(ctx context.Context) (err error) {
	events := clickhouse.Named("events", ask.EventTopics)
	if w.covered, err = ask.Log[ask.Covered](ctx, w.Inquiry, "covered", events, w.asOf(), w.within()[0]); err != nil {
		return err
	}
	w.unread, err = ask.Log[unreadRow](ctx, w.Inquiry, "offset_holes", events, w.asOf())
	return err
}

// families are those of the topics that hold events of some types, and signs of life.
func (w *witness) families(types []string) map[string]bool {
	found := map[string]bool{}
	for _, name := range append(w.types.Names(), control.Heartbeat) {
		if t, ok := w.types.Type(name); ok && (name == control.Heartbeat || control.MatchesAny(types, name)) {
			found[string(t.Family)] = true
		}
	}
	return found
}

// partitions are those that hold what a control reads. A hole counts where what stood there
// came in the period, or so late that it still counted.
func (w *witness) partitions(r reading, final compliance.Instant) (list []completeness.Partition) {
	families := w.families(r.all())
	for _, row := range w.covered {
		if !families[row.Topic[strings.LastIndexByte(row.Topic, '.')+1:]] {
			continue
		}
		p := completeness.Partition{
			Topic: row.Topic, Partition: row.Partition, ID: row.ID, First: row.First, End: row.End, FirstEvent: -1, LastEvent: -1,
			Records: row.Records, Undecoded: row.Skipped, Clock: ask.Instant(row.Clock),
		}
		w.place(&p, r)
		for _, u := range w.unread {
			hole := completeness.Unread{First: u.First, End: u.End, Missing: u.Missing, After: ask.Instant(u.After), Until: ask.Instant(u.Until)}
			ahead := hole.Until == 0 || hole.Until >= w.params.Period.From
			if u.Topic == row.Topic && u.ID == row.ID && u.Partition == row.Partition && ahead && hole.After <= final {
				p.Holes = append(p.Holes, hole)
			}
		}
		list = append(list, p)
	}
	return list
}

// place says where the events of the period stand in a partition.
func (w *witness) place(p *completeness.Partition, r reading) {
	for _, o := range w.offsets {
		if o.Topic != p.Topic || o.Partition != p.Partition || !control.MatchesAny(r.all(), o.Type) {
			continue
		}
		if p.FirstEvent < 0 || o.First < p.FirstEvent {
			p.FirstEvent = o.First
		}
		p.LastEvent = max(p.LastEvent, o.Last)
	}
}
