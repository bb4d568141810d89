package engine

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// sight is what is seen of one expectation at the watermark.
type sight struct {
	known    control.Knowledge
	finished bool
	silent   bool
	unread   bool // it reaches before what was read
	tooMany  bool
	disputed bool // bodies of one event disagree on whether it belongs
	doubt    control.Doubt
	placed   bool // both ends are known
	from, to edge
	events   []*fact
	folds    map[string]any
	remedy   *fact
}

// edge is an end of an interval. If it lies exactly at an event, an open end is
// measured in the order of events.
type edge struct {
	at    compliance.Instant
	event *fact
	open  bool
	state edgeState
	// silent: why the edge can't be known.
	silent bool
	// unread: that is because the record began later.
	unread bool
}

type edgeState int8

const (
	edgeKnown edgeState = iota
	edgeAbsent
	edgeWaiting
	edgeLost // it will never be known
)

// look finds what the expectation has at the watermark.
func (r *review) look(x *control.Expectation, scope *control.Scope, earlier []sight) sight {
	from, to := r.edge(x.Between.From, scope, nil, earlier), r.edge(x.Between.To, scope, nil, earlier)
	switch {
	case from.state == edgeAbsent || to.state == edgeAbsent:
		return sight{known: control.Exact, finished: true}
	case from.state != edgeKnown || to.state != edgeKnown:
		return sight{
			finished: from.state != edgeWaiting && to.state != edgeWaiting,
			silent:   from.silent || to.silent,
			unread:   from.unread || to.unread,
		}
	}
	s := sight{placed: true, from: from, to: to}
	if to.at < from.at && planted != plantedBackwards {
		s.folds, _ = foldAll(x, scope, nil) // of no events: nothing can fail
		s.known, s.finished = control.Exact, true
		return s
	}
	failed, undone := false, covered
	if r.listed(x.Index) {
		s.events = r.lying(x, from, to)
	} else {
		s.events = r.e.room.eventsOf(x.Index)
		failed, undone = r.gather(x, scope, earlier, &s)
		unclear, unheard := r.weigh(x, scope, earlier, &s)
		failed, undone = failed || unclear, max(undone, unheard)
		r.e.room.keepEvents(x.Index, s.events)
	}
	s.choose(x)
	s.tooMany = len(s.events) > x.Max
	if s.tooMany {
		s.events = s.events[:x.Max]
	}
	r.close(x, scope, &s, failed, undone)
	return s
}

// gather walks the matches that lie in the interval.
func (r *review) gather(x *control.Expectation, scope *control.Scope, earlier []sight, s *sight) (failed bool, undone coverage) {
	list := r.it.matches[x.Index].wants
	start, _ := slices.BinarySearchFunc(list, x.Sent(s.from.at), func(m match, t compliance.Instant) int { return compareToTime(m.fact, t) })
	for _, m := range list[start:] {
		ahead := r.isAhead(m)
		if ahead && x.Clock == nil || m.ev.Time > x.Known(s.to.at) && x.Remedy == 0 {
			break // with a clock they stand in another order than they are known in
		}
		inside := m.lies(x, s.from, s.to)
		late := !inside && s.remedy == nil && m.remedies(x, s.from, s.to, r.it.time)
		if ahead || !inside && !late {
			continue
		}
		ok, bad, doubt := r.holds(x, scope, m)
		switch {
		case m.waits != "":
			failed, undone = r.awaits(x, scope, m, inside, s, failed, undone)
		case bad && inside:
			failed, s.doubt = true, s.doubt.Or(doubt)
		case bad || !ok:
		case late:
			s.remedy = m.fact
		case x.Unless == nil:
			s.events = append(s.events, m.fact)
		default:
			u := r.weighUndone(x, scope, earlier, m.fact, s)
			failed, undone = failed || u.failed, max(undone, u.heard)
			if !u.gone {
				s.events = append(s.events, m.fact)
			}
		}
	}
	return failed, undone
}

// weighUndone tells whether what lies in the interval is undone, and notes why that isn't known.
func (r *review) weighUndone(x *control.Expectation, scope *control.Scope, earlier []sight, f *fact, s *sight) undoing {
	u := r.undone(x, scope, earlier, f)
	s.disputed, s.doubt = s.disputed || u.disputed, s.doubt.Or(u.doubt)
	return u
}

// isAhead tells whether a match isn't known yet, and has the item looked at when it is.
func (r *review) isAhead(m match) bool {
	if m.sent.ev.Time < r.w {
		return false
	}
	r.wakeAt(m.sent.ev.Time)
	return true
}

// lies tells whether a match lies between two edges, or may, if nobody knows when it
// counts.
func (m match) lies(x *control.Expectation, from, to edge) bool {
	if m.unclocked {
		return x.Sent(from.at) <= m.ev.Time && m.ev.Time <= x.Known(to.at)
	}
	return from.admitsAfter(m.fact) && to.admitsBefore(m.fact)
}

// remedies tells whether a match comes after an interval and not too late.
func (m match) remedies(x *control.Expectation, from, to edge, item compliance.Instant) bool {
	return x.Remedy > 0 && from.admitsAfter(m.fact) && !to.admitsBefore(m.fact) && m.ev.Time <= item.Add(x.Remedy)
}

// holds applies the condition where it wasn't yet; failed says that it can't be
// known, for good or yet.
func (r *review) holds(x *control.Expectation, scope *control.Scope, m match) (ok, failed bool, doubt control.Doubt) {
	if x.Depends != nil {
		truth, why := x.Depends.Decide(scope.With(m.view, scope.Part), r.known)
		ok, failed = m.unclockedTruth(truth == control.True, truth == control.Unknown && planted != plantedWhereTooSoon)
		if !m.unclocked {
			doubt = why
		}
		return ok, failed, doubt
	}
	if m.failed && !m.unclocked || x.Where == nil || r.c.Expand == nil {
		return !m.failed, m.failed, doubt
	}
	ok, err := x.Where.Bool(scope.With(m.view, scope.Part))
	ok, failed = m.unclockedTruth(ok, err != nil)
	return ok, failed, doubt
}

// unclockedTruth: that a condition holds of an event says nothing if nobody knows when
// it counts.
func (m match) unclockedTruth(ok, failed bool) (bool, bool) {
	return ok && !m.unclocked, failed || ok && m.unclocked
}

// undoing is what is known of whether something undoes a candidate.
type undoing struct {
	gone     bool
	heard    coverage // of the sources of what may undo it; open while it may still come
	failed   bool     // it can't be computed
	doubt    control.Doubt
	disputed bool
}

// undone tells whether something undoes the candidate.
func (r *review) undone(x *control.Expectation, scope *control.Scope, earlier []sight, candidate *fact) (u undoing) {
	if x.Unless == nil {
		return u
	}
	from, to := r.edge(x.Unless.Between.From, scope, candidate, earlier), r.edge(x.Unless.Between.To, scope, candidate, earlier)
	if from.state == edgeAbsent || to.state == edgeAbsent {
		return u
	}
	if from.state != edgeKnown || to.state != edgeKnown {
		return undoing{heard: open}
	}
	if u = r.undoing(x.Unless, scope, from, to); u.gone {
		return u
	}
	u.heard = r.heard(r.senders(x.Unless, r.feeds.undoes[x.Index]), from.at, to.at)
	if to.at >= r.w && planted != plantedUnlessTooSoon {
		r.closesAt(to.at)
		u.heard = max(u.heard, open)
	}
	return u
}

// undoing looks for what undoes something between two edges.
func (r *review) undoing(x *control.Expectation, scope *control.Scope, from, to edge) (u undoing) {
	for _, m := range r.it.matches[x.Index].undoes {
		if m.ev.Time >= r.w {
			r.closesAt(m.ev.Time) // nothing more is waited for once something undoes it
			break
		}
		if !from.admitsAfter(m.fact) || !to.admitsBefore(m.fact) {
			continue
		}
		ok, bad, doubt := r.holds(x, scope, m)
		if ok {
			return undoing{gone: true}
		}
		u.refuse(bad, doubt)
	}
	for _, d := range r.it.matches[x.Index].undoesDisputed {
		where, disputed, doubt := r.placeOf(x, scope, d, from, to)
		if where == inside {
			return undoing{gone: true}
		}
		u.disputed = u.disputed || disputed
		u.refuse(where == unsure, doubt)
	}
	return u
}

// refuse notes that it isn't known of something whether it undoes.
func (u *undoing) refuse(failed bool, doubt control.Doubt) {
	if failed {
		u.failed, u.doubt = true, u.doubt.Or(doubt)
	}
}

// choose applies latest and pick.
func (s *sight) choose(x *control.Expectation) {
	if x.Latest != nil {
		seen := map[any]bool{}
		kept := s.events[:0:0]
		for _, f := range slices.Backward(s.events) {
			if value := x.Latest.In(f.view); !seen[value] {
				seen[value] = true
				kept = append(kept, f)
			}
		}
		slices.Reverse(kept)
		s.events = kept
	}
	if n := len(s.events); n > 0 {
		switch x.Pick {
		case control.PickFirst:
			s.events = s.events[:1]
		case control.PickLast:
			s.events = s.events[n-1:]
		case control.PickAll:
		}
	}
}

// close decides how much is known, and when more will be.
func (r *review) close(x *control.Expectation, scope *control.Scope, s *sight, failed bool, undone coverage) {
	known := x.Known(s.to.at)
	if planted == plantedClockIgnored {
		known = s.to.at
	}
	heard := max(undone, r.heard(r.senders(x, r.feeds.expects[x.Index]), x.Sent(s.from.at), known))
	if known >= r.w && (planted != plantedClosedEarly || known > r.w) {
		if planted != plantedLostTimer {
			r.closesAt(known)
		}
	} else {
		folds, err := foldAll(x, scope, s.events)
		s.doubt = s.doubt.Or(control.DoubtOf(err))
		s.finished = heard != open && !s.doubt.Waits
		s.silent, s.unread = heard == silent || s.doubt.Silent, heard == unread || s.doubt.Unread
		if s.finished && !s.silent && !s.unread && !s.tooMany && !failed && err == nil {
			s.known, s.folds = control.Exact, folds
			return
		}
	}
	if !x.Grows || (x.Depends != nil || x.Verdicts != nil) && s.tooMany {
		return
	}
	s.known = control.Growing
	if x.Pick == control.PickFirst && !failed && len(s.events) > 0 &&
		r.heard(r.senders(x, r.feeds.expects[x.Index]), s.from.at, s.events[0].ev.Time) == covered {
		s.known, s.finished = control.Exact, true
	}
}

// edge resolves a bound.
func (r *review) edge(b control.Bound, scope *control.Scope, candidate *fact, earlier []sight) edge {
	e := edge{at: r.it.time, event: r.it.opened, open: b.Open}
	switch b.Anchor {
	case control.AnchorItem:
	case control.AnchorPeriod:
		e.at, e.event = r.it.end, nil
	case control.AnchorComputed:
		at, err := b.Compute(scope)
		if err != nil {
			return lostEdge(control.DoubtOf(err))
		}
		e.at, e.event = at, nil
	case control.AnchorCandidate:
		e.at, e.event = candidate.ev.Time, candidate
	case control.AnchorExpectation:
		anchor := &earlier[b.Of]
		switch {
		case anchor.known != control.Exact && anchor.finished:
			return edge{state: edgeLost, silent: anchor.silent, unread: anchor.unread}
		case anchor.known != control.Exact:
			return edge{state: edgeWaiting, silent: anchor.silent, unread: anchor.unread}
		case len(anchor.events) == 0:
			return edge{state: edgeAbsent}
		}
		e.at, e.event = anchor.events[0].ev.Time, anchor.events[0]
	}
	if b.Moved() {
		e.at, e.event = b.Move(e.at), nil
	}
	return e
}

// lostEdge is one that can't be computed, yet or for good.
func lostEdge(why control.Doubt) edge {
	if why.Waits {
		return edge{state: edgeWaiting, silent: why.Silent, unread: why.Unread}
	}
	return edge{state: edgeLost, silent: why.Silent, unread: why.Unread}
}

// admitsAfter: f lies after this edge, the start of an interval.
func (e edge) admitsAfter(f *fact) bool {
	switch {
	case e.open && e.event != nil && planted != plantedOpenEndByTime:
		return compareFacts(f, e.event) > 0
	case e.open:
		return f.ev.Time > e.at
	}
	return f.ev.Time >= e.at
}

// admitsBefore: f lies before this edge, the end of an interval.
func (e edge) admitsBefore(f *fact) bool {
	switch {
	case e.open && e.event != nil:
		return compareFacts(f, e.event) < 0
	case e.open:
		return f.ev.Time < e.at
	}
	return f.ev.Time <= e.at
}

// named are the events that a verdict names as evidence.
func (s *sight) named(x *control.Expectation) []*fact {
	whole := x.Named == control.NamedEvidence
	if s.known == control.Opaque || s.known == control.Growing && whole {
		return nil
	}
	return s.events[:min(x.Named, len(s.events))]
}
