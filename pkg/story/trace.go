package story

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

// trace is the life of one ticket: spans that name the span they follow from.
type trace struct {
	*scene
	id, ticket, service string
	// class is of the customer's data, and decides who may see it.
	class string
	now   compliance.Instant
	// parent is the span that the next one follows from.
	parent string
	// steps are the names of the spans that the answer's plan lists.
	steps []string
	// blocked says that the guardrail let nothing out.
	blocked bool
	// patient spans may be sent hours late: no trace of theirs is judged.
	patient bool
}

// span writes a span that follows from t.parent, and returns its id.
func (t *trace) span(kind, name string, takes time.Duration, data fields) string {
	t.now = t.now.Add(takes)
	id := fmt.Sprintf("%016x", t.rng.Uint64())
	data["trace_id"], data["span_id"], data["parent_id"], data["name"] = t.id, id, t.parent, name
	if t.patient {
		t.emitPatient(assistant, kind, t.now, data)
	} else {
		t.emit(assistant, kind, t.now, data)
	}
	return id
}

// step is span for a step of the plan; what comes next follows from it.
func (t *trace) step(kind, name string, takes time.Duration, data fields) {
	t.parent = t.span(kind, name, takes, data)
	t.steps = append(t.steps, name)
}

func (t *trace) receive() {
	t.parent = t.span("ticket.received", "receive", 0, fields{
		"ticket_id": t.ticket, "customer": fmt.Sprintf("cust-%03d", 100+t.rng.IntN(180)),
		"channel": pick(t.scene, []string{"chat", "chat", "mail", "voice"}),
	})
}

func (t *trace) retrieve() {
	t.step("retrieval.completed", "retrieve", t.between(80*time.Millisecond, 900*time.Millisecond), fields{
		"store": pick(t.scene, stores()), "documents": int64(t.upTo(span{1, 12})),
		"actor": t.service, "data_class": t.class,
	})
}

// call has an agent call a tool that it may call.
func (t *trace) call(a agent) {
	tool := pick(t.scene, a.tools)
	id, at := t.tool(a, tool)
	t.pass(MC06, id, at)
}

func (t *trace) tool(a agent, tool string) (id string, at compliance.Instant) {
	id = t.newID("tc")
	t.step("tool.call.completed", "tool "+tool, t.between(120*time.Millisecond, 3*time.Second), fields{
		"tool_call_id": id, "agent": a.id, "tool": tool, "scope": "customer", "data_class": t.class,
	})
	return id, t.now
}

// model calls a model: one of the company's own, or an approved provider's.
func (t *trace) model(name string) {
	if t.chance(10) {
		t.modelAt(name, ownModel())
		return
	}
	p := t.providerFor(t.class, t.now)
	id, at := t.modelAt(name, p)
	t.noteCall(id, at, p)
}

func (t *trace) modelAt(name string, p provider) (id string, at compliance.Instant) {
	id = t.newID("mc")
	t.step("model.call.completed", name, t.between(700*time.Millisecond, 9*time.Second), fields{
		"actor": t.service, "call_id": id, "provider": p.id, "model": p.model, "requested_model": p.model, "region": p.region,
		"data_class": t.class, "third_party": p.id != inHouse,
		"input_tokens": int64(t.upTo(span{300, 6000})), "output_tokens": int64(t.upTo(span{40, 900})),
	})
	return id, t.now
}

// guard lets the draft out or not.
func (t *trace) guard(decision string) {
	t.step("guardrail.decision", "guard", t.between(30*time.Millisecond, 300*time.Millisecond), fields{
		"policy": "output-v3", "decision": decision, "level": pick(t.scene, []string{"low", "low", "medium"}),
	})
}

// review has a person look at the draft. Nothing follows from it in the trace:
// the output follows from the guardrail's decision.
func (t *trace) review() {
	t.span("human_review.decided", "review", t.between(2*time.Minute, 35*time.Minute), fields{
		"reviewer": staffHandle(t.plan.leavers + t.rng.IntN(t.plan.staff-t.plan.leavers)),
		"decision": pick(t.scene, []string{"approve", "approve", "edit"}), "ticket_id": t.ticket,
	})
}

// deliver sends the answer out and notes it for the scorer.
func (t *trace) deliver(useCase, app string, steps []string) {
	t.parent = t.span("output.delivered", "deliver", t.between(200*time.Millisecond, 4*time.Second), fields{
		"ticket_id": t.ticket, "use_case": useCase, "app": app, "plan": list(steps...),
	})
	t.answers[t.service] = append(t.answers[t.service], answer{t.now, t.id})
}

func (t *trace) newID(prefix string) string { return fmt.Sprintf("%s-%016x", prefix, t.rng.Uint64()) }
