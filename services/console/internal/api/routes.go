package api

import (
	"context"
	"net/http"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/explain"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/console/internal/access"
)

// register adds every route.
func (a *API) register() {
	add(a, read("/me", "me", "Who you are and what you may see", access.ReadSelf), a.me)
	add(a, read("/controls", "controls", "The controls", access.ReadControls), a.controls)
	add(a, read("/controls/{id}", "control", "One control in words", access.ReadControls), a.control)
	add(a, read("/controls/{id}/days", "control-days", "How many items a control has by day, and what is said of them", access.ReadControls), a.days)
	add(a, read("/items", "items", "What controls say of their items", access.ReadItems), a.items)
	add(a, read("/items/{control}/{item}", "item", "One item explained: the rule, the evidence, and the verdict made again", access.ReadItems), a.item)
	add(a, read("/violations", "violations", "Violations as they were published", access.ReadItems), a.violations)
	add(a, read("/events", "events", "Events as they stand in the log", access.ReadEvents), a.events)
	add(a, read("/events/{topic}/{partition}/{offset}", "event", "The event at one place in the log", access.ReadEvents), a.event)
	add(a, read("/rejected", "rejected", "What came and was no event", access.ReadRefused), a.rejected)
	add(a, read("/conflicts", "conflicts", "Events that came with more than one body", access.ReadRefused), a.conflicts)
	add(a, read("/sources", "sources", "The declared sources, and when they were silent", access.ReadSources), a.sources)
	add(a, read("/periods/{period}/report", "period-report", "The report of a period", access.ReadReports), a.report)
	add(a, read("/periods/{period}/samples/{control}/{engagement}", "sample", "Items of a control to test, drawn so that nobody can draw again", access.ReadItems), a.sample)
	add(a, read("/periods/{period}/drift/{baseline}", "drift", "Which controls do otherwise than in another period, since when, and why", access.ReadReports), a.drift)
	add(a, read("/periods/{period}/boundary", "boundary", "Where data went in a period, and whether the declared boundary has it", access.ReadReports), a.boundary)
	add(a, read("/periods/{period}/completeness/{control}", "completeness", "What proves that a control's population is complete, and what isn't proven", access.ReadReports), a.completeness)
	add(a, read("/coverage", "coverage", "What came of each source on each day, how late, and what is missing", access.ReadSources), a.coverage)
	add(a, read("/deliveries", "deliveries", "Who was told of violations", access.ReadDeliveries), a.deliveries)
	add(a, read("/health", "pipeline-health", "How far the record reaches", access.ReadHealth), a.health)
	a.registerWorkspace()
}

// read is an operation that changes nothing.
func read(path, id, summary string, needs access.Action) operation {
	return operation{http.MethodGet, path, id, summary, needs}
}

// Me is the viewer.
type Me struct {
	User    string       `json:"user"`
	Role    access.Role  `json:"role"`
	Tenant  string       `json:"tenant"`
	Tenants []string     `json:"tenants" nullable:"false"`
	Periods []ask.Period `json:"periods,omitempty"`
	// May lists what the role may read.
	May []access.Action `json:"may" nullable:"false"`
}

func (a *API) me(_ context.Context, c call, _ *struct{ Scope }) (*Me, error) {
	me := &Me{User: c.User, Role: c.Role, Tenant: c.Tenant, Tenants: c.Tenants, Periods: c.Periods, May: []access.Action{}}
	for _, action := range access.Actions() {
		if c.May(action) {
			me.May = append(me.May, action)
		}
	}
	return me, nil
}

type itemsIn struct {
	Scope
	Window
	Paging

	Control string `query:"control" minLength:"1" maxLength:"128" example:"CH-01"`
	Outcome string `query:"outcome" enum:"pass,deviation,waived,inconclusive,not_applicable,pending,withdrawn"`
	Reason  string `query:"reason" minLength:"1" maxLength:"128"`
}

func (a *API) items(ctx context.Context, c call, in *itemsIn) (*Page[listing.Found], error) {
	f := listing.Filter{Control: in.Control, Outcome: in.Outcome, Reason: in.Reason}
	return page(ctx, c, listing.ItemPages(), in.Window, f, in.Paging)
}

type violationsIn struct {
	Scope
	Window
	Paging

	Control string `query:"control" minLength:"1" maxLength:"128" example:"CH-01"`
	Item    string `query:"item" minLength:"1" maxLength:"1024"`
	Outcome string `query:"outcome" minLength:"1" maxLength:"32"`
}

func (a *API) violations(ctx context.Context, c call, in *violationsIn) (*Page[listing.Violation], error) {
	f := listing.Filter{Control: in.Control, Item: in.Item, Outcome: in.Outcome}
	return page(ctx, c, listing.ViolationPages(), in.Window, f, in.Paging)
}

type eventsIn struct {
	Scope
	Window
	Paging

	Type   string `query:"type" minLength:"1" maxLength:"256" example:"access.*" doc:"An event type, or a beginning and a star."`
	Source string `query:"source" minLength:"1" maxLength:"1024"`
	ID     string `query:"id" minLength:"1" maxLength:"1024"`
}

func (a *API) events(ctx context.Context, c call, in *eventsIn) (*Page[listing.Event], error) {
	return page(ctx, c, listing.EventPages(), in.Window, listing.Filter{Type: in.Type, Source: in.Source, ID: in.ID}, in.Paging)
}

type rejectedIn struct {
	Scope
	Window
	Paging

	Type   string `query:"type" minLength:"1" maxLength:"256" doc:"An event type, or a beginning and a star."`
	Source string `query:"source" minLength:"1" maxLength:"1024"`
	Code   string `query:"code" minLength:"1" maxLength:"64"`
}

func (a *API) rejected(ctx context.Context, c call, in *rejectedIn) (*Page[listing.Rejected], error) {
	return page(ctx, c, listing.RejectedPages(), in.Window, listing.Filter{Type: in.Type, Source: in.Source, Code: in.Code}, in.Paging)
}

type conflictsIn struct {
	Scope
	Window
	Paging

	Type   string `query:"type" minLength:"1" maxLength:"256" doc:"An event type, or a beginning and a star."`
	Source string `query:"source" minLength:"1" maxLength:"1024"`
}

func (a *API) conflicts(ctx context.Context, c call, in *conflictsIn) (*Page[listing.Conflict], error) {
	return page(ctx, c, listing.ConflictPages(), in.Window, listing.Filter{Type: in.Type, Source: in.Source}, in.Paging)
}

type deliveriesIn struct {
	Scope
	Window
	Paging

	Control string `query:"control" minLength:"1" maxLength:"128"`
	Target  string `query:"target" minLength:"1" maxLength:"128"`
	Outcome string `query:"outcome" minLength:"1" maxLength:"32" doc:"delivered, retry, refused or abandoned."`
}

func (a *API) deliveries(ctx context.Context, c call, in *deliveriesIn) (*Page[listing.Delivery], error) {
	f := listing.Filter{Control: in.Control, Target: in.Target, Outcome: in.Outcome}
	return page(ctx, c, listing.DeliveryPages(), in.Window, f, in.Paging)
}

type itemIn struct {
	Scope

	Control string `path:"control" maxLength:"128" example:"CH-01"`
	Item    string `path:"item" maxLength:"1024" example:"DEP-1" doc:"The item's id, with / written as %2F."`
}

// errNoItem is the same for an item that isn't there and one that may not be seen.
var errNoItem = compliance.Errorf(compliance.NotFound, "there is no such item, or you may not see it; list items with /api/v1/items")

func (a *API) item(ctx context.Context, c call, in *itemIn) (*explain.Explained, error) {
	e, err := explain.Make(ctx, a.Conn, a.Bundle, a.Types, explain.Subject{Tenant: c.Tenant, Control: in.Control, Item: in.Item})
	if compliance.CodeOf(err) == compliance.NotFound || err == nil && !c.Sees(e.Verdict.Item.Time) {
		return nil, errNoItem
	}
	return e, err
}

type eventIn struct {
	Scope

	Topic     string `path:"topic" maxLength:"249" example:"assay.events.access"`
	Partition int32  `path:"partition" minimum:"0" example:"0"`
	Offset    int64  `path:"offset" minimum:"0" example:"1"`
}

// Stored is an event with its place in the Merkle tree of its partition.
type Stored struct {
	listing.Event

	LeafIndex uint64 `json:"leaf_index"`
	Leaf      string `json:"leaf"`
	// UsedBy lists verdicts that name it as evidence, the first hundred.
	UsedBy []listing.Verdict `json:"used_by" nullable:"false"`
}

var errNoEvent = compliance.Errorf(compliance.NotFound, "there is no such event, or you may not see it; list events with /api/v1/events")

// mostUses bounds the verdicts that are listed with an event.
const mostUses = 100

func (a *API) event(ctx context.Context, c call, in *eventIn) (*Stored, error) {
	got, err := listing.EventAt(ctx, c.asker, in.Topic, in.Partition, in.Offset)
	if err != nil {
		return nil, err
	}
	if len(got.Rows) == 0 || !c.Sees(got.Rows[0].Time) {
		return nil, errNoEvent
	}
	used, err := listing.RestingOn(ctx, c.asker, in.Topic, in.Partition, in.Offset, mostUses)
	if err != nil {
		return nil, err
	}
	out := &Stored{Event: got.Rows[0].Event, LeafIndex: got.Rows[0].LeafIndex, Leaf: got.Rows[0].Leaf, UsedBy: []listing.Verdict{}}
	for _, v := range used.Rows {
		if c.Sees(v.Item.Time) {
			out.UsedBy = append(out.UsedBy, v)
		}
	}
	return out, nil
}
