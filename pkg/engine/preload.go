package engine

import (
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// What stood in the log before the rules changed is read once more for the versions that
// lack history. fact.preload is the activation for which an event was read so, 0 if it
// came in time: then it counts for every version, else for those only that were preloaded
// then or later, so that what was judged stays. fact.fields is the latest activation whose
// rules chose its fields.

// at is the watermark of a control: the engine's, unless the control waits for its past.
func (e *Engine) at(c *control.Control) compliance.Instant { return min(e.w, c.Waits) }

// due has an item looked at whose time has come. That of one whose control waits never
// comes here, but in the engine that is made when the wait is over.
func (e *Engine) due(it *item) {
	if it.wake < e.at(it.group.control) {
		e.mark(it)
	}
}

// rolesFor are those of events of a type that were read for an activation; 0: in time.
func (p *plan) rolesFor(eventType string, preload int) []*roles {
	all := p.rolesOf(eventType)
	if preload == 0 {
		return all
	}
	all = slices.Clone(all)
	for i, v := range p.control.Versions {
		if preload > v.Preload {
			all[i] = &roles{}
		}
	}
	return all
}

// known is the body, of those of its event, that says the same as f already; nil if none does.
func (g *group) known(f *fact, bodies []*fact) *fact {
	if i, found := slices.BinarySearchFunc(bodies, f, compareBodies); found {
		return bodies[i]
	}
	return nil
}

// again takes a body that is known in another way: of fewer fields, or for fewer versions.
func (e *Engine) again(g *group, had *fact, f *Fact) Admission {
	preload, fields := min(had.preload, f.Preload), max(had.fields, f.Preload)
	if preload == had.preload && fields == had.fields {
		return Duplicate
	}
	ev := *had.asSent() // which stays where it was read first
	if fields != had.fields {
		ev.Data = f.Event.Data
	}
	now := e.newFact(g, &Fact{Control: f.Control, Tenant: f.Tenant, Key: f.Key, Event: ev, Preload: preload})
	had.preload, had.fields, had.roles, had.ev.Data = preload, fields, now.roles, ev.Data
	g.lists = nil // they went by the roles of before
	had.seen = control.See(&had.ev)
	had.view = &had.seen
	if now.shown == now {
		had.shown = had
	} else {
		had.shown = now.shown
	}
	if had.opens == "" && now.opens != "" {
		had.opens, had.base, had.unreadable = now.opens, now.base, now.unreadable
		g.mayOpen(e, had)
	}
	for it := range g.items.values() {
		it.forget()
		e.mark(it)
	}
	e.note(func() Change { return factChange(g, had, &ev) })
	return Admitted
}

// late tells whether a body that was read once more came too late for the versions that
// were there: another one of its event counts for them, and both would seem to disagree.
func (g *group) late(f *fact, bodies []*fact) bool {
	others := func(v *control.Control) bool { return v.Preload < f.preload }
	came := func(b *fact) bool { return b.preload == 0 }
	return f.preload > 0 && g.control.Some(others) && slices.ContainsFunc(bodies, came)
}
