package engine

import (
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// review is one look at an item at the engine's watermark.
type review struct {
	e        *Engine
	it       *item
	c        *control.Control // the version that the item belongs to
	w        compliance.Instant
	sources  []*source
	feeds    *feeds
	waivers  *waivers
	possible []*fact             // events that may come to open the item, while nobody knows which does
	known    []control.Knowledge // by expectation, as far as find has come
	wake     compliance.Instant
	closing  compliance.Instant // as wake, but for evidence to come
	whole    [1]compliance.Verdict
}

// wakeAt notes that the verdict may change once the watermark passes t.
func (r *review) wakeAt(t compliance.Instant) { r.wake = min(r.wake, t) }

// closesAt is wakeAt for the end of an interval, or of the wait for a source.
func (r *review) closesAt(t compliance.Instant) {
	r.wakeAt(t)
	r.closing = min(r.closing, t)
}

// review looks at an item again; it adds the revisions if what is said changed.
func (e *Engine) review(it *item, revisions []compliance.Revision) []compliance.Revision {
	r := e.room.enter(review{
		e: e, it: it, c: it.rules, w: e.at(it.group.control), wake: compliance.Never, closing: compliance.Never,
		sources: it.group.sources, feeds: it.group.plan.feeds[it.rules.Version], waivers: it.group.waivers,
	})
	verdicts := r.verdicts()
	it.quiet = len(verdicts) == 1 && !r.c.DecidesEarly && verdicts[0].Outcome == compliance.Pending
	if it.quiet {
		r.wake = r.closing
	}
	e.timers.set(it, r.wake)
	said := len(verdicts)
	var known map[string]compliance.Instant // needed by later stages only
	if len(it.group.plan.readers) > 0 {
		known = map[string]compliance.Instant{}
	}
	verdicts = append(verdicts, it.gone(verdicts)...)
	for i := range verdicts {
		v := &verdicts[i]
		received := r.waive(v)
		if last := it.said(v.Item.ID); last == nil || !last.Verdict.Same(v) {
			revisions = append(revisions, e.publish(it, v, max(received, r.receipt())))
			if known != nil {
				known[v.Item.ID] = revisions[len(revisions)-1].KnownAt
			}
		}
	}
	if e.room.collected && it.matches != nil {
		it.keepMatches(&e.room, it.unsettled())
	}
	r.tell(verdicts[:said], known)
	return revisions
}

// gone are the items, of those spoken of, that are none any more.
func (it *item) gone(now []compliance.Verdict) []compliance.Verdict {
	var list []compliance.Verdict
	withdraw := func(p *published) {
		id := p.Verdict.Item.ID
		if !slices.ContainsFunc(now, func(v compliance.Verdict) bool { return v.Item.ID == id }) {
			list = append(list, compliance.Verdict{Item: p.Verdict.Item, Outcome: compliance.Withdrawn, Due: p.Verdict.Due})
		}
	}
	if it.last != nil {
		withdraw(it.last)
	}
	if len(it.parts) == 0 || planted == plantedPartKept && len(now) > 0 {
		return list
	}
	for _, id := range slices.Sorted(maps.Keys(it.parts)) {
		withdraw(it.parts[id])
	}
	return list
}

// publish says a verdict of an item. Its evidence is copied: v has it in the room.
func (e *Engine) publish(it *item, v *compliance.Verdict, received compliance.Instant) compliance.Revision {
	c := it.rules
	said := published{Revision: 1, Verdict: *v}
	if said.Verdict.Evidence = nil; len(v.Evidence) > 0 {
		said.Verdict.Evidence = slices.Clone(v.Evidence)
	}
	rev := compliance.Revision{
		Tenant: it.group.key.tenant, Control: c.ID, RuleHash: c.Hash, Bundle: e.bundle.Hash,
		Number: 1, Verdict: said.Verdict, KnownAt: max(received, v.Due), FinalAt: v.Due.Add(c.FinalAfter),
	}
	if v.Outcome == compliance.Pass && c.EarlyPass || v.Outcome == compliance.Pending {
		rev.KnownAt = max(received, v.Item.Time)
	}
	if p := it.said(v.Item.ID); p != nil {
		rev.Number = p.Revision + 1
		said.Revision = rev.Number
		rev.Previous = &compliance.Previous{
			Outcome: p.Verdict.Outcome, Reason: p.Verdict.Reason,
			ItemTime: p.Verdict.Item.Time, RemediatedAt: p.Verdict.RemediatedAt,
		}
	}
	it.say(v.Item.ID, said)
	e.note(func() Change { return itemChange(it, said.Verdict.Item.ID) })
	return rev
}

// receipt is when the log took the last of the facts that the item saw.
func (r *review) receipt() compliance.Instant {
	var last compliance.Instant
	if r.it.opened != nil {
		last = r.it.opened.ev.Received
	}
	for i, m := range r.it.matches {
		if r.listed(i) {
			last = max(last, r.it.group.wanted(i).receipt(r.within(r.c.Expectations[i])))
		}
		for _, f := range m.wants {
			if f.sent.ev.Time < r.w {
				last = max(last, f.ev.Received)
			}
		}
		for _, d := range m.disputed {
			for _, f := range d {
				if f.ev.Time < r.w {
					last = max(last, f.ev.Received)
				}
			}
		}
	}
	return last
}

// verdicts are what is said of the item now, or of its parts if each is one; none if
// it is no member.
func (r *review) verdicts() []compliance.Verdict {
	it := r.it
	stuck := finding{}
	if !it.slot && !r.open(&stuck) || it.time < r.c.From && !it.slot {
		return nil
	}
	if stuck.outcome != "" {
		return r.only(stuck)
	}
	if it.matches == nil {
		it.collect(&r.e.room)
	}
	scope := r.scope()
	switch {
	case r.c.Expand == nil:
		return r.only(r.find(scope))
	case r.c.Expand.Each:
		return r.eachPart(scope)
	}
	return r.only(r.findParts(scope))
}

// only is what is said of the item as a whole.
func (r *review) only(f finding) []compliance.Verdict {
	r.whole[0] = r.verdict(r.it.id, f)
	return r.whole[:1:1]
}

// verdict is a finding as said of the item, or of a part that is one.
func (r *review) verdict(id string, f finding) compliance.Verdict {
	it, m := r.it, &r.e.room
	v := compliance.Verdict{
		Item: compliance.Item{ID: id, Time: it.time}, Due: max(it.time, f.due),
		Outcome: f.outcome, Reason: f.reason, RemediatedAt: f.remediated,
	}
	from := len(m.evidence)
	if it.opened != nil {
		m.name(from, compliance.EvidenceOf("item", it.opened.asSent()))
	}
	v.Evidence = m.name(from, f.evidence...)
	return v
}

// open finds the event that opens the item: the earliest known one that belongs.
// stuck is what is said of the item if that can't be computed.
func (r *review) open(stuck *finding) bool {
	it := r.it
	it.undecided = false
	var passed []*fact // events that turned out not to belong
	for i, f := range it.candidates {
		if f.shown.ev.Time >= r.w && planted != plantedOpensSoon {
			r.wakeAt(f.shown.ev.Time)
			break
		}
		if f.ev.Time >= r.w { // with a clock another one may be known
			r.wakeAt(f.ev.Time)
			continue
		}
		if f.lead == nil || !f.first() || slices.Contains(passed, f.lead) || r.same(f) {
			continue
		}
		r.anchor(f)
		if f.unreadable {
			stuck.outcome, stuck.reason = compliance.Inconclusive, compliance.ReasonPopulationError
			return true
		}
		if !r.agrees(f) {
			*stuck = conflicting()
			return true
		}
		switch r.having(stuck) {
		case control.True:
			return true
		case control.Unknown:
			if it.undecided = stuck.outcome == compliance.Pending; it.undecided {
				r.mayStillOpen(i, passed)
			}
			return !it.undecided
		case control.False:
			passed = append(passed, f.lead)
		}
	}
	it.forget()
	return false
}

// anchor puts the item where f stands.
func (r *review) anchor(f *fact) {
	it := r.it
	if it.opened == f.shown || it.opened != nil && planted == plantedNoReanchor {
		return
	}
	view, at := f.shown.view, f.shown.ev.Time
	if f.shown.ev.ID != it.id {
		view = it.called(view)
	}
	it.at(at, at, view)
	it.opened = f.shown
	r.c, r.feeds = it.rules, it.group.plan.feeds[it.rules.Version]
}

// having asks the population's condition for the event that the item stands at; if
// it is unknown, stuck says whether it may still be told.
func (r *review) having(stuck *finding) control.Truth {
	h := r.c.Population.Having
	if h == nil || planted == plantedHavingOnce && r.it.last != nil && r.it.last.Verdict.Outcome != compliance.Withdrawn {
		return control.True
	}
	if r.it.matches == nil {
		r.it.collect(&r.e.room)
	}
	scope := r.scope()
	views := r.see(scope)
	truth, doubt := h.Decide(scope, r.known)
	if truth == control.Unknown {
		*stuck = unsettled(views, h.Reads, doubt)
	}
	return truth
}
