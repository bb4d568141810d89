package engine

import (
	"maps"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// review is one look at an item at the engine's watermark.
type review struct {
	it      *item
	c       *control.Control
	w       compliance.Instant
	sources []*source
	feeds   *feeds
	known   []control.Knowledge // by expectation, as far as find has come
	wake    compliance.Instant
	closing compliance.Instant // as wake, but for evidence to come
}

// wakeAt notes that the verdict may change once the watermark passes t.
func (r *review) wakeAt(t compliance.Instant) { r.wake = min(r.wake, t) }

// closesAt is wakeAt for the end of an interval, or of the wait for a source.
func (r *review) closesAt(t compliance.Instant) {
	r.wakeAt(t)
	r.closing = min(r.closing, t)
}

// review looks at an item again; it gives the revision if what is said changed.
func (e *Engine) review(it *item) *compliance.Revision {
	r := &review{
		it: it, c: it.group.control, w: e.w, wake: compliance.Never, closing: compliance.Never,
		sources: e.sourcesOf(it.group.key.tenant), feeds: e.feedsOf(it.group.control),
	}
	v, exists := r.verdict(e.bundle.EffectiveFrom)
	it.quiet = exists && !r.c.DecidesEarly && v.Outcome == compliance.Pending
	if it.quiet {
		r.wake = r.closing
	}
	e.timers.set(it, r.wake)
	switch {
	case !exists && (it.last == nil || it.last.Verdict.Outcome == compliance.Withdrawn):
		return nil
	case !exists:
		v = compliance.Verdict{Item: it.last.Verdict.Item, Outcome: compliance.Withdrawn, Due: it.last.Verdict.Due}
	case it.last != nil && it.last.Verdict.Same(&v):
		return nil
	}
	return e.publish(it, v, r.receipt())
}

func (e *Engine) publish(it *item, v compliance.Verdict, received compliance.Instant) *compliance.Revision {
	c := it.group.control
	rev := &compliance.Revision{
		Tenant: it.group.key.tenant, Control: c.ID, RuleHash: c.Hash, Bundle: e.bundle.Hash,
		Number: 1, Verdict: v, KnownAt: max(received, v.Due), FinalAt: v.Due.Add(c.FinalAfter),
	}
	if v.Outcome == compliance.Pass && c.EarlyPass || v.Outcome == compliance.Pending {
		rev.KnownAt = max(received, v.Item.Time)
	}
	if p := it.last; p != nil {
		rev.Number = p.Revision + 1
		rev.Previous = &compliance.Previous{
			Outcome: p.Verdict.Outcome, Reason: p.Verdict.Reason,
			ItemTime: p.Verdict.Item.Time, RemediatedAt: p.Verdict.RemediatedAt,
		}
	}
	it.last = &published{Revision: rev.Number, Verdict: v}
	return rev
}

// receipt is when the log took the last of the facts that the item saw.
func (r *review) receipt() compliance.Instant {
	var last compliance.Instant
	if r.it.opened != nil {
		last = r.it.opened.ev.Received
	}
	for _, m := range r.it.matches {
		for _, f := range m.wants {
			if f.ev.Time < r.w {
				last = max(last, f.ev.Received)
			}
		}
	}
	return last
}

// verdict is what is said of the item now; false if it is no member.
func (r *review) verdict(effectiveFrom compliance.Instant) (compliance.Verdict, bool) {
	it := r.it
	stuck := finding{}
	if !it.slot && !r.open(&stuck) || it.time < effectiveFrom && !it.slot {
		return compliance.Verdict{}, false
	}
	v := compliance.Verdict{Item: compliance.Item{ID: it.id, Time: it.time}, Due: it.time}
	if it.opened != nil {
		v.Evidence = append(v.Evidence, compliance.EvidenceOf("item", &it.opened.ev))
	}
	if stuck.outcome != "" {
		v.Outcome, v.Reason = stuck.outcome, stuck.reason
		return v, true
	}
	if it.matches == nil {
		it.collect()
	}
	scope := it.scope()
	var f finding
	if r.c.Expand == nil {
		f = r.find(scope)
	} else {
		f = r.findParts(scope)
	}
	v.Outcome, v.Reason, v.RemediatedAt = f.outcome, f.reason, f.remediated
	v.Due = max(v.Due, f.due)
	v.Evidence = append(v.Evidence, f.evidence...)
	return v, true
}

// open finds the event that opens the item: the earliest known one that belongs.
// stuck is what is said of the item if that can't be computed.
func (r *review) open(stuck *finding) bool {
	it := r.it
	it.undecided = false
	for _, f := range it.candidates {
		if f.ev.Time >= r.w {
			r.wakeAt(f.ev.Time)
			break
		}
		r.anchor(f)
		if f.unreadable {
			stuck.outcome, stuck.reason = compliance.Inconclusive, compliance.ReasonPopulationError
			return true
		}
		switch r.having(stuck) {
		case control.True:
			return true
		case control.Unknown:
			it.undecided = stuck.outcome == compliance.Pending
			return !it.undecided
		case control.False:
		}
	}
	it.forget()
	return false
}

// anchor puts the item where f stands.
func (r *review) anchor(f *fact) {
	it := r.it
	if it.opened == f || it.opened != nil && planted == plantedNoReanchor {
		return
	}
	view := control.ViewOf(&f.ev)
	maps.Copy(view, f.view)
	view["id"] = it.id
	it.at(f.ev.Time, f.ev.Time, view)
	it.opened = f
}

// having asks the population's condition for the event that the item stands at; if
// it is unknown, stuck says whether it may still be told.
func (r *review) having(stuck *finding) control.Truth {
	h := r.c.Population.Having
	if h == nil || planted == plantedHavingOnce && r.it.last != nil && r.it.last.Verdict.Outcome != compliance.Withdrawn {
		return control.True
	}
	if r.it.matches == nil {
		r.it.collect()
	}
	scope := r.it.scope()
	views := r.see(scope)
	truth, _ := h.Decide(scope, r.known)
	if truth == control.Unknown {
		*stuck = unsettled(views, h.Reads)
	}
	return truth
}

// feeds are the declared sources that each expectation and table hangs on.
type feeds struct{ expects, undoes, tables [][]int }

func (e *Engine) feedsOf(c *control.Control) *feeds {
	if f, ok := e.feeds[c.ID]; ok {
		return f
	}
	f := &feeds{}
	for _, x := range c.Expectations {
		f.expects = append(f.expects, e.bundle.SourcesOf(x.Types))
		var undoes []int
		if x.Unless != nil {
			undoes = e.bundle.SourcesOf(x.Unless.Types)
		}
		f.undoes = append(f.undoes, undoes)
	}
	for _, t := range c.Tables {
		f.tables = append(f.tables, e.bundle.SourcesOf(t.Types))
	}
	e.feeds[c.ID] = f
	return f
}
