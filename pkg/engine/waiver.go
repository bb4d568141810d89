package engine

import (
	"fmt"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// waivers are what was approved, and taken back, of a control's deviations. They
// concern all of its keys, so every partition has them.
type waivers struct {
	tenant  string
	control *control.Control
	known   []*fact // those that count, in the order of events
	bodies  map[compliance.EventKey][]*fact
	// kept is until when nothing is tried to be dropped.
	kept compliance.Instant
}

type waiverKey struct{ tenant, control string }

func (e *Engine) waiversOf(tenant string, c *control.Control) *waivers {
	key := waiverKey{tenant, c.ID}
	w := e.waivers[key]
	if w == nil {
		w = &waivers{tenant: tenant, control: c, bodies: map[compliance.EventKey][]*fact{}, kept: compliance.Never}
		e.waivers[key] = w
	}
	return w
}

// addWaiver takes word of a waiver. One of an instant that was judged already may
// change what was said.
func (e *Engine) addWaiver(c *control.Control, f *Fact) Admission {
	w := e.waiversOf(f.Tenant, c)
	if !w.take(f) {
		return Duplicate
	}
	e.note(func() Change { return waiverChange(f) })
	if f.Event.Time < e.w && planted != plantedWaiverLate {
		e.lookAgain(w)
	}
	return Admitted
}

// lookAgain is for items that deviate, or did but for a waiver.
func (e *Engine) lookAgain(w *waivers) {
	for g := range e.state.ofTenant(w.tenant) {
		if g.control != w.control {
			continue
		}
		for it := range g.items.values() {
			if it.mayBeWaived() {
				e.mark(it)
			}
		}
	}
}

func (it *item) mayBeWaived() bool {
	deviates := func(p *published) bool {
		// a pending one may wait for what compensates
		return p != nil && slices.Contains([]compliance.Outcome{compliance.Deviation, compliance.Waived, compliance.Pending}, p.Verdict.Outcome)
	}
	if deviates(it.last) {
		return true
	}
	for _, p := range it.parts {
		if deviates(p) {
			return true
		}
	}
	return false
}

// take adds a body of an event; false if it was there already, or says nothing.
func (w *waivers) take(in *Fact) bool {
	f := &fact{ev: in.Event, waiver: w.control.WaiverOf(&in.Event)}
	if f.waiver == nil {
		return false
	}
	f.ev.Data = nil
	bodies := w.bodies[f.key()]
	i, found := slices.BinarySearchFunc(bodies, f, compareBodies)
	if found {
		return false
	}
	bodies = slices.Insert(bodies, i, f)
	w.bodies[f.key()] = bodies
	w.kept = min(w.kept, w.needed(bodies))
	settle(bodies, w.control, func(b *fact) {
		if b.counts {
			w.known = insertFact(w.known, b)
		} else {
			w.known = slices.DeleteFunc(w.known, func(o *fact) bool { return o == b })
		}
	})
	return true
}

// waive makes a deviation that a waiver covers a waived one, and names those that
// would cover it but don't count. received is when the log took what it saw.
func (r *review) waive(v *compliance.Verdict) (received compliance.Instant) {
	if v.Outcome != compliance.Deviation || !r.c.Waivable {
		return 0
	}
	var flawed []compliance.Evidence
	for _, f := range r.waivers.known {
		if f.ev.Time > r.it.time {
			break
		}
		ended := r.it.time >= f.waiver.Until
		if planted == plantedWaiverEnd {
			ended = r.it.time > f.waiver.Until
		}
		if ended || !f.waiver.Concerns(v.Item.ID, r.it.view) {
			continue
		}
		received = max(received, f.ev.Received)
		revoked := r.waivers.revoked(f, r.it.time)
		switch {
		case revoked != nil:
			received = max(received, revoked.ev.Received)
		case f.waiver.Flaw != "":
			flawed = append(flawed, compliance.EvidenceOf(control.WaiverEvidence+"."+f.waiver.Flaw, &f.ev))
		default:
			operated, due := r.operated(f.waiver)
			switch operated {
			case control.True:
				v.Outcome = compliance.Waived
				v.Evidence = append(v.Evidence, compliance.EvidenceOf(control.WaiverEvidence, &f.ev))
				return received
			case control.Unknown:
				wait := waiting()
				wait.due = max(v.Due, due)
				*v = r.verdict(v.Item.ID, wait)
				return received
			case control.False:
				flawed = append(flawed, compliance.EvidenceOf(control.WaiverEvidence+"."+control.FlawCompensating, &f.ev))
			}
		}
	}
	v.Evidence = append(v.Evidence, flawed[:min(len(flawed), control.NamedEvidence)]...)
	return received
}

// operated tells whether the control that a waiver hangs on held instead; due is when
// that is known, if it isn't yet.
func (r *review) operated(w *control.Waiver) (t control.Truth, due compliance.Instant) {
	if w.Compensating == "" || planted == plantedCompensated {
		return control.True, 0
	}
	of, may := r.c.CompensatedBy(w.Compensating)
	if !may {
		return control.False, 0
	}
	s := r.see(r.scope())[of]
	counts := map[bool]int{} // by whether it passed
	for _, f := range s.events {
		if w.Within(f.ev.Time, r.it.time) {
			counts[f.view.Field("outcome") == string(compliance.Pass)]++
		}
	}
	switch {
	case s.known == control.Exact && counts[true] > 0 && counts[false] == 0:
		return control.True, 0
	case s.known == control.Exact, s.finished, s.known == control.Growing && counts[false] > 0:
		return control.False, 0
	}
	return control.Unknown, r.c.Expectations[of].Known(s.to.at)
}

// revoked finds what took the waiver back, by an instant.
func (w *waivers) revoked(f *fact, at compliance.Instant) *fact {
	for _, r := range w.known {
		by := at
		if planted == plantedRevokedWhole {
			by = compliance.Never
		}
		if r.waiver.Revokes && r.waiver.ID == f.waiver.ID && r.ev.Time >= f.ev.Time && r.ev.Time <= by {
			return r
		}
	}
	return nil
}

// needed is how long a waiver may concern an item that opens yet, and its id is
// remembered. With a clock an item may stand before the event that opens it.
func (w *waivers) needed(bodies []*fact) compliance.Instant {
	at := bodies[len(bodies)-1].ev.Time.Add(w.control.CorrectUntil)
	for _, f := range bodies {
		at = max(at, f.waiver.Until)
	}
	if k := w.control.Population.Clock; k != nil && planted != plantedWaiverClock {
		at = at.Add(k.Within)
	}
	return at.Add(w.control.CorrectUntil)
}

// endWaivers drops what concerns no item any more: none that is kept, and none that
// may still come.
func (e *Engine) endWaivers() {
	for _, w := range e.waivers {
		if e.at(w.control) > w.kept {
			e.endSome(w)
		}
	}
}

// retryAfter is how long after a waiver whose items are still there it is tried again.
const retryAfter = time.Hour

func (e *Engine) endSome(w *waivers) {
	again := e.at(w.control).Add(max(w.control.CorrectUntil, retryAfter))
	w.kept = compliance.Never
	var over []compliance.EventKey
	var live [][]*fact
	for key, bodies := range w.bodies {
		needed := w.needed(bodies)
		switch {
		case needed >= e.at(w.control):
			w.kept = min(w.kept, needed)
			live = append(live, bodies)
		case planted != plantedWaiverDropped && e.holds(w, bodies):
			w.kept = min(w.kept, again)
			live = append(live, bodies)
		default:
			over = append(over, key)
		}
	}
	for _, key := range over {
		bodies := w.bodies[key]
		if revokes(bodies, live) {
			w.kept = min(w.kept, again)
			continue
		}
		delete(w.bodies, key)
		w.known = slices.DeleteFunc(w.known, func(f *fact) bool { return f.key() == key })
		for _, f := range bodies {
			e.note(func() Change { return Change{Key: waiverStateKey(w.tenant, w.control.ID, &f.ev)} })
		}
	}
}

// holds tells whether an item is kept that one of the bodies may cover.
func (e *Engine) holds(w *waivers, bodies []*fact) bool {
	covers := func(at compliance.Instant) bool {
		return slices.ContainsFunc(bodies, func(f *fact) bool { return f.ev.Time <= at && at < f.waiver.Until })
	}
	for g := range e.state.ofTenant(w.tenant) {
		if g.control != w.control {
			continue
		}
		for it := range g.items.values() {
			if it.slot && covers(it.time) || slices.ContainsFunc(it.candidates, func(f *fact) bool { return covers(f.shown.ev.Time) }) {
				return true
			}
		}
	}
	return false
}

// revokes tells whether one of the bodies takes back a waiver that is still needed.
func revokes(bodies []*fact, live [][]*fact) bool {
	for _, r := range bodies {
		takenBack := func(f *fact) bool {
			return r.waiver.Revokes && !f.waiver.Revokes && f.waiver.ID == r.waiver.ID && f.ev.Time <= r.ev.Time
		}
		if slices.ContainsFunc(live, func(others []*fact) bool { return slices.ContainsFunc(others, takenBack) }) {
			return true
		}
	}
	return false
}

func waiverStateKey(tenant, controlID string, ev *compliance.Event) []byte {
	return stateKey(kindWaiver, tenant, controlID, ev.Source, ev.ID, ev.Time.String(), ev.Ref.SHA256.String())
}

func waiverChange(f *Fact) Change {
	return Change{waiverStateKey(f.Tenant, f.Control, &f.Event), encode(storeFact(&f.Event))}
}

func (e *Engine) loadWaiver(key []string, value []byte) error {
	var s storedFact
	if err := decode(value, &s); err != nil {
		return fmt.Errorf("reading a waiver: %w", err)
	}
	if c := e.bundle.Control(key[2]); c != nil {
		e.waiversOf(key[1], c).take(&Fact{Control: key[2], Tenant: key[1], Event: s.event(key[1])})
	}
	return nil
}
