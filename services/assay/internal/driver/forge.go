package driver

import (
	"maps"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/story"
)

// liesOf are what somebody without the secret would like to have believed, by the id
// of the true event after which they say it: one for each door. All but that of the
// scorer would change a verdict, if the collector believed them.
func liesOf(s *story.Story) map[string]compliance.Event {
	from, _ := s.Period()
	l := liar{known: knownOf(s), from: from, plants: plantedIn(s), failed: map[string]bool{}}
	for e := range s.Events() {
		if l.plants["failed-evaluation"][text(e.Event, "release_id")] {
			l.failed[text(e.Event, "version_hash")] = true
		}
	}
	lies, told := map[string]compliance.Event{}, map[string]bool{}
	for e := range s.Events() {
		if e.Barrier != nil || e.Duplicate || told[e.Event.Source] {
			continue
		}
		if data, ok := l.about(e.Event); ok {
			lie := e.Event
			lie.ID += "-forged"
			lie.Time = lie.Time.Add(time.Minute)
			lie.Data = maps.Clone(e.Event.Data)
			maps.Copy(lie.Data, data)
			lies[e.Event.ID], told[e.Event.Source] = lie, true
		}
	}
	return lies
}

type liar struct {
	known *known
	from  compliance.Instant
	// plants are the items of what was planted, by its name.
	plants map[string]map[string]bool
	// failed are the versions of prompts that were released though a suite had failed.
	failed map[string]bool
}

func plantedIn(s *story.Story) map[string]map[string]bool {
	plants := map[string]map[string]bool{}
	for _, p := range s.Planted() {
		plants[p.Name] = map[string]bool{}
		for _, id := range p.Items {
			plants[p.Name][id] = true
		}
	}
	return plants
}

// about gives the fields of an event that a lie about it would change.
func (l *liar) about(ev compliance.Event) (fields, bool) {
	inPeriod := ev.Time >= l.from
	switch ev.Type {
	case "change.approved": // that somebody else approved what its author had
		author := text(l.known.pushes[text(ev, "change_id")], "author")
		return fields{"approver": "alice"}, author == text(ev, "approver")
	case "deploy.completed": // a deployment that there never was
		return fields{"deploy_id": "dep-forged", "component": "api"}, inPeriod && text(ev, "environment") == "production"
	case "person.terminated": // that somebody left who is there
		return fields{"person_id": "alice"}, inPeriod
	case "incident.acknowledged": // that it was a person and no bot who was in time
		return fields{"responder": "gita", "responder_kind": "human"},
			text(ev, "responder_kind") == "automation" && l.plants["late-acknowledgement"][text(ev, "incident_id")]
	case "prompt.released": // a release that nobody approved
		return fields{"release_id": "rel-forged", "change_id": "prm-forged"}, inPeriod && text(ev, "environment") == "production"
	case "eval.run.completed": // that the run before a planted release went well
		return fields{"run_id": "run-forged", "score_permille": int64(990)}, l.failed[text(ev, "version_hash")] && text(ev, "suite") == "quality"
	case "model.call.completed": // a call to somebody whom nobody approved
		return fields{"call_id": "mc-forged", "span_id": "f0f0f0f0f0f0f0f0", "provider": "forged", "third_party": true}, inPeriod
	case "eval.online.scored": // a score, which among a day's others decides nothing
		return fields{"score_permille": int64(0)}, inPeriod
	}
	return nil, false
}
