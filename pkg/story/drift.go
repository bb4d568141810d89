package story

import (
	"fmt"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
)

// Cause is why a control of the story drifts.
type Cause string

// The causes that a story can have planted.
const (
	NoDrift Cause = ""
	// Behaviour: after a model route changed, an agent calls a tool that it may not.
	Behaviour Cause = "behaviour"
	// Rule: models may be called in the EU only. They are called as before.
	Rule Cause = "rule"
	// Reference: the approval of a provider ends. It is called as before.
	Reference Cause = "reference data"
	// Boundary: a component comes into scope that was deployed without approvals all along.
	Boundary Cause = "boundary"
	// Silence: the tool that runs evaluations is not heard of for twelve days.
	Silence Cause = "silent source"
)

// Causes lists all but NoDrift.
func Causes() []Cause { return []Cause{Behaviour, Rule, Reference, Boundary, Silence} }

// Drift is what was planted.
type Drift struct {
	Cause   Cause
	Control string
	// At is when it begins. Change is the event that began it, if one did.
	At     compliance.Instant
	Change string
}

// A region rule, as a second version of the control has it.
const (
	euOnly       = "eu-"
	outsideEU    = "region_not_approved"
	newComponent = "gateway"
	endingRow    = "bedrock-us"
)

// Drift is what was planted; nil if nothing was.
func (s *Story) Drift() *Drift { return s.drift }

// Version makes the file of the control, from its file in the library, that is in force from
// the drift on, where the drift is one of its rule.
func (s *Story) Version(file string) string {
	file = strings.Replace(file, "\nassert: ", fmt.Sprintf("\neffective_from: %s\nassert: item.region.startsWith(\"%s\") && ", s.drift.At, euOnly), 1)
	const last = "\n  data_class_not_approved: "
	return strings.Replace(file, last, fmt.Sprintf("\n  %s: '!item.region.startsWith(\"%s\")'%s", outsideEU, euOnly, last), 1)
}

// planDrift says when the drift is: a working day of the second half, late enough
// for a baseline and early enough to be seen.
func (w *world) planDrift(cause Cause) {
	if cause == NoDrift {
		return
	}
	s := w.scene("drift")
	at := s.officeTime(date(time.August, 18).Add(time.Duration(s.rng.IntN(14)) * day))
	w.drift = &Drift{Cause: cause, At: at, Control: map[Cause]string{
		Behaviour: MC06, Rule: MC01, Reference: MC01, Boundary: CH01, Silence: CH05a,
	}[cause]}
	if cause == Silence {
		w.quiet = outage{source: evals, from: at, to: at.Add(12 * day)}
	}
}

// drifted tells whether a time is after the drift of a cause began.
func (w *world) drifted(cause Cause, at compliance.Instant) bool {
	return w.drift != nil && w.drift.Cause == cause && w.drift.At <= at
}

// runDrift plays what happens only because of the drift.
func (w *world) runDrift() {
	if w.drift == nil {
		return
	}
	s := w.scene("drifting")
	switch w.drift.Cause {
	case Behaviour:
		s.misroute()
	case Boundary:
		s.deployNewComponent()
	case NoDrift, Rule, Reference, Silence: // the rest of the story sees to it
	}
}

// misroute changes a model route, after which the agent calls a tool that it may not.
func (s *scene) misroute() {
	d, author := s.drift, pick(s, engineers())
	s.emit(vcs, "change.approved", d.At.Add(-2*time.Hour), fields{"change_id": "rte-900", "approver": pickOther(s, leads(), author)})
	d.Change = s.emit(prompts, "model.route.changed", d.At, fields{
		"route_id": "rte-900", "app": "support-assistant", "provider": "openai-eu", "model": "chat-medium",
		"change_id": "rte-900", "author": author, "environment": "production",
	})
	n := 90000
	step := 40 * time.Hour
	for at := d.At.Add(s.between(time.Hour, 9*time.Hour)); at.Add(time.Hour) < s.plan.to; at = at.Add(s.between(step/2, step)) {
		s.newTrace(n, at).supportPlanted(plantTool)
		n++
	}
}

// deployNewComponent deploys a component all along, mostly without an approval. It is in
// scope from the drift on.
func (s *scene) deployNewComponent() {
	n := 9000
	for at := s.plan.from.Add(30 * time.Hour); at.Add(day) < s.plan.to; at = at.Add(s.between(10*time.Hour, 30*time.Hour)) {
		c := &change{id: fmt.Sprintf("%s#%d", repositoryName, n), n: n, author: pick(s, engineers())}
		n++
		s.push(c, at)
		approved := s.chance(30)
		if approved {
			s.approveChange(c, at.Add(s.between(10*time.Minute, 20*time.Minute)), s.reviewer(c))
		}
		deployed := at.Add(s.between(40*time.Minute, 3*time.Hour))
		id := s.deploy(c, deployed, newComponent, "production")
		switch {
		case !s.drifted(Boundary, deployed):
		case approved:
			s.pass(CH01, id, deployed)
		default:
			s.plant(Planted{
				Name: "component-without-approvals", Control: CH01, Outcome: compliance.Deviation, Reason: "no_approval",
				Why: "The component came into scope, and its deployments need approvals that nobody gives.",
			}, id, deployed, false)
		}
	}
}

// noteCall says what the control of providers says of a call to an approved one.
func (t *trace) noteCall(id string, at compliance.Instant, p provider) {
	switch {
	case t.drifted(Reference, at) && p.id == endingRow:
		t.plantTrace("ended-approval", MC01, "provider_not_approved", id, at, "The provider's approval had ended.")
	case t.drifted(Rule, at) && !strings.HasPrefix(p.region, euOnly):
		t.plantTrace("outside-eu", MC01, outsideEU, id, at, "The call left the EU, which the rule forbids since it was changed.")
	default:
		t.pass(MC01, id, at)
	}
}

// unheard tells whether what evaluations said of a release can't be known: some of the
// thirty days before it were silent, from the last sign of life on.
func (w *world) unheard(released compliance.Instant) bool {
	return w.quiet.source == evals && w.lastBeat(evals, w.quiet.from) < released && released.Add(-30*day) < w.quiet.to
}

// lastBeat is the last heartbeat of a source before a time.
func (w *world) lastBeat(name string, before compliance.Instant) compliance.Instant {
	last := compliance.Ever
	for i, src := range w.plan.sources {
		for at := w.firstBeat(i); src.name == name && at < before; at = at.Add(src.heartbeat) {
			last = at
		}
	}
	return last
}
