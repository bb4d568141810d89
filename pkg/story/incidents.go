package story

import (
	"fmt"
	"time"

	"assay.example/assay/pkg/compliance"
)

// runIncidents has incidents opened, acknowledged and resolved. A bot
// acknowledges all of them at once, which counts for nothing.
func (w *world) runIncidents() {
	s := w.scene("incidents")
	times := s.occurrences(w.plan.lifeStart, w.plan.to, w.plan.incidents)
	plants := s.spread(len(times), "late", "late")
	for i, at := range times {
		id := fmt.Sprintf("inc-%d", 2300+i)
		switch {
		case plants[i] != "":
			s.incident(id, pick(s, []string{"sev1", "sev2"}), at, s.between(22*time.Minute, 55*time.Minute))
			s.plant(Planted{
				Name: "late-acknowledgement", Control: IN01, Outcome: compliance.Deviation, Reason: "acknowledged_late",
				Why: "Within 15 minutes only the bot had acknowledged the incident; a person came later.",
			}, id, at, true)
		case s.chance(55):
			s.incident(id, pick(s, []string{"sev1", "sev2", "sev2"}), at, s.between(time.Minute, 10*time.Minute))
			s.pass(IN01, id, at)
		default:
			s.incident(id, pick(s, []string{"sev3", "sev4"}), at, s.between(5*time.Minute, 5*time.Hour))
		}
	}
}

// incident writes one down whose first human acknowledgement comes after ack.
func (s *scene) incident(id, severity string, at compliance.Instant, ack time.Duration) {
	s.emit(pager, "incident.opened", at, fields{
		"incident_id": id, "severity": severity, "service": pick(s, s.plan.services).id,
		"title": pick(s, []string{"error rate", "slow answers", "provider timeouts", "queue depth", "stale index"}),
	})
	s.emit(pager, "incident.acknowledged", at.Add(s.between(2*time.Second, 20*time.Second)), fields{
		"incident_id": id, "responder": "pager-bot", "responder_kind": "automation",
	})
	responder := pick(s, engineers())
	s.emit(pager, "incident.acknowledged", at.Add(ack), fields{
		"incident_id": id, "responder": responder, "responder_kind": "human",
	})
	s.emitPatient(pager, "incident.resolved", at.Add(ack+s.between(10*time.Minute, 6*time.Hour)), fields{
		"incident_id": id, "responder": responder,
	})
}
