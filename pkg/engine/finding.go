package engine

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// finding is what is found about an item, or about one part of it.
type finding struct {
	outcome    compliance.Outcome
	reason     string
	evidence   []compliance.Evidence
	due        compliance.Instant
	remediated compliance.Instant
	way        *control.Way // which was taken; nil: none
}

// concerns tells whether an expectation is the item's, given the way taken.
func (f *finding) concerns(expectation int) bool {
	return f.way == nil || f.way.Concerns[expectation]
}

// find looks through the expectations and decides.
func (r *review) find(scope *control.Scope) finding {
	views := r.see(scope)
	f := waiting()
	if r.c.DecidesEarly || r.settled(views) {
		f = r.decide(scope, views)
	}
	decisive := r.c.Decisive
	if f.way != nil {
		decisive = f.way.Decisive
	}
	for i := range views {
		if decisive[i] && views[i].placed {
			f.due = max(f.due, r.c.Expectations[i].Known(views[i].to.at))
		}
	}
	if f.outcome == compliance.Pending {
		return f
	}
	room := &r.e.room
	from := len(room.evidence)
	for i, x := range r.c.Expectations {
		if !f.concerns(i) {
			continue
		}
		for _, m := range views[i].named(x) {
			f.evidence = room.name(from, compliance.EvidenceOf(x.Name, m.asSent()))
		}
	}
	if f.outcome == compliance.Deviation {
		r.remedy(&f, views)
	}
	return f
}

// see looks at every expectation, in order; what it gives lasts until the next look.
func (r *review) see(scope *control.Scope) []sight {
	var views []sight
	views, r.known = r.e.room.look(len(r.c.Expectations))
	for i, x := range r.c.Expectations {
		views[i] = r.look(x, scope, views[:i])
		r.known[i] = views[i].known
		scope.Matched[i] = r.e.room.match(i, &views[i])
	}
	return views
}

// settled: something is known for good. Until then a control that doesn't decide
// early is surely pending, and its conditions needn't be computed: over a story's
// traces that was a third of the judge's time.
func (r *review) settled(views []sight) bool {
	for i := range views {
		if r.c.Decisive[i] && (views[i].finished || views[i].known == control.Exact) {
			return true
		}
	}
	return false
}

// decide asks the control's conditions one after the other.
func (r *review) decide(scope *control.Scope, views []sight) finding {
	if r.c.Cancelled != nil {
		truth, doubt := r.c.Cancelled.Decide(scope, r.known)
		if truth == control.True {
			return finding{outcome: compliance.NotApplicable, reason: compliance.ReasonCancelled}
		}
		if truth == control.Unknown && planted != plantedCancelTooSoon {
			return unsettled(views, r.c.Cancelled.Reads, doubt)
		}
	}
	if r.c.Applies != nil {
		truth, doubt := r.c.Applies.Decide(scope, r.known)
		if truth == control.Unknown {
			return unsettled(views, r.c.Applies.Reads, doubt)
		}
		if truth == control.False {
			return finding{outcome: compliance.NotApplicable, reason: compliance.ReasonDoesNotApply}
		}
	}
	last := len(r.c.Ways) - 1
	for i := range r.c.Ways[:last] {
		way := &r.c.Ways[i]
		truth, doubt := way.When.Decide(scope, r.known)
		if truth == control.Unknown && planted != plantedInsteadTooSoon {
			return unsettled(views, way.When.Reads, doubt)
		}
		if truth == control.True {
			return r.take(way, scope, views)
		}
	}
	return r.take(&r.c.Ways[last], scope, views)
}

// take asks the assertion of a way.
func (r *review) take(way *control.Way, scope *control.Scope, views []sight) finding {
	f := finding{outcome: compliance.Pass}
	switch truth, doubt := way.Assert.Decide(scope, r.known); truth {
	case control.Unknown:
		f = unsettled(views, way.Assert.Reads, doubt)
	case control.False:
		f.outcome, f.reason = compliance.Deviation, r.reason(scope)
	case control.True:
	}
	f.way = way
	return f
}

// reason is the code of the first reason that holds.
func (r *review) reason(scope *control.Scope) string {
	i := slices.IndexFunc(r.c.Reasons, func(reason control.Reason) bool {
		truth, _ := reason.When.Decide(scope, r.known)
		return truth == control.True
	})
	if i < 0 {
		return compliance.ReasonAssertionFalse
	}
	return r.c.Reasons[i].Code
}

// unsettled tells waiting from never knowing.
func unsettled(views []sight, reads []int, doubt control.Doubt) finding {
	if doubt.Waits {
		return waiting()
	}
	isUnread, isSilent, tooMany, disputed := doubt.Unread, doubt.Silent, false, false
	for _, i := range reads {
		if !views[i].finished {
			return waiting()
		}
		isUnread = isUnread || views[i].unread
		isSilent = isSilent || views[i].silent
		tooMany = tooMany || views[i].tooMany
		disputed = disputed || views[i].disputed
	}
	f := finding{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
	switch {
	case isUnread:
		f.reason = compliance.ReasonNoHistory
	case isSilent:
		f.reason = compliance.ReasonSourceSilent
	case tooMany:
		f.reason = compliance.ReasonTooMuchEvidence
	case disputed:
		f.reason = compliance.ReasonConflictingEvidence
	}
	return f
}

func waiting() finding {
	return finding{outcome: compliance.Pending, reason: compliance.ReasonAwaitingEvents}
}

// remedy: every expectation that was missed and may be remedied has been.
func (r *review) remedy(f *finding, views []sight) {
	var late []compliance.Evidence
	var at compliance.Instant
	for i, x := range r.c.Expectations {
		if !f.concerns(i) || x.Remedy == 0 || len(views[i].events) > 0 {
			continue
		}
		m := views[i].remedy
		if m == nil {
			return
		}
		late = append(late, compliance.EvidenceOf(x.Name, m.asSent()))
		at = max(at, m.ev.Time)
	}
	f.remediated = at
	f.evidence = append(f.evidence, late...)
}
