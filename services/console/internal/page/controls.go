package page

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/report"
	"assay.example/assay/services/console/internal/chart"
)

// controlsBody is the list of controls.
type controlsBody struct {
	When     *when
	Controls []*controlRow
	Bundle   string
	Made     made
}

func controlList(v *visit) (*sheet, error) {
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	if err := w.wholeDays(); err != nil {
		return nil, err
	}
	days, err := listing.DayCounts(v.ctx(), v.asker, "", w.Period)
	if err != nil {
		return nil, err
	}
	b := &controlsBody{When: w, Bundle: v.Bundle.Hash, Made: v.made(days.Made), Controls: v.controlRows(w, days.Rows, compliance.Never)}
	return &sheet{Template: "controls", Title: "Controls", Body: b}, nil
}

// controlBody is one control over a period.
type controlBody struct {
	explain.Words
	tally

	When *when
	// Source is the text of its file.
	Source, File string
	Schedule     bool
	Timing       []fact
	Months       []chart.SVG
	Days         []dayRow
	Reasons      []reasonRow
	Rules        []listing.Rule
	Changes      []listing.RuleChange
	Items        *itemsOf
	MadeDays     made
	MadeRules    made
	MadeChanges  made
	Report       string
	Completeness string
	Samples      string
	Again        []command
}

// N is the control's items in the period.
func (b *controlBody) N() int64 { return b.tally.Items() }

// fact is a name and what is so called.
type fact struct{ Name, Value string }

// dayRow is a day of the table beside the calendar.
type dayRow struct {
	dayTally

	Link string
}

// On is the day.
func (d *dayRow) On() string { return d.Date.Format(time.DateOnly) }

// reasonRow is a reason and where its items are listed.
type reasonRow struct {
	report.Reason

	Link  string
	State chart.State
}

var errNoControl = compliance.Errorf(compliance.NotFound, "There is no such control in the bundle that this console shows.")

func controlPage(v *visit) (*sheet, error) {
	c := v.Bundle.Control(v.request.PathValue("id"))
	if c == nil {
		return nil, errNoControl
	}
	w, err := v.when()
	if err != nil {
		return nil, err
	}
	if err := w.wholeDays(); err != nil {
		return nil, err
	}
	var days ask.Answer[listing.DayCount]
	var rules ask.Answer[listing.Rule]
	var extent ask.Answer[listing.Record]
	var changes ask.Answer[listing.RuleChange]
	err = v.together(
		asked(&days, func(ctx context.Context) (ask.Answer[listing.DayCount], error) {
			return listing.DayCounts(ctx, v.asker, c.ID, w.Period)
		}),
		asked(&rules, func(ctx context.Context) (ask.Answer[listing.Rule], error) {
			return listing.ControlRules(ctx, v.asker, c.ID, w.Period)
		}),
		asked(&extent, v.extent),
		asked(&changes, func(ctx context.Context) (ask.Answer[listing.RuleChange], error) {
			return listing.RuleChanges(ctx, v.asker, c.ID)
		}),
	)
	if err != nil {
		return nil, err
	}
	h := histories(days.Rows)[c.ID]
	if h == nil {
		h = &history{Days: map[time.Time]*dayTally{}}
	}
	b := &controlBody{
		Words: v.words[c.ID], tally: h.All, When: w, File: c.File, Timing: timing(c), Rules: rules.Rows, Changes: changes.Rows,
		MadeDays: v.made(days.Made), MadeRules: v.made(rules.Made), MadeChanges: v.made(changes.Made),
		Report: v.reportLink(w, c.ID), Completeness: v.to(path("controls", c.ID, "completeness"), w.Pairs...),
		Samples: v.to("/samples", w.with("control", c.ID)...), Again: v.controlCommands(w, c),
	}
	raw, err := fs.ReadFile(v.Files, c.File)
	if err == nil {
		b.Source = string(raw)
	}
	b.fill(v, h, v.reaches(w, extent))
	b.Items, err = v.itemList(w, c.ID, h)
	return &sheet{Template: "control", Title: c.ID + " " + c.Title, Body: b}, err
}

// reportLink leads to the report of a period that has a name; empty for another time.
func (v *visit) reportLink(w *when, control string) string {
	if w.Pairs[0] != "period" {
		return ""
	}
	at := v.to(path("reports", w.Label))
	if control != "" {
		at += "#" + control
	}
	return at
}

func (b *controlBody) fill(v *visit, h *history, known compliance.Instant) {
	at := path("controls", b.ID)
	days := h.days(b.When, known, func(date time.Time) string {
		return v.to(at, b.When.with("outcome", "all", "day", date.Format(time.DateOnly))...) + "#items"
	})
	for from := 0; from < len(days); {
		to := from + 1
		for to < len(days) && days[to].Date.Month() == days[from].Date.Month() {
			to++
		}
		b.Months = append(b.Months, chart.Month(fmt.Sprintf("m%d", from), days[from:to]))
		from = to
	}
	for _, d := range days {
		if t := h.Days[d.Date]; t != nil {
			b.Days = append(b.Days, dayRow{*t, d.Link})
		}
	}
	for _, r := range h.Reasons {
		b.Reasons = append(b.Reasons, reasonRow{
			r, v.to(at, b.When.with("outcome", string(r.Outcome), "reason", r.Reason)...) + "#items", stateOf(r.Outcome),
		})
	}
}

// timing says how long things may take.
func timing(c *control.Control) []fact {
	return []fact{
		{"Verdicts are provisional for", lasting(c.FinalAfter) + " after their deadline"},
		{"Late events still correct for", lasting(c.CorrectUntil)},
	}
}

func (v *visit) controlCommands(w *when, c *control.Control) []command {
	return []command{
		{"Its counts, with Assay", shell(append(append([]string{"assay", "report"}, flagsOf(w.Period)...), v.common()...)...)},
		{"Its items, with Assay", shell(append(append([]string{"assay", "query", "verdicts", "--control", c.ID}, flagsOf(w.Period)...), "--tenant", v.Tenant)...)},
		{"Its days, from the API", v.curl(path("api", "v1", "controls", c.ID, "days"), w.Pairs...)},
	}
}
