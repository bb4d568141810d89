package story

import (
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
)

// leave has p go at a time and lose revoked within a day.
func (s *scene) leave(p *person, at compliance.Instant, revoked []entitlement) {
	s.emit(idp, "person.terminated", at, fields{"person_id": p.id, "kind": p.kind})
	for _, e := range revoked {
		s.revoke(p, e, at.Add(s.between(10*time.Minute, 20*time.Hour)))
	}
}

// leaveAll has staff leave all through the period. One keeps an access for
// ever, one keeps another for some days.
func (s *scene) leaveAll(leavers []*person) {
	plants := s.spread(len(leavers), "kept", "kept-for-days")
	step := (s.plan.to.Sub(s.plan.from) - 4*day) / time.Duration(len(leavers))
	for i, p := range leavers {
		at := s.officeTime(s.plan.from.Add(time.Duration(i) * step))
		if s.chance(40) {
			s.loseBefore(p, at)
		}
		switch plants[i] {
		case "kept":
			s.keep(p, at)
		case "kept-for-days":
			s.keepForDays(p, at)
		default:
			s.leave(p, at, p.live)
			s.pass(AC03, p.id, at)
		}
	}
}

// loseBefore takes an access away before p leaves; leaving owes nothing for it.
func (s *scene) loseBefore(p *person, leaves compliance.Instant) {
	s.revoke(p, p.live[0], leaves.Add(-s.between(2*day, 9*day)))
	p.live = slices.Clone(p.live[1:])
}

func (s *scene) keep(p *person, at compliance.Instant) {
	s.leave(p, at, p.live[1:])
	s.plant(Planted{
		Name: "kept-access", Control: AC03, Outcome: compliance.Deviation, Reason: "still_active",
		Why: "A leaver lost all access but one entitlement, which was never revoked.",
	}, p.id, at, false)
}

func (s *scene) keepForDays(p *person, at compliance.Instant) {
	s.leave(p, at, p.live[1:])
	s.revoke(p, p.live[0], at.Add(s.between(40*time.Hour, 70*time.Hour)))
	s.plant(Planted{
		Name: "access-revoked-late", Control: AC03, Outcome: compliance.Deviation, Reason: "still_active",
		Why: "A leaver kept one entitlement for some days; it was revoked after the deadline.",
	}, p.id, at, true)
}

// leaveWithoutAccess has a contractor come and go who never got any access.
func (s *scene) leaveWithoutAccess() {
	p := s.newPerson("contractor-501", "contractor")
	joined := s.officeTime(s.plan.from.Add(s.between(10*day, 20*day)))
	leaves := s.officeTime(joined.Add(s.between(30*day, 40*day)))
	s.join(p, joined, "support")
	s.leave(p, leaves, nil)
	s.plant(Planted{
		Name: "leaver-without-access", Control: AC03, Outcome: compliance.NotApplicable, Reason: compliance.ReasonNoParts,
		Why: "A contractor left who had never been granted anything.",
	}, p.id, leaves, false)
}

// runLogins has people sign in. Administrators use a second factor; others may
// not, which is nobody's item.
func (w *world) runLogins() {
	s := w.scene("logins")
	times := s.occurrences(w.plan.lifeStart, w.plan.to, w.plan.privileged)
	plants := s.spread(len(times), "no-mfa")
	for i, at := range times {
		data := fields{
			"user_id": pick(s, leads()), "system": pick(s, w.plan.systems).id,
			"mfa": true, "factor": pick(s, []string{"webauthn", "totp"}), "privileged": true,
		}
		if plants[i] == "" {
			s.pass(AC01, s.emitPatient(idp, "access.login", at, data), at)
			continue
		}
		data["mfa"], data["factor"] = false, "password"
		s.plant(Planted{
			Name: "no-mfa", Control: AC01, Outcome: compliance.Deviation, Reason: "no_mfa",
			Why: "An administrator signed in with a password alone.",
		}, s.emit(idp, "access.login", at, data), at, false)
	}
	for _, at := range s.occurrences(w.plan.lifeStart, w.plan.to, w.plan.logins) {
		data := fields{"user_id": pick(s, engineers()), "system": "console", "mfa": s.chance(70), "factor": "totp"}
		if s.chance(50) {
			data["privileged"] = false
		}
		s.emitPatient(idp, "access.login", at, data)
	}
}
