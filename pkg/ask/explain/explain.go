// Package explain says why a control says what it says of an item: the rule in words, what
// was said when, the evidence byte for byte, and the verdict made again by package oracle
// from the events on record.
package explain

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"

	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/listing"
	"assay.example/assay/pkg/clickhouse"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/oracle"
)

// Subject is what to explain.
type Subject struct {
	Tenant, Control, Item string
	// AsOf is the watermark: what happened from then on isn't looked at. Zero is as far
	// as the record goes.
	AsOf compliance.Instant
}

// Explained is a verdict with its history, its evidence, and what the rule looked for.
type Explained struct {
	Tenant string `json:"tenant"`
	Rule   Words  `json:"rule"`
	// Verdict is the latest revision, History all of them, the first one first.
	Verdict  listing.Found     `json:"verdict"`
	History  []listing.Verdict `json:"history"`
	Evidence []Exhibit         `json:"evidence"`
	// Again is the verdict made once more, from the events on record.
	Again Reperformed `json:"reperformed"`
	// Because is the verdict in plain words.
	Because Because `json:"because"`
}

// Exhibit is one event that a verdict names, with the event itself.
type Exhibit struct {
	compliance.Evidence
	// OnRecord says that the event stands at that place, Intact that its bytes have
	// the hash that the verdict names. Of a verdict that is evidence both say that it
	// was made again from the events as it is named.
	OnRecord bool            `json:"on_record"`
	Intact   bool            `json:"intact"`
	Data     json.RawMessage `json:"data,omitempty"`
}

// Reperformed is a verdict made again by the reference rules, from events alone.
type Reperformed struct {
	// Watermark: events from then on are not looked at. Events counts those that were,
	// Unreadable those that their type's schema refuses.
	Watermark  compliance.Instant `json:"watermark"`
	Events     int                `json:"events"`
	Unreadable int                `json:"unreadable,omitempty"`
	// Late are those that may concern the item and came too late for the control, which
	// no verdict used; Conflicting those that came with more than one body.
	Late        int                `json:"late,omitempty"`
	Conflicting int                `json:"conflicting,omitempty"`
	Made        bool               `json:"made"`
	Outcome     compliance.Outcome `json:"outcome,omitempty"`
	Reason      string             `json:"reason,omitempty"`
	// Equal says that it is the stored one. Differences say what isn't.
	Equal       bool     `json:"equal"`
	Differences []string `json:"differences,omitempty"`
	Parts       []Looked `json:"parts,omitempty"`
	// Waivers are those with the item in their scope, if it deviates or is waived.
	Waivers []Waiver `json:"waivers,omitempty"`
}

// Looked is what was looked for, for an item or one part of it.
type Looked struct {
	Part         string             `json:"part,omitempty"`
	Outcome      compliance.Outcome `json:"outcome"`
	Reason       string             `json:"reason,omitempty"`
	Expectations []Expectation      `json:"expectations"`
}

// Expectation is what an expectation found.
type Expectation struct {
	Name string `json:"name"`
	// State is found, missing, open or unknown.
	State string `json:"state"`
	// Interval is where evidence has to lie; empty while what it hangs on isn't known.
	Interval string             `json:"interval,omitempty"`
	From     compliance.Instant `json:"from,omitzero"`
	To       compliance.Instant `json:"to,omitzero"`
	// Why says more of a state.
	Why   string                `json:"why,omitempty"`
	Found []compliance.Evidence `json:"found,omitempty"`
	// Remedy came after the interval, and is accepted as remedy.
	Remedy *compliance.Evidence `json:"remedy,omitempty"`
	Folds  map[string]any       `json:"folds,omitempty"`
}

// Make explains what a control says about an item, and makes the verdict again.
func Make(ctx context.Context, conn clickhouse.Conn, b *control.Bundle, types *dictionary.Dictionary, s Subject) (*Explained, error) {
	c := b.Control(s.Control)
	if c == nil {
		return nil, compliance.Errorf(compliance.NotFound, "the bundle has no control %s", s.Control)
	}
	a := &ask.Inquiry{Conn: conn, Tenant: s.Tenant}
	history, err := ask.Rows[listing.FoundRow](ctx, a, "history", clickhouse.Named("control", s.Control), clickhouse.Named("item", s.Item))
	if err != nil {
		return nil, err
	}
	if len(history) == 0 {
		return nil, compliance.Errorf(compliance.NotFound,
			"%s says nothing about an item %q of tenant %s; list its items with assay query verdicts --control %s", s.Control, s.Item, s.Tenant, s.Control)
	}
	last := &history[len(history)-1]
	c = c.At(ask.Instant(last.ItemTime))
	e := &Explained{Tenant: s.Tenant, Rule: WordsOf(c), Verdict: last.Found()}
	for i := range history {
		e.History = append(e.History, history[i].Verdict())
	}
	var named []compliance.Evidence
	if err := json.Unmarshal([]byte(last.Evidence), &named); err != nil {
		return nil, compliance.Errorf(compliance.Internal, "reading the evidence of %s/%s: %w", s.Control, s.Item, err)
	}
	if e.Evidence, err = askExhibits(ctx, a, named); err != nil {
		return nil, err
	}
	e.Again, err = reperform(ctx, a, &search{bundle: b, control: c, types: types, subject: s, stored: &e.Verdict, exhibits: e.Evidence})
	e.Because = because(c, &e.Verdict.Verdict, &e.Again)
	return e, err
}

// askExhibits finds the events that a verdict names.
func askExhibits(ctx context.Context, a *ask.Inquiry, named []compliance.Evidence) ([]Exhibit, error) {
	var types, ids []string
	var offsets []int64
	for _, n := range named {
		types, ids, offsets = append(types, n.Type), append(ids, n.ID), append(offsets, n.Offset)
	}
	exhibits := make([]Exhibit, len(named))
	if len(named) == 0 {
		return exhibits, nil
	}
	rows, err := ask.Rows[listing.EventRow](ctx, a, "evidence", clickhouse.Named("types", types), clickhouse.Named("ids", ids), clickhouse.Named("offsets", offsets))
	if err != nil {
		return nil, err
	}
	for i, n := range named {
		exhibits[i].Evidence = n
		for r := range rows {
			row := &rows[r]
			if row.Topic == n.Topic && row.Partition == n.Partition && row.Offset == n.Offset && row.ID == n.ID && row.Source == n.Source {
				exhibits[i].OnRecord, exhibits[i].Intact = true, compliance.Hash(sha256.Sum256([]byte(row.Data))) == n.SHA256
				exhibits[i].Data = row.Event().Data
			}
		}
	}
	return exhibits, nil
}

// reperform makes the verdict once more and compares it.
func reperform(ctx context.Context, a *ask.Inquiry, s *search) (Reperformed, error) {
	w, err := watermarkOf(ctx, a, s)
	if err != nil {
		return Reperformed{}, err
	}
	r := Reperformed{Watermark: w}
	events, err := concerning(ctx, a, s, w, &r)
	if err != nil {
		return Reperformed{}, err
	}
	made, ok := oracle.Explain(s.bundle, s.control, a.Tenant, events, s.subject.Item, w)
	if !ok {
		r.Differences = []string{"the events on record make no such item"}
		return r, nil
	}
	r.Made, r.Outcome, r.Reason = true, made.Verdict.Outcome, made.Verdict.Reason
	s.confirm(made.Verdict.Evidence)
	r.Differences = differences(s, &made.Verdict)
	r.Equal = len(r.Differences) == 0
	r.Parts = lookedFor(made.Parts, w)
	for i := range made.Waivers {
		r.Waivers = append(r.Waivers, waiverOf(&made.Waivers[i]))
	}
	return r, nil
}

// lookedFor puts what the reference rules looked for into words.
func lookedFor(parts []oracle.Part, w compliance.Instant) (list []Looked) {
	for _, part := range parts {
		looked := Looked{Part: part.Name, Outcome: part.Outcome, Reason: part.Reason, Expectations: []Expectation{}}
		for i := range part.Expectations {
			looked.Expectations = append(looked.Expectations, expectationOf(&part.Expectations[i], w))
		}
		list = append(list, looked)
	}
	return list
}

// differences says in what a verdict isn't the stored one.
func differences(s *search, v *compliance.Verdict) (list []string) {
	stored := s.stored
	say := func(what string, was, is any) {
		if fmt.Sprint(was) != fmt.Sprint(is) {
			list = append(list, fmt.Sprintf("%s: stored %v, made again %v", what, was, is))
		}
	}
	say("outcome", stored.Outcome, v.Outcome)
	say("reason", stored.Reason, v.Reason)
	say("item time", stored.Item.Time, v.Item.Time)
	say("remediated at", stored.RemediatedAt, v.RemediatedAt)
	say("rule", stored.RuleHash, s.control.Hash)
	var was []compliance.Evidence
	for _, x := range s.exhibits {
		was = append(was, x.Evidence)
	}
	if !slices.EqualFunc(was, v.Evidence, sameEvidence) {
		list = append(list, fmt.Sprintf("evidence: stored %s, made again %s", brief(was), brief(v.Evidence)))
	}
	return list
}

func sameEvidence(a, b compliance.Evidence) bool {
	return a.Expectation == b.Expectation && a.Source == b.Source && a.ID == b.ID && a.SHA256 == b.SHA256
}

// brief names evidence in one line.
func brief(evidence []compliance.Evidence) string {
	names := []string{}
	for _, e := range evidence {
		names = append(names, e.Expectation+"="+e.Source+"#"+e.ID)
	}
	return fmt.Sprint(names)
}

// expectationOf puts what the reference rules know into words.
func expectationOf(x *oracle.Expected, w compliance.Instant) Expectation {
	e := Expectation{Name: x.Name, Found: x.Found, Remedy: x.Remedy, Folds: x.Folds}
	if x.Bounded {
		opening, closing := "[", "]"
		if x.FromOpen {
			opening = "("
		}
		if x.ToOpen {
			closing = ")"
		}
		e.From, e.To = x.From, x.To
		e.Interval = opening + x.From.String() + ", " + x.To.String() + closing
	}
	switch {
	case x.Silent:
		e.State, e.Why = "unknown", "a source was silent in this interval, or numbers of its events are missing"
	case x.TooMany:
		e.State, e.Why = "unknown", "more events match than the control allows"
	case x.Disputed && x.Finished:
		e.State, e.Why = "unknown", "an event came with bodies that disagree on whether it belongs"
	case len(x.Found) > 0:
		e.State = "found"
	case !x.Bounded && x.Finished:
		e.State, e.Why = "missing", "what its interval hangs on was not found"
	case !x.Bounded:
		e.State, e.Why = "open", "what its interval hangs on isn't known yet"
	case x.Final:
		e.State = "missing"
	case x.Finished:
		e.State, e.Why = "unknown", "a condition could not be computed"
	case x.To >= w:
		e.State, e.Why = "open", "open until "+x.To.String()
	default:
		e.State, e.Why = "open", "its end has passed; the next sign of life of its sources, or a number that they skipped, is not in yet"
	}
	return e
}

// watermarkOf is how far the record is complete: what the clock records say that have
// been stored, and at least when the stored verdict became known.
func watermarkOf(ctx context.Context, a *ask.Inquiry, s *search) (compliance.Instant, error) {
	if s.subject.AsOf != 0 {
		return s.subject.AsOf, nil
	}
	clock, err := ask.Clock(ctx, a.Conn)
	if err != nil {
		return 0, err
	}
	return max(clock, s.stored.KnownAt+1), nil
}
