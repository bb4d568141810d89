package page

import (
	"context"
	"strconv"
	"strings"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/services/console/internal/access"
	"assay.example/assay/services/console/internal/chart"
)

// itemBody is one item explained.
type itemBody struct {
	*explain.Explained

	State       chart.State
	ControlLink string
	Text        string
	// Standing says in a sentence what the verdict is and what it waits for.
	Standing  string
	Final     bool
	Exhibits  []exhibit
	History   []revision
	Parts     []part
	Timeline  chart.SVG
	Lineage   chart.SVG
	Violation []listing.Violation
	Delivery  []listing.Delivery
	// Told says that the viewer may see deliveries.
	Told          bool
	MadeHistory   made
	MadeViolation made
	MadeDelivery  made
	Again         []command

	// decisive are the expectations that the outcome hangs on.
	decisive map[string]bool
}

// exhibit is an event that the verdict names. Link is empty where it may not be seen.
type exhibit struct {
	explain.Exhibit

	Link string
}

// Checked says what was found at the place that the verdict names.
func (x *exhibit) Checked() string {
	switch {
	case !x.OnRecord:
		return "not on record"
	case !x.Intact:
		return "other bytes than the verdict names"
	}
	return "same bytes"
}

// revision is what was said at one time.
type revision struct {
	listing.Verdict

	State chart.State
}

// part is what was looked for, for the item or a part of it.
type part struct {
	explain.Looked

	State  chart.State
	Wanted []wanted
}

// wanted is an expectation, and what came of it.
type wanted struct {
	explain.Expectation

	Found  []link
	Remedy *link
	State  chart.State
}

// link is an event with its time; Link may be empty.
type link struct{ Text, Time, Link string }

// errNoItem is the same for an item that isn't there and one that may not be seen.
var errNoItem = compliance.Errorf(compliance.NotFound, "There is no such item on record, or you may not see it.")

// mostTold bounds the violations and deliveries that are listed with an item.
const mostTold = 200

func itemPage(v *visit) (*sheet, error) {
	id, item := v.request.PathValue("control"), v.request.PathValue("item")
	if v.Bundle.Control(id) == nil || len(item) > mostParam {
		return nil, errNoItem
	}
	b := &itemBody{Told: v.May(access.ReadDeliveries)}
	var violations ask.Answer[listing.Violation]
	var deliveries ask.Answer[listing.Delivery]
	questions := []func(context.Context) error{
		func(ctx context.Context) (err error) {
			b.Explained, err = explain.Make(ctx, v.Conn, v.Bundle, v.Types, explain.Subject{Tenant: v.Tenant, Control: id, Item: item})
			return err
		},
		asked(&violations, func(ctx context.Context) (ask.Answer[listing.Violation], error) {
			f := listing.Filter{Control: id, Item: item, Limit: mostTold}
			f.From, f.To = ask.Always()
			return listing.Violations(ctx, v.asker, f)
		}),
	}
	if b.Told {
		questions = append(questions, asked(&deliveries, func(ctx context.Context) (ask.Answer[listing.Delivery], error) {
			return listing.ItemDeliveries(ctx, v.asker, id, item, mostTold)
		}))
	}
	err := v.together(questions...)
	if compliance.CodeOf(err) == compliance.NotFound || err == nil && !v.Sees(b.Verdict.Item.Time) {
		return nil, errNoItem
	}
	if err != nil {
		return nil, err
	}
	b.Violation, b.MadeViolation = violations.Rows, v.made(violations.Made)
	b.Delivery, b.MadeDelivery = deliveries.Rows, v.made(deliveries.Made)
	b.fill(v)
	return &sheet{Template: "item", Title: item + " · " + id, Body: b}, nil
}

func (b *itemBody) fill(v *visit) {
	verdict := &b.Verdict
	b.State, b.Text = stateOf(verdict.Outcome), v.words[b.Rule.ID].Text
	b.Rule = v.words[b.Rule.ID]
	b.ControlLink = v.to(path("controls", b.Rule.ID), "period", v.around(verdict.Item.Time))
	b.Final = b.Explained.Again.Watermark >= verdict.FinalAt
	b.decisive = decisive(v.Bundle.Control(b.Rule.ID))
	b.Standing = b.standing()
	for i := range b.Evidence {
		x := exhibit{Exhibit: b.Evidence[i]}
		if x.OnRecord {
			x.Link = v.eventLink(&x.Evidence)
		}
		b.Exhibits = append(b.Exhibits, x)
	}
	for _, h := range b.Explained.History {
		b.History = append(b.History, revision{h, stateOf(h.Outcome)})
	}
	for _, looked := range b.Explained.Again.Parts {
		p := part{Looked: looked, State: stateOf(looked.Outcome)}
		for _, e := range looked.Expectations {
			p.Wanted = append(p.Wanted, v.wanted(e))
		}
		b.Parts = append(b.Parts, p)
	}
	b.MadeHistory = made{Query: "history", At: moment(v.now), Rows: len(b.History), Link: v.to(path("query", "history"), "control", b.Rule.ID, "item", verdict.Item.ID)}
	b.Timeline = b.timeline()
	b.Lineage = b.lineage(v)
	b.Again = []command{
		{"With Assay", shell(append([]string{"assay", "explain", b.Rule.ID + "/" + verdict.Item.ID}, v.common()...)...)},
		{"From the API", v.curl(path("api", "v1", "items", b.Rule.ID, verdict.Item.ID))},
	}
}

// eventLink leads to an event, if it may be seen.
func (v *visit) eventLink(e *compliance.Evidence) string {
	if e.Topic == "" || !v.Sees(e.Time) || !v.May(access.ReadEvents) {
		return ""
	}
	return v.to(path("events", e.Topic, strconv.Itoa(int(e.Partition)), strconv.FormatInt(e.Offset, 10)))
}

func (v *visit) wanted(e explain.Expectation) wanted {
	w := wanted{Expectation: e, State: chart.Unknown}
	switch e.State {
	case "found":
		w.State = chart.Pass
	case "missing":
		w.State = chart.Nothing
	}
	for i := range e.Found {
		w.Found = append(w.Found, link{e.Found[i].ID, exact(e.Found[i].Time), v.eventLink(&e.Found[i])})
	}
	if e.Remedy != nil {
		w.Remedy = &link{e.Remedy.ID, exact(e.Remedy.Time), v.eventLink(e.Remedy)}
	}
	return w
}

// standing says what the verdict is, and why it is so still.
func (b *itemBody) standing() string {
	v := &b.Verdict
	reason := ""
	if v.Reason != "" {
		reason = " (" + words(v.Reason) + ")"
	}
	switch v.Outcome {
	case compliance.Pending:
		return "Nothing is decided yet" + reason + ": " + b.waiting()
	case compliance.Inconclusive:
		return "It can’t be said whether the control operated" + reason + ". This is no pass."
	case compliance.Deviation:
		if v.RemediatedAt != 0 {
			return "The control did not operate here" + reason + ". It was remedied at " + moment(v.RemediatedAt) + ", which erases nothing."
		}
		return "The control did not operate here" + reason + ", and no remedy is on record." + b.unwaived()
	case compliance.Waived:
		return "The control did not operate here" + reason + ", and a waiver is on record" + b.waived() + ". It counts as a deviation all the same."
	case compliance.NotApplicable:
		return "The control does not apply here" + reason + "."
	case compliance.Withdrawn:
		return "It is no longer in the control’s population" + reason + "."
	case compliance.Pass:
		return "The control operated."
	}
	return "This console doesn’t know what " + string(v.Outcome) + " means. It is no pass."
}

// waived says which waiver covers the item.
func (b *itemBody) waived() string {
	for _, w := range b.Explained.Again.Waivers {
		if w.Covers {
			return ": " + w.ID + ", approved by " + w.Approver + " until " + moment(w.Until) + " (" + w.Reason + ")"
		}
	}
	return ""
}

// unwaived says why waivers that have the item in their scope don't cover it.
func (b *itemBody) unwaived() string {
	var why []string
	for _, w := range b.Explained.Again.Waivers {
		if len(why) < mostWaivers {
			why = append(why, w.ID+" ("+w.Why+")")
		}
	}
	if len(why) == 0 {
		return ""
	}
	return " No waiver covers it: " + strings.Join(why, ", ") + "."
}

// mostWaivers bounds those that are named beside an item.
const mostWaivers = 5

// decisive are the names of the expectations that a control's outcome hangs on, as
// against those that only reasons read.
func decisive(c *control.Control) map[string]bool {
	names := map[string]bool{}
	for i, e := range c.Expectations {
		names[e.Name] = i >= len(c.Decisive) || c.Decisive[i]
	}
	return names
}

// waiting says what is still open.
func (b *itemBody) waiting() string {
	var open []string
	for _, p := range b.Explained.Again.Parts {
		for _, e := range p.Expectations {
			if e.State == "open" && b.decisive[e.Name] {
				open = append(open, e.Name+" is "+strings.Replace(e.Why, "open until ", "awaited until ", 1))
			}
		}
	}
	if len(open) == 0 {
		return "it is due at " + moment(b.Verdict.Due) + "."
	}
	return strings.Join(open, "; ") + "."
}
