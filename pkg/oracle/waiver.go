package oracle

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// waiver is what was approved, or taken back, of the control's deviations.
type waiver struct {
	fact
	says *control.Waiver
}

// waiversOf are the waivers of c and what revokes them, in the order of events.
func waiversOf(c *control.Control, events []*compliance.Event) []waiver {
	var facts []fact
	for _, ev := range events {
		if c.WaiverOf(ev) != nil {
			facts = append(facts, fact{Event: ev})
		}
	}
	var list []waiver
	for _, f := range distinct(facts, c.CorrectUntil) {
		list = append(list, waiver{f, c.WaiverOf(f.Event)})
	}
	return list
}

// waive makes a deviation that a waiver covers a waived one. Its reason stays, and so
// does its evidence. Waivers that don't count are named, and change nothing.
func (l *log) waive(it item, v *compliance.Verdict) {
	if v.Outcome != compliance.Deviation || !l.control.Waivable {
		return
	}
	var flawed []compliance.Evidence
	for _, w := range l.waivers {
		switch {
		case !w.says.Concerns(v.Item.ID, it.view) || !l.stands(w, it.Time):
		case w.says.Flaw != "":
			flawed = append(flawed, compliance.EvidenceOf(control.WaiverEvidence+"."+w.says.Flaw, w.Event))
		default:
			operated, due := l.operated(w, it)
			switch operated {
			case control.True:
				v.Outcome = compliance.Waived
				v.Evidence = append(v.Evidence, compliance.EvidenceOf(control.WaiverEvidence, w.Event))
				return
			case control.Unknown:
				*v = it.verdict(v.Item.ID, ruling{outcome: compliance.Pending, reason: compliance.ReasonAwaitingEvents, due: max(v.Due, due)})
				return
			case control.False:
				flawed = append(flawed, compliance.EvidenceOf(control.WaiverEvidence+"."+control.FlawCompensating, w.Event))
			}
		}
	}
	v.Evidence = append(v.Evidence, flawed[:min(len(flawed), control.NamedEvidence)]...)
}

// operated tells whether the control that a waiver hangs on passed at least once around
// the item, and never deviated; unknown while it may yet turn out. What is never known
// to have operated hasn't.
func (l *log) operated(w waiver, it item) (t control.Truth, due compliance.Instant) {
	if w.says.Compensating == "" {
		return control.True, 0
	}
	of, may := l.control.CompensatedBy(w.says.Compensating)
	if !may {
		return control.False, 0
	}
	scope := l.control.NewScope(it.view, it.Time)
	l.tables(it, scope)
	st := l.states(it, scope)[of]
	passed, deviated := false, false
	for _, f := range st.events {
		if w.says.Within(f.Time, it.Time) {
			pass := f.view.Field("outcome") == string(compliance.Pass)
			passed, deviated = passed || pass, deviated || !pass
		}
	}
	switch {
	case st.known != control.Opaque && deviated, st.known != control.Exact && st.finished:
		return control.False, 0
	case st.known != control.Exact:
		return control.Unknown, l.control.Expectations[of].Known(st.to)
	case passed:
		return control.True, 0
	}
	return control.False, 0
}

// stands: it was approved at an instant, hadn't ended, and hadn't been taken back.
func (l *log) stands(w waiver, at compliance.Instant) bool {
	return w.Time <= at && at < w.says.Until && !slices.ContainsFunc(l.waivers, func(r waiver) bool {
		return r.says.Revokes && r.says.ID == w.says.ID && w.Time <= r.Time && r.Time <= at
	})
}

// concerned are the waivers with the item in their scope, for an explanation.
func (l *log) concerned(it item, v compliance.Verdict) (list []Waiver) {
	if v.Outcome != compliance.Deviation && v.Outcome != compliance.Waived || !l.control.Waivable { // a pending one waits for more than that, perhaps
		return nil
	}
	covered := false
	for _, w := range l.waivers {
		if !w.says.Concerns(v.Item.ID, it.view) {
			continue
		}
		of := Waiver{ID: w.says.ID, Event: w.Event, Until: w.says.Until, Why: w.says.Flaw}
		switch {
		case w.Time > it.Time:
			of.Why = WaiverApprovedAfter
		case it.Time >= w.says.Until:
			of.Why = WaiverEnded
		case !l.stands(w, it.Time):
			of.Why, of.Revoked = WaiverRevoked, l.revoked(w)
		case of.Why == "" && l.lacking(w, it):
			of.Why = control.FlawCompensating
		case of.Why == "" && covered:
			of.Why = WaiverNotFirst
		}
		of.Covers = of.Why == ""
		covered = covered || of.Covers
		list = append(list, of)
	}
	return list
}

// lacking: the control that it hangs on isn't known to have operated.
func (l *log) lacking(w waiver, it item) bool {
	operated, _ := l.operated(w, it)
	return operated != control.True
}

// revoked is when a waiver was taken back first; zero if it wasn't.
func (l *log) revoked(w waiver) compliance.Instant {
	for _, r := range l.waivers {
		if r.says.Revokes && r.says.ID == w.says.ID && w.Time <= r.Time {
			return r.Time
		}
	}
	return 0
}
