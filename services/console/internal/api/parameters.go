package api

import (
	"context"
	"encoding/json"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// Scope says whose record is meant.
type Scope struct {
	Tenant string `query:"tenant" minLength:"1" maxLength:"128" doc:"Whose record is meant: one of your tenants (see me). Your first one if it is left out."`
}

func (s Scope) scope() Scope { return s }

// Window is a time: a period, or from and to, or everything that may be seen.
type Window struct {
	Period string `query:"period" minLength:"1" maxLength:"10" pattern:"^\\d{4}(-Q[1-4]|-\\d{2}(-\\d{2})?)?$" patternDescription:"a year, quarter, month or day" example:"2026-Q3" doc:"A calendar year, quarter, month or day, UTC: 2026, 2026-Q3, 2026-07 or 2026-07-15."`
	From   string `query:"from" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-07-01T00:00:00Z" doc:"The first instant, instead of period: RFC 3339, or a date."`
	To     string `query:"to" minLength:"1" maxLength:"40" pattern:"^\\d{4}-\\d{2}-\\d{2}([Tt].+)?$" patternDescription:"a date or RFC 3339" example:"2026-10-01T00:00:00Z" doc:"The end, which isn't in it: RFC 3339, or a date."`
}

// periodOf reads a period that the record can hold.
func periodOf(text string) (ask.Period, error) {
	first, last := ask.Always()
	p, err := ask.ParsePeriod(text)
	if err != nil {
		return p, compliance.Errorf(compliance.Invalid, "period %q is no year, quarter, month or day; write 2026, 2026-Q3, 2026-07 or 2026-07-15", text)
	}
	if p.From < first || p.To > last {
		return p, compliance.Errorf(compliance.Invalid, "period %s lies outside of 1900 to 2298, where nothing is on record", text)
	}
	return p, nil
}

// asked is the window that the parameters name; all of time if they name none.
func (w Window) asked() (from, to compliance.Instant, err error) {
	from, to = ask.Always()
	if w.Period != "" {
		if w.From != "" || w.To != "" {
			return 0, 0, compliance.Errorf(compliance.Invalid, "period, or from and to, say which time is meant: send one of them, not both")
		}
		p, err := periodOf(w.Period)
		return p.From, p.To, err
	}
	if w.From != "" {
		if from, err = ask.ParseTime(w.From); err != nil {
			return 0, 0, err
		}
	}
	if w.To != "" {
		if to, err = ask.ParseTime(w.To); err != nil {
			return 0, 0, err
		}
	}
	first, last := ask.Always()
	if from, to = max(from, first), min(to, last); from >= to {
		return 0, 0, compliance.Errorf(compliance.Invalid, "from is not before to, or outside of 1900 to 2298: the window is empty")
	}
	return from, to, nil
}

// seen is the part of it that the viewer may see.
func (w Window) seen(v access.Viewer) (from, to compliance.Instant, err error) {
	if from, to, err = w.asked(); err != nil {
		return 0, 0, err
	}
	return v.Clip(from, to)
}

// needed is the part of a window that must be named, or be the only period that the
// viewer may see.
func (w Window) needed(v access.Viewer) (ask.Period, error) {
	if w == (Window{}) && !v.Bound() {
		return ask.Period{}, compliance.Errorf(compliance.Invalid, "which time? Say period=2026-Q3, or from and to")
	}
	from, to, err := w.seen(v)
	label := w.Period
	if label == "" {
		label = from.String() + "/" + to.String()
	}
	return ask.Period{Label: label, From: from, To: to}, err
}

// Paging says how much of a list is wanted.
type Paging struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many items come at most."`
	Cursor string `query:"cursor" minLength:"1" maxLength:"8192" doc:"What the page before gave as next. All pages show what was known when the first one was asked for."`
}

// Page is one page of a list.
type Page[Row any] struct {
	Tenant string `json:"tenant"`
	// AsOf is how far the record reached when the walk began.
	AsOf compliance.Instant `json:"as_of"`
	// From and To are the window that was asked for, cut to what the viewer may see.
	From  compliance.Instant `json:"from"`
	To    compliance.Instant `json:"to"`
	Items []Row              `json:"items" nullable:"false"`
	Next  string             `json:"next,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

// page answers one page of a list.
func page[Row any](ctx context.Context, c call, l *listing.Pages[Row], w Window, f listing.Filter, p Paging) (*Page[Row], error) {
	var err error
	if f.From, f.To, err = w.seen(c.Viewer); err != nil {
		return nil, err
	}
	question, err := json.Marshal([]any{l.Name, c.Tenant, f})
	if err != nil {
		return nil, err
	}
	var at listing.Page
	if p.Cursor != "" {
		if at, err = decodeCursor(string(question), p.Cursor, l.Order); err != nil {
			return nil, err
		}
	}
	f.Limit = p.Limit + 1 // one more, to know whether there is a next page
	got, asOf, err := l.Page(ctx, c.asker, f, at)
	if err != nil {
		return nil, err
	}
	out := &Page[Row]{Tenant: c.Tenant, AsOf: asOf, From: f.From, To: f.To, Items: got.Rows}
	if len(got.Rows) > p.Limit {
		out.Items = got.Rows[:p.Limit]
		out.Next, err = encodeCursor(string(question), listing.Page{AsOf: asOf, After: l.Place(&out.Items[p.Limit-1])})
	}
	return out, err
}
