package driver

import (
	"maps"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/story"
)

// liesOf are what somebody without the secret would like to be believed, by the id of
// the true event after which they say it: one for each door. Each would change what
// is reported, if the collector believed it.
func liesOf(s *story.Story) map[string]compliance.Event {
	from, _ := s.Period()
	l := liar{known: knownOf(s), from: from}
	lies, told := map[string]compliance.Event{}, map[string]bool{}
	for e := range s.Events() {
		if e.Barrier != nil || e.Duplicate || told[e.Event.Source] {
			continue
		}
		if data, ok := l.about(e.Event); ok {
			lie := e.Event
			lie.ID += "-forged"
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
}

// about gives the fields of an event that a lie would change.
func (l *liar) about(ev compliance.Event) (fields, bool) {
	switch ev.Type {
	case "change.approved": // that somebody else approved what its author had
		author := text(l.known.pushes[text(ev, "change_id")], "author")
		return fields{"approver": "alice"}, author == text(ev, "approver")
	case "deploy.completed": // a deployment that there never was
		return fields{"deploy_id": "dep-forged", "component": "api"}, ev.Time >= l.from && text(ev, "environment") == "production"
	}
	return nil, false
}
