package engine

import (
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// findParts judges each part of the item and counts them together.
func (r *review) findParts(scope *control.Scope) finding {
	parts, broken, none := r.rows(scope)
	if none != nil {
		return *none
	}
	var sum tally
	for _, part := range parts {
		sum.add(r.findPart(scope, part))
	}
	if missing := r.heardRows(); missing != covered { // there may be parts that nobody sees
		sum.add(unheard(missing))
	}
	all := sum.all()
	if broken && all.outcome != compliance.Deviation {
		f := unreadable()
		f.due = all.due
		return f
	}
	return all
}

// eachPart judges the parts as items of their own; those of one id count together.
func (r *review) eachPart(scope *control.Scope) []compliance.Verdict {
	parts, broken, none := r.rows(scope)
	if none != nil {
		return []compliance.Verdict{r.verdict(r.it.id, *none)}
	}
	sums := map[string]*tally{}
	for _, part := range parts {
		id, ok := r.c.Expand.PartID(r.it.id, scope.With(nil, part))
		if !ok {
			broken = true
			continue
		}
		if sums[id] == nil {
			sums[id] = &tally{}
		}
		sums[id].add(r.findPart(scope, part))
	}
	var verdicts []compliance.Verdict
	switch missing := r.heardRows(); { // there may be parts that nobody sees
	case broken:
		verdicts = append(verdicts, r.verdict(r.it.id, unreadable()))
	case missing != covered:
		verdicts = append(verdicts, r.verdict(r.it.id, unheard(missing)))
	}
	for _, id := range slices.Sorted(maps.Keys(sums)) {
		verdicts = append(verdicts, r.verdict(id, sums[id].all()))
	}
	return verdicts
}

// rows are the parts; broken says that a row of a table can't be read, none what is
// found if there are no parts.
func (r *review) rows(scope *control.Scope) (parts []control.View, broken bool, none *finding) {
	for _, t := range r.c.Tables {
		_, b := r.it.rows(t, r.it.time)
		broken = broken || b || r.unclear(t)
	}
	parts, err := r.c.Expand.Over.Rows(scope)
	switch {
	case err != nil:
		f := unreadable()
		return nil, broken, &f
	case len(parts) == 0:
		f := r.noParts(broken)
		return nil, broken, &f
	}
	return parts, broken, nil
}

func (r *review) findPart(scope *control.Scope, part control.View) finding {
	f := unheard(r.heardPart(part))
	if f.outcome == "" {
		f = r.find(scope.With(nil, part).Fresh())
	}
	if row := r.it.group.rowEvent(part); row != nil {
		f.evidence = append([]compliance.Evidence{compliance.EvidenceOf("part", &row.ev)}, f.evidence...)
	}
	return f
}

func unreadable() finding {
	return finding{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
}

func (r *review) noParts(broken bool) finding {
	missing := r.heardRows()
	switch {
	case broken:
		return unreadable()
	case missing != covered:
		return unheard(missing)
	}
	return finding{outcome: compliance.NotApplicable, reason: compliance.ReasonNoParts}
}

// rowEvent is the event that a part's row comes from: of an id there may be others, at
// other times.
func (g *group) rowEvent(part control.View) *fact {
	told, _ := part.Told()
	for _, f := range g.facts {
		if f.ev.ID == part["id"] && f.ev.Source == part["source"] && f.ev.Time == told {
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
