package story

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

// What is planted in tickets; the names of Planted.
const (
	plantProvider  = "unapproved-provider"
	plantTool      = "tool-outside-boundary"
	plantRetrieval = "missing-retrieval"
)

// runTickets has tickets come in and answered.
func (w *world) runTickets() {
	s := w.scene("tickets")
	times := s.occurrences(w.plan.ticketsStart, w.plan.to, w.plan.tickets)
	plants := s.spread(len(times), plantProvider, plantTool, plantRetrieval,
		plantProvider, plantTool, plantRetrieval, plantProvider)
	for i, at := range times {
		if at.Add(time.Hour) >= w.plan.to {
			continue // the quarter's last hour is for the answers
		}
		t := s.newTrace(i, at)
		switch {
		case plants[i] != "":
			t.supportPlanted(plants[i])
		case s.chance(9):
			t.triage()
		default:
			t.support()
		}
	}
}

func (s *scene) newTrace(n int, at compliance.Instant) *trace {
	return &trace{
		scene: s, now: at, id: fmt.Sprintf("%016x%016x", s.rng.Uint64(), s.rng.Uint64()),
		ticket: fmt.Sprintf("tic-%06d", 31000+n), service: s.serviceOf(),
		class: pick(s, []string{"public", "internal", "internal", "pii"}),
	}
}

// serviceOf draws a service; thin ones get few tickets.
func (s *scene) serviceOf() string {
	for {
		if m := pick(s, s.plan.services); !m.thin || s.chance(12) {
			return m.id
		}
	}
}

// support answers a customer's ticket.
func (t *trace) support() {
	t.receive()
	t.retrieve()
	for range t.upTo(span{0, 2}) {
		t.call(agents()[0])
	}
	t.draft()
	if t.blocked {
		return
	}
	if t.chance(8) {
		t.review()
	}
	t.deliver("support", "support-assistant", t.steps)
	t.pass(MC05, t.id, t.now)
	if t.chance(10) {
		t.noteInCRM()
	}
}

// draft calls the model and asks the guardrail. A draft that it blocks is
// written again, or the ticket goes to a person and nothing is delivered.
func (t *trace) draft() {
	t.model("draft")
	if t.chance(15) {
		t.model("refine")
	}
	if !t.chance(5) {
		t.guard("allow")
		return
	}
	t.guard("block")
	if t.chance(40) {
		t.blocked = true
		return
	}
	t.model("redraft")
	t.guard("allow")
}

// noteInCRM follows from the answer, after it.
func (t *trace) noteInCRM() {
	id, at := t.tool(agents()[0], "crm.note")
	t.pass(MC06, id, at)
}

// triage is work for the company's own people. No control asks for its trace
// to be complete, and it has no guardrail.
func (t *trace) triage() {
	t.patient = true
	t.receive()
	t.call(agents()[1])
	if t.chance(30) {
		t.call(agents()[2])
	}
	t.model("classify")
	t.deliver("triage", "triage-assistant", t.steps)
}

// supportPlanted answers a ticket with one thing wrong.
func (t *trace) supportPlanted(plant string) {
	t.receive()
	if plant == plantRetrieval {
		t.steps = append(t.steps, "retrieve") // planned, but it never was
	} else {
		t.retrieve()
	}
	if plant == plantTool {
		id, at := t.tool(agents()[0], forbidden)
		t.plantTrace(plant, MC06, "tool_outside_boundary", id, at,
			"The support agent called a tool that only the billing agent may call.")
	}
	if plant == plantProvider {
		t.class = "public"
		id, at := t.modelAt("draft", provider{id: unapproved, model: "chat-fast", region: "us-west"})
		t.plantTrace(plant, MC01, "provider_not_approved", id, at,
			"A model call went to a provider that is not on the list of approved ones.")
	} else {
		t.model("draft")
	}
	t.guard("allow")
	t.deliver("support", "support-assistant", t.steps)
	if plant == plantRetrieval {
		t.plantTrace(plant, MC05, "step_missing", t.id, t.now,
			"The answer's plan names a retrieval step that its trace doesn't have.")
		return
	}
	t.pass(MC05, t.id, t.now)
}

func (t *trace) plantTrace(name, control, reason, id string, at compliance.Instant, why string) {
	t.plant(Planted{
		Name: name, Control: control, Outcome: compliance.Deviation, Reason: reason, Why: why,
	}, id, at, false)
}
