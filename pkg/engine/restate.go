package engine

import (
	"cmp"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Restated is what a replay of recorded history says of an item by the rules that are
// now in force.
type Restated struct {
	Tenant, Control string
	Verdict         compliance.Verdict
}

// Restate says what was restated of items whose state has ended: nothing is left here to
// judge them by. Others are judged at the next Advance, as their events want. What is
// pending by the replay stays as it was, since nothing would ever decide it.
func (e *Engine) Restate(all []Restated) []compliance.Revision {
	type name struct{ tenant, control, item string }
	said := make(map[name]*Restated, len(all))
	for i := range all {
		r := &all[i]
		if e.bundle.Control(r.Control) != nil && r.Verdict.Outcome != compliance.Pending {
			said[name{r.Tenant, r.Control, r.Verdict.Item.ID}] = r
		}
	}
	var revisions []compliance.Revision
	for key, last := range e.state.everyEnded() {
		r := said[name{key.tenant, key.control, last.Verdict.Item.ID}]
		if r != nil && !last.Verdict.Same(&r.Verdict) {
			revisions = append(revisions, e.restate(key, last, r.Verdict))
		}
	}
	slices.SortFunc(revisions, func(a, b compliance.Revision) int {
		return cmp.Or(cmp.Compare(a.Control, b.Control), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Item.ID, b.Item.ID))
	})
	return revisions
}

func (e *Engine) restate(key itemKey, last *published, v compliance.Verdict) compliance.Revision {
	c := e.bundle.Control(key.control).At(v.Item.Time)
	next := &published{Revision: last.Revision + 1, Verdict: v, Free: last.Free}
	rev := compliance.Revision{
		Tenant: key.tenant, Control: c.ID, RuleHash: c.Hash, Bundle: e.bundle.Hash, Number: next.Revision, Verdict: v,
		Previous: &compliance.Previous{
			Outcome: last.Verdict.Outcome, Reason: last.Verdict.Reason, ItemTime: last.Verdict.Item.Time, RemediatedAt: last.Verdict.RemediatedAt,
		},
		// it is known since the rules changed
		KnownAt: max(e.w, v.Due), FinalAt: v.Due.Add(c.FinalAfter),
	}
	e.state.end(noShelf, key, next)
	e.note(func() Change { return closedChange(&group{key: key.groupKey}, key.id, next) })
	return rev
}
