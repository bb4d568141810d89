package page

import (
	"context"
	"slices"
	"time"

	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/chart"
)

// perPage is how many rows a list shows at once.
const perPage = 50

// listed is one page of a list.
type listed[Row any] struct {
	Rows []Row
	// Next leads to the page after, First to the first one; either may be empty.
	Next, First string
	AsOf        string
	Made        made
}

// list asks for one page. again is the address of the list, with its filters; its
// cursor is added.
func list[Row any](ctx context.Context, v *visit, l *listing.Pages[Row], f listing.Filter, again func(cursor string) string) (*listed[Row], error) {
	at, err := readCursor(v.param("cursor"), l.Order)
	if err != nil {
		return nil, err
	}
	f.Limit = perPage + 1 // one more, to know whether there is a next page
	got, asOf, err := l.Page(ctx, v.asker, f, at)
	if err != nil {
		return nil, err
	}
	got.Made.Rows = min(got.Made.Rows, perPage)
	out := &listed[Row]{Rows: got.Rows, AsOf: moment(asOf), Made: v.made(got.Made)}
	if at.After != nil {
		out.First = again("")
	}
	if len(got.Rows) > perPage {
		out.Rows = got.Rows[:perPage]
		out.Next = again(writeCursor(listing.Page{AsOf: asOf, After: l.Place(&out.Rows[perPage-1])}))
	}
	return out, nil
}

// itemRow is an item in a list.
type itemRow struct {
	listing.Verdict

	Link  string
	State chart.State
}

func (v *visit) itemRow(r *listing.Verdict) itemRow {
	return itemRow{*r, v.to(path("items", r.Control, r.Item.ID)), stateOf(r.Outcome)}
}

// stateOf is how an outcome is drawn.
func stateOf(o compliance.Outcome) chart.State {
	switch o {
	case compliance.Pass:
		return chart.Pass
	case compliance.Deviation:
		return chart.Deviation
	case compliance.Waived:
		return chart.Waived
	case compliance.NotApplicable, compliance.Withdrawn:
		return chart.Nothing
	case compliance.Inconclusive, compliance.Pending:
	}
	return chart.Unknown // also a word of a later release
}

// choice is one of a list's filters.
type choice struct {
	navItem

	Count int64
	State chart.State
}

// itemsOf is the list of a control's items, with its filters.
type itemsOf struct {
	*listed[itemRow]

	Outcomes, Reasons []choice
	Outcome, Reason   string
	Day, AllDays      string
}

// itemList lists a control's items: of the worst outcome that there is, unless the
// request chooses.
func (v *visit) itemList(w *when, id string, h *history) (*itemsOf, error) {
	var outcome, reason, on string
	if err := v.filters(map[string]*string{"outcome": &outcome, "reason": &reason, "day": &on}); err != nil {
		return nil, err
	}
	f, err := v.itemFilter(w, on)
	if err != nil {
		return nil, err
	}
	if outcome == "" || outcome == "unknown" {
		outcome = h.All.worst(outcome == "unknown")
	}
	if outcome != "all" && !slices.Contains(compliance.Outcomes(), compliance.Outcome(outcome)) {
		return nil, compliance.Errorf(compliance.Invalid, "%q is no outcome; choose one of %v, or all", outcome, compliance.Outcomes())
	}
	f.Control, f.Reason = id, reason
	if outcome != "all" {
		f.Outcome = outcome
	}
	at := path("controls", id)
	again := func(cursor string) string {
		return v.to(at, w.with("outcome", outcome, "reason", reason, "day", on, "cursor", cursor)...) + "#items"
	}
	got, err := list(v.ctx(), v, listing.ItemPages(), f, again)
	if err != nil {
		return nil, err
	}
	out := &itemsOf{listed: &listed[itemRow]{Next: got.Next, First: got.First, AsOf: got.AsOf, Made: got.Made}, Outcome: outcome, Reason: reason, Day: on}
	for i := range got.Rows {
		out.Rows = append(out.Rows, v.itemRow(&got.Rows[i].Verdict))
	}
	if on != "" {
		out.AllDays = v.to(at, w.with("outcome", outcome, "reason", reason)...) + "#items"
	}
	out.choices(v, w, at, h)
	return out, nil
}

// itemFilter is the window of the list: the period's, or one day of it.
func (v *visit) itemFilter(w *when, on string) (listing.Filter, error) {
	f := listing.Filter{From: w.From, To: w.To}
	if on == "" {
		return f, nil
	}
	date, err := time.Parse(time.DateOnly, on)
	if err != nil {
		return f, compliance.Errorf(compliance.Invalid, "%q is no day; write it as 2026-07-15", on)
	}
	f.From, f.To = max(w.From, compliance.InstantOf(date)), min(w.To, compliance.InstantOf(date.AddDate(0, 0, 1)))
	if f.From >= f.To {
		return f, compliance.Errorf(compliance.Invalid, "%s isn't in the time that is shown", on)
	}
	return f, nil
}

// worst is the outcome to show first; unknown asks for one that isn't known.
func (t *tally) worst(unknown bool) string {
	switch {
	case t.Deviation > 0 && !unknown:
		return string(compliance.Deviation)
	case t.Inconclusive > 0:
		return string(compliance.Inconclusive)
	case t.Pending > 0 || unknown:
		return string(compliance.Pending)
	case t.Waived > 0:
		return string(compliance.Waived)
	}
	return "all"
}

// choices are the outcomes and reasons that the period has, with how many items.
func (o *itemsOf) choices(v *visit, w *when, at string, h *history) {
	link := func(outcome, reason string) string {
		return v.to(at, w.with("outcome", outcome, "reason", reason, "day", o.Day)...) + "#items"
	}
	t := &h.All
	for _, c := range []struct {
		outcome compliance.Outcome
		n       int64
	}{
		{compliance.Deviation, t.Deviation},
		{compliance.Inconclusive, t.Inconclusive},
		{compliance.Pending, t.Pending},
		{compliance.Waived, t.Waived},
		{compliance.Pass, t.Pass},
		{compliance.NotApplicable, t.NotApplicable},
		{compliance.Withdrawn, t.Withdrawn},
	} {
		if c.n > 0 || o.Outcome == string(c.outcome) {
			o.Outcomes = append(o.Outcomes, choice{navItem{words(c.outcome), link(string(c.outcome), ""), o.Outcome == string(c.outcome)}, c.n, stateOf(c.outcome)})
		}
	}
	o.Outcomes = append(o.Outcomes, choice{navItem{"all", link("all", ""), o.Outcome == "all"}, t.Items() + t.Withdrawn, ""})
	for _, r := range h.Reasons {
		if r.Reason != "" && (o.Outcome == "all" || o.Outcome == string(r.Outcome)) {
			o.Reasons = append(o.Reasons, choice{navItem{words(r.Reason), link(o.Outcome, r.Reason), o.Reason == r.Reason}, r.Items, stateOf(r.Outcome)})
		}
	}
}
