package oracle

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// ruling is what is said of an item or of one part of it.
type ruling struct {
	outcome    compliance.Outcome
	reason     string
	evidence   []compliance.Evidence
	due        compliance.Instant
	remediated compliance.Instant
	way        *control.Way // which was taken; nil: none
}

// rule applies the control to one item, or to one part of it.
func (l *log) rule(it item, scope *control.Scope) ruling {
	states := l.states(it, scope)
	r := l.decide(scope, states)
	for i, st := range states {
		decisive := l.control.Decisive[i]
		if r.way != nil {
			decisive = r.way.Decisive[i]
		}
		if decisive && st.bounded {
			r.due = max(r.due, l.control.Expectations[i].Known(st.to))
		}
	}
	if r.outcome == compliance.Pending {
		return r
	}
	for i, e := range l.control.Expectations {
		if r.concerns(i) {
			r.evidence = append(r.evidence, named(e, states[i])...)
		}
	}
	if r.outcome == compliance.Deviation {
		r.remedy(l.control, states)
	}
	return r
}

// concerns tells whether an expectation is the item's, given the way taken.
func (r *ruling) concerns(expectation int) bool {
	return r.way == nil || r.way.Concerns[expectation]
}

// decide asks the control's conditions one after the other.
func (l *log) decide(scope *control.Scope, states []state) ruling {
	c := l.control
	known := knownOf(states)
	if c.Cancelled != nil {
		switch t, doubt := c.Cancelled.Decide(scope, known); t {
		case control.True:
			return ruling{outcome: compliance.NotApplicable, reason: compliance.ReasonCancelled}
		case control.Unknown:
			return undecided(states, c.Cancelled.Reads, doubt)
		case control.False:
		}
	}
	if c.Applies != nil {
		switch t, doubt := c.Applies.Decide(scope, known); t {
		case control.False:
			return ruling{outcome: compliance.NotApplicable, reason: compliance.ReasonDoesNotApply}
		case control.Unknown:
			return undecided(states, c.Applies.Reads, doubt)
		case control.True:
		}
	}
	for i := range c.Ways {
		way := &c.Ways[i]
		when, doubt := control.True, control.Doubt{}
		if way.When != nil {
			when, doubt = way.When.Decide(scope, known)
		}
		switch when {
		case control.True:
			r := l.assert(way.Assert, scope, states)
			r.way = way
			return r
		case control.Unknown:
			return undecided(states, way.When.Reads, doubt)
		case control.False:
		}
	}
	panic("oracle: the last way is always open")
}

func (l *log) assert(assertion *control.Condition, scope *control.Scope, states []state) ruling {
	known := knownOf(states)
	switch t, doubt := assertion.Decide(scope, known); t {
	case control.True:
		return ruling{outcome: compliance.Pass}
	case control.Unknown:
		return undecided(states, assertion.Reads, doubt)
	case control.False:
	}
	for _, reason := range l.control.Reasons {
		if t, _ := reason.When.Decide(scope, known); t == control.True {
			return ruling{outcome: compliance.Deviation, reason: reason.Code}
		}
	}
	return ruling{outcome: compliance.Deviation, reason: compliance.ReasonAssertionFalse}
}

// undecided is pending while an interval, or a table, may still tell, then inconclusive.
func undecided(states []state, reads []int, doubt control.Doubt) ruling {
	r := ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
	if doubt.Waits {
		return *unheard(open)
	}
	switch {
	case doubt.Unread:
		r = *unheard(unread)
	case doubt.Silent:
		r = *unheard(silent)
	}
	for _, i := range reads {
		switch st := states[i]; {
		case !st.finished:
			return *unheard(open)
		case st.unread:
			r = *unheard(unread)
		case r.reason == compliance.ReasonNoHistory:
		case st.silent:
			r = *unheard(silent)
		case st.tooMany && r.reason != compliance.ReasonSourceSilent:
			r.reason = compliance.ReasonTooMuchEvidence
		case st.disputed && r.reason == compliance.ReasonEvidenceError:
			r.reason = compliance.ReasonConflictingEvidence
		}
	}
	return r
}

// named are the events of an expectation that a verdict names.
func named(e *control.Expectation, st state) []compliance.Evidence {
	if st.known == control.Opaque || st.known == control.Growing && e.Named == control.NamedEvidence {
		return nil
	}
	var list []compliance.Evidence
	for _, f := range st.events[:min(len(st.events), e.Named)] {
		list = append(list, compliance.EvidenceOf(e.Name, f.asSent()))
	}
	return list
}

// remedy notes late evidence: a remedied deviation stays one.
func (r *ruling) remedy(c *control.Control, states []state) {
	var at compliance.Instant
	var evidence []compliance.Evidence
	for i, e := range c.Expectations {
		if !r.concerns(i) || e.Remedy == 0 || len(states[i].events) > 0 {
			continue
		}
		if states[i].remedy == nil {
			return
		}
		at = max(at, states[i].remedy.Time)
		evidence = append(evidence, compliance.EvidenceOf(e.Name, states[i].remedy.asSent()))
	}
	r.remediated = at
	r.evidence = append(r.evidence, evidence...)
}

// ruleParts judges each part and counts them as one item: a deviation if any
// part deviates, else pending, else inconclusive if any is, else a pass.
func (l *log) ruleParts(it item, scope *control.Scope, parts []control.View, broken bool) ruling {
	byOutcome := map[compliance.Outcome][]ruling{}
	due := it.Time
	for _, part := range parts {
		r := l.rulePart(it, scope.With(nil, part).Fresh())
		r.evidence = append(l.partEvidence(it, part), r.evidence...)
		byOutcome[r.outcome] = append(byOutcome[r.outcome], r)
		due = max(due, r.due)
	}
	if broken && len(byOutcome[compliance.Deviation]) == 0 {
		return ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError, due: due}
	}
	if missing := unheard(l.heardRows(it)); missing != nil && !l.control.Expand.Each { // there may be parts that nobody sees
		byOutcome[missing.outcome] = append(byOutcome[missing.outcome], *missing)
	}
	for _, outcome := range []compliance.Outcome{compliance.Deviation, compliance.Pending, compliance.Inconclusive, compliance.Pass, compliance.NotApplicable} {
		if rulings := byOutcome[outcome]; len(rulings) > 0 {
			return combine(rulings, due)
		}
	}
	panic("oracle: every part has an outcome")
}

// combine makes one ruling of those that decide it.
func combine(rulings []ruling, due compliance.Instant) ruling {
	all := ruling{outcome: rulings[0].outcome, reason: rulings[0].reason, due: due}
	remedied := true
	for _, r := range rulings {
		if all.outcome != compliance.Pending {
			all.evidence = append(all.evidence, r.evidence...)
		}
		all.remediated = max(all.remediated, r.remediated)
		remedied = remedied && r.remediated != 0
	}
	if !remedied {
		all.remediated = 0
	}
	return all
}

// noParts: nothing to hold for, unless the table may lack rows.
func (l *log) noParts(it item, broken bool) ruling {
	missing := unheard(l.heardRows(it))
	switch {
	case broken:
		return ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
	case missing != nil:
		return *missing
	}
	return ruling{outcome: compliance.NotApplicable, reason: compliance.ReasonNoParts}
}

// partEvidence names the event that a part's row comes from: of an id there may be others,
// at other times.
func (l *log) partEvidence(it item, part control.View) []compliance.Evidence {
	told, _ := part.Told()
	for _, f := range it.facts {
		if f.ID == part["id"] && f.Source == part["source"] && f.Time == told {
			return []compliance.Evidence{compliance.EvidenceOf("part", f.Event)}
		}
	}
	return nil
}

func views(facts []fact) []control.Fields {
	list := make([]control.Fields, len(facts))
	for i, f := range facts {
		list[i] = f.view
	}
	return list
}
