package engine

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// findParts judges each part of the item and counts them together.
func (r *review) findParts(scope *control.Scope) finding {
	broken := false
	for _, t := range r.c.Tables {
		_, b := r.it.group.rows(t, r.it.time)
		broken = broken || b
	}
	parts, err := r.c.Expand.Over.Rows(scope)
	if err != nil {
		return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
	}
	if len(parts) == 0 {
		return r.noParts(broken)
	}
	var sum tally
	for _, part := range parts {
		f := r.find(scope.With(nil, part).Fresh())
		if row := r.it.group.rowEvent(part); row != nil {
			f.evidence = append([]compliance.Evidence{compliance.EvidenceOf("part", &row.ev)}, f.evidence...)
		}
		sum.add(f)
	}
	all := sum.all()
	if broken && all.outcome != compliance.Deviation {
		return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError, due: all.due}
	}
	return all
}

func (r *review) noParts(broken bool) finding {
	worst := covered
	for i := range r.c.Tables {
		worst = max(worst, r.heard(r.feeds.tables[i], compliance.Ever, r.it.time))
	}
	switch {
	case broken:
		return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
	case worst == silent:
		return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonSourceSilent}
	case worst == open:
		return finding{outcome: compliance.Pending, reason: compliance.ReasonAwaitingEvents}
	}
	return finding{outcome: compliance.NotApplicable, reason: compliance.ReasonNoParts}
}

// rowEvent is the event that a part's row comes from.
func (g *group) rowEvent(part control.View) *fact {
	for _, f := range g.facts {
		if f.view["id"] == part["id"] && f.view["source"] == part["source"] {
			return f
		}
	}
	return nil
}

// tally counts parts: the weightiest outcome wins, and its parts are named.
type tally struct {
	best     finding
	weight   int
	remedied bool
	due      compliance.Instant
}

// weights: a deviation of one part decides; then whatever isn't known yet.
var weights = map[compliance.Outcome]int{
	compliance.NotApplicable: 1, compliance.Pass: 2, compliance.Inconclusive: 3,
	compliance.Pending: 4, compliance.Deviation: 5,
}

func (t *tally) add(f finding) {
	t.due = max(t.due, f.due)
	w := weights[f.outcome]
	switch {
	case w > t.weight:
		t.best, t.weight, t.remedied = f, w, f.remediated != 0
	case w == t.weight:
		t.best.evidence = append(t.best.evidence, f.evidence...)
		t.best.remediated = max(t.best.remediated, f.remediated)
		t.remedied = t.remedied && f.remediated != 0
	}
}

func (t *tally) all() finding {
	f := t.best
	f.due = t.due
	if !t.remedied {
		f.remediated = 0
	}
	if f.outcome == compliance.Pending {
		f.evidence = nil
	}
	return f
}
