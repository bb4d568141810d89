package story

import (
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// person is somebody with access; the story follows what they hold.
type person struct {
	id string
	// kind is employee or contractor.
	kind string
	// wants is the catalog in the order in which they come to need it.
	wants []entitlement
	live  []entitlement
	// grants counts the grants, for their ids.
	grants int
	// busyUntil is when the last grant was made.
	busyUntil compliance.Instant
}

// runPeople has people join, get access, leave and lose it.
func (w *world) runPeople() {
	s := w.scene("people")
	staff := s.importDirectory()
	leavers, stayers := staff[:w.plan.leavers], staff[w.plan.leavers:]
	s.requestAccess(stayers)
	s.leaveAll(leavers)
	s.joinAll()
	s.leaveWithoutAccess()
}

// importDirectory writes what the sources knew on their first day: who works
// here and with which access. It lies before the period, so nobody asks for
// the approvals.
func (s *scene) importDirectory() []*person {
	first := s.plan.sourcesStart.Add(9 * time.Hour)
	for _, handle := range slices.Concat(leads(), engineers()) {
		first = first.Add(s.between(2*time.Second, 20*time.Second))
		s.join(s.newPerson(handle, "employee"), first, "engineer")
	}
	var staff []*person
	for n := range s.plan.staff {
		p := s.newPerson(staffHandle(n), "employee")
		first = first.Add(s.between(2*time.Second, 20*time.Second))
		s.join(p, first, "support")
		for range s.upTo(span{3, 5}) {
			first = first.Add(s.between(time.Second, 5*time.Second))
			s.grant(p, p.next(), first, "directory-import")
		}
		staff = append(staff, p)
	}
	return staff
}

func (s *scene) newPerson(id, kind string) *person {
	wants := catalog()
	s.rng.Shuffle(len(wants), func(i, j int) { wants[i], wants[j] = wants[j], wants[i] })
	return &person{id: id, kind: kind, wants: wants}
}

// next is what p comes to need now.
func (p *person) next() entitlement {
	e := p.wants[0]
	p.wants = p.wants[1:]
	return e
}

// entitlementID is named as a directory names what somebody holds: by the group or
// the application, and who is in it.
func (p *person) entitlementID(e entitlement) string { return e.name + "/" + p.id }

func (s *scene) join(p *person, at compliance.Instant, role string) {
	s.emit(idp, "person.joined", at, fields{"person_id": p.id, "role": role})
}

// grant gives e to p and returns the grant's id. It is no item yet.
func (s *scene) grant(p *person, e entitlement, at compliance.Instant, by string) string {
	p.grants++
	id := fmt.Sprintf("grant-%s-%d", p.id, p.grants)
	scopes := e.scopes
	if len(scopes) > 1 && s.chance(30) {
		scopes = scopes[:len(scopes)-1] // less than what was approved is fine
	}
	s.emit(idp, "access.granted", at, fields{
		"grant_id": id, "subject": p.id, "entitlement_id": p.entitlementID(e), "entitlement": e.name,
		"system": e.system, "scopes": list(scopes...), "granted_by": by,
	})
	p.live = append(p.live, e)
	p.busyUntil = max(p.busyUntil, at)
	return id
}

func (s *scene) revoke(p *person, e entitlement, at compliance.Instant) {
	s.emit(idp, "access.revoked", at, fields{
		"subject": p.id, "entitlement_id": p.entitlementID(e), "system": e.system, "revoked_by": pick(s, leads()),
	})
}

func (s *scene) approval(p *person, e entitlement, at compliance.Instant) letter {
	return letter{event: compliance.Event{Source: idp, Type: "access.request.approved", Time: at, Data: fields{
		"request_id": fmt.Sprintf("req-%s-%s", p.id, e.name), "subject": p.id, "entitlement": e.name,
		"approver": pickOther(s, leads(), p.id), "scopes": list(e.scopes...),
	}}}
}

// askAndGrant has e approved at a time and granted some time after.
func (s *scene) askAndGrant(p *person, approved compliance.Instant) {
	e := p.next()
	granted := approved.Add(s.between(20*time.Minute, 60*time.Hour))
	if granted >= s.plan.to {
		return
	}
	s.send(s.approval(p, e, approved))
	s.pass(AC02, s.grant(p, e, granted, "access-bot"), granted)
}

// requestAccess has people who stay ask for more.
func (s *scene) requestAccess(stayers []*person) {
	n := s.plan.requests
	plants := s.spread(n, "late-approval")
	step := s.plan.to.Sub(s.plan.from) / time.Duration(n)
	for i := range n {
		p := stayers[i%len(stayers)]
		at := s.officeTime(s.plan.from.Add(time.Duration(i) * step))
		if plants[i] != "" {
			s.approvedButLate(p, at)
			continue
		}
		s.askAndGrant(p, at)
	}
}

// approvedButLate plants an approval in time whose event comes two days late:
// until then the grant looks unapproved.
func (s *scene) approvedButLate(p *person, approved compliance.Instant) {
	e := p.next()
	granted := approved.Add(s.between(40*time.Minute, 3*time.Hour))
	id := s.grant(p, e, granted, "access-bot")
	late := s.approval(p, e, approved)
	late.care, late.after = prompt, 2*day
	late.barrier = &Barrier{Control: AC02, Item: id, Outcome: compliance.Deviation}
	s.send(late)
	s.plant(Planted{
		Name: "late-evidence", Control: AC02, Outcome: compliance.Pass,
		Why: "The approval was given before the grant, but its event arrived two days late and corrected a deviation.",
	}, id, granted, false)
}

// joinAll has people join in the period and get their first access. Some are
// contractors, who leave again.
func (s *scene) joinAll() {
	n := s.plan.joiners
	step := (s.plan.to.Sub(s.plan.from) - 5*day) / time.Duration(n)
	for i := range n {
		kind := "employee"
		if s.chance(25) {
			kind = "contractor"
		}
		p := s.newPerson(joinerHandle(i), kind)
		joined := s.officeTime(s.plan.from.Add(time.Duration(i) * step))
		s.join(p, joined, "support")
		for range s.upTo(span{1, 3}) {
			s.askAndGrant(p, joined.Add(s.between(time.Hour, 30*time.Hour)))
		}
		leaves := s.officeTime(joined.Add(s.between(20*day, 40*day)))
		if kind == "contractor" && leaves < s.plan.to && len(p.live) > 0 {
			s.leave(p, leaves, p.live)
			s.pass(AC03, p.id, leaves)
		}
	}
}

// officeTime is a time of the working day in which t lies, or of the next one.
func (s *scene) officeTime(t compliance.Instant) compliance.Instant {
	d := t - t%compliance.Instant(day.Microseconds())
	for weekend(d) {
		d = d.Add(day)
	}
	return s.timeOfDay(d, officeHours())
}
