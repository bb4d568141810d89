package peers_test

import (
	"maps"
	"slices"
	"strconv"
)

// way is one way in which a formula's values come from facts.
type way struct {
	atoms []witness
	bound map[string]binding
}

// witness is a fact that gives values, and how far from the place it can lie.
type witness struct {
	fact   *mfotl
	lo, hi int64
	own    bool // it is the place's own time point
}

// binding is a field of one of the facts, or what is computed from other variables.
type binding struct {
	atom  int
	field string
	term  *term
}

// waysOf are the ways in which some variables of a formula get their values: whenever it
// holds, one of them gives them.
func (t *translation) waysOf(f *mfotl, need []string, lo, hi int64, own bool) []*way {
	if len(need) == 0 {
		return []*way{{bound: map[string]binding{}}}
	}
	ways := t.anyWaysOf(f, need, lo, hi, own)
	for i := range ways {
		if !ways[i].gives(need) {
			panic(boundless)
		}
	}
	return ways
}

func (t *translation) anyWaysOf(f *mfotl, need []string, lo, hi int64, own bool) []*way {
	switch f.op {
	case predicate:
		w := &way{atoms: []witness{{f, lo, hi, own}}, bound: map[string]binding{}}
		for i, arg := range f.terms {
			if arg.op == "var" && slices.Contains(need, arg.value) {
				w.bound[arg.value] = binding{field: t.s[f.name][i][0]}
			}
		}
		return []*way{w}
	case equals:
		return t.equalWays(f, need)
	case either:
		return slices.Concat(t.waysOf(f.kids[0], need, lo, hi, own), t.waysOf(f.kids[1], need, lo, hi, own))
	case both:
		return t.jointWays(conjuncts(f), need, lo, hi, own)
	case some:
		return t.waysOf(f.kids[0], need, lo, hi, own)
	case sinceThen:
		return t.waysOf(f.kids[1], need, lo-f.hi, hi-f.lo, false)
	case untilThen:
		if f.hi == unbounded {
			panic(endless)
		}
		return t.waysOf(f.kids[1], need, lo+f.lo, hi+f.hi, false)
	case nextPoint:
		return t.waysOf(f.kids[0], need, lo+f.lo, hi+min(f.hi, longestStep), false)
	case lastPoint:
		return t.waysOf(f.kids[0], need, lo-min(f.hi, longestStep), hi-f.lo, false)
	case aggregate:
		return t.aggregateWays(f, need, lo, hi, own)
	}
	panic(boundless)
}

func (t *translation) equalWays(f *mfotl, need []string) []*way {
	for i, side := range f.terms {
		if other := f.terms[1-i]; side.op == "var" && len(need) == 1 && need[0] == side.value && len(other.free()) == 0 {
			return []*way{{bound: map[string]binding{side.value: {term: other}}}}
		}
	}
	panic(boundless)
}

func (t *translation) aggregateWays(f *mfotl, need []string, lo, hi int64, own bool) []*way {
	var inside []string
	for _, name := range append(slices.Clone(need), f.of) {
		if name != f.result && !slices.Contains(inside, name) {
			inside = append(inside, name)
		}
	}
	one := single(f)
	if slices.Contains(need, f.result) && !one && (f.name == "CNT" || f.name == "SUM" && t.kindOf(f) == "int") {
		return t.candidateWays(f, lo, hi, own)
	}
	if slices.Contains(need, f.result) && !one && f.name != "MIN" && f.name != "MAX" {
		panic(severally)
	}
	if f.result == f.of && slices.Contains(f.vars, f.of) {
		panic(boundless)
	}
	ways := t.waysOf(f.kids[0], inside, lo, hi, own)
	for i := range ways {
		ways[i].bound[f.result] = binding{term: variable(f.of)}
		if f.name == "CNT" {
			ways[i].bound[f.result] = binding{term: &term{op: "int", value: "1"}}
		}
	}
	if len(f.vars) == 0 && !one {
		ways = append(ways, &way{bound: map[string]binding{f.result: {term: t.nothing(f)}}})
	}
	return ways
}

// candidateWays tries each number of a declared list as the aggregate's result.
func (t *translation) candidateWays(f *mfotl, lo, hi int64, own bool) []*way {
	ways := []*way{{bound: map[string]binding{}}}
	if len(f.vars) > 0 {
		ways = t.waysOf(f.kids[0], f.vars, lo, hi, own)
	}
	for i := range ways {
		ways[i].bound[f.result] = binding{term: &term{op: "candidate"}}
	}
	return ways
}

// jointWays takes as few conjuncts as give the values, and of those the ones whose facts
// are the place's own.
func (t *translation) jointWays(all []*mfotl, need []string, lo, hi int64, own bool) []*way {
	var equations, others []*mfotl
	for _, f := range all {
		if f.op == equals {
			equations = append(equations, f)
		} else {
			others = append(others, f)
		}
	}
	var best []*way
	reason := any(boundless)
	for chosen := range 1 << len(others) {
		ways, fault := t.together(others, chosen, lo, hi, own)
		if fault != nil {
			reason = fault
			continue
		}
		complete := true
		for i := range ways {
			ways[i].solve(equations)
			complete = complete && ways[i].gives(need)
		}
		if complete && (best == nil || cost(ways) < cost(best)) {
			best = ways
		}
	}
	if best == nil {
		panic(reason)
	}
	return best
}

// cost prefers few facts, and those of the place's own time point.
func cost(ways []*way) int {
	n := 0
	for _, w := range ways {
		for _, a := range w.atoms {
			n += 10
			if !a.own {
				n++
			}
		}
	}
	return n
}

// together are the ways of the chosen formulas, each with each.
func (t *translation) together(all []*mfotl, chosen int, lo, hi int64, own bool) (ways []*way, fault any) {
	defer func() { fault = recover() }()
	ways = []*way{{bound: map[string]binding{}}}
	for i, f := range all {
		if chosen&(1<<i) == 0 {
			continue
		}
		var next []*way
		for _, w := range ways {
			for _, more := range t.waysOf(f, f.free(), lo, hi, own) {
				next = append(next, w.with(more))
			}
		}
		ways = next
	}
	return ways, nil
}

func (w *way) with(more *way) *way {
	joint := &way{slices.Concat(w.atoms, more.atoms), map[string]binding{}}
	for name, b := range more.bound {
		b.atom += len(w.atoms)
		joint.bound[name] = b
	}
	maps.Copy(joint.bound, w.bound)
	return joint
}

// solve computes variables from those that are bound.
func (w *way) solve(equations []*mfotl) {
	for range equations {
		for _, f := range equations {
			for i, side := range f.terms {
				if _, bound := w.bound[side.value]; side.op == "var" && !bound && w.gives(f.terms[1-i].free()) {
					w.bound[side.value] = binding{term: f.terms[1-i]}
				}
			}
		}
	}
}

func (w *way) gives(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { _, bound := w.bound[name]; return !bound })
}

// values are expressions for the variables of a way, with a name for each of its facts.
func (t *translation) values(w *way, names, of []string) given {
	k := given{}
	for range len(w.bound) + 1 {
		for name, b := range w.bound {
			switch {
			case b.term == nil:
				k[name] = of[b.atom] + "." + b.field
			case k.all(b.term.free()):
				k[name] = t.value(b.term, k)
			}
		}
	}
	only := given{}
	for _, name := range names {
		only[name] = k[name]
	}
	return only
}

// items is one kind of items, with one kind of parts: which events, where the time point
// lies of which they speak, and the values.
type items struct {
	event, part string // kinds; without parts there is none
	at          place
	k           given
}

// itemsOf places the facts of a way: the item's event, and its part's.
func (t *translation) itemsOf(w *way, names []string) []items {
	here := place{tp: "item.tp", time: "item.time", top: true}
	kind := func(i int) string { return kindOf(w.atoms[i].fact) }
	beside := func(a witness, event, part string, here place, k given) items {
		here.lo, here.hi = -a.hi, -a.lo
		return items{event, part, here, k}
	}
	there := place{tp: "part.tp", time: "part.time", top: true}
	switch {
	case len(w.atoms) == 0 && !t.parts:
		return []items{{"point", "", here, t.values(w, names, nil)}}
	case len(w.atoms) == 0:
		return []items{{"point", "point", here, t.values(w, names, nil)}}
	case len(w.atoms) == 1 && !t.parts:
		return []items{{kind(0), "", here, t.values(w, names, []string{"item"})}}
	case len(w.atoms) > 2 || len(w.atoms) == 2 && !w.atoms[0].own && !w.atoms[1].own:
		panic(cross)
	}
	var found []items
	far, own, ownKind := w.atoms[0], 0, "point"
	if len(w.atoms) == 2 {
		if !w.atoms[0].own {
			own, far = 1, w.atoms[0]
		} else {
			far = w.atoms[1]
		}
		ownKind = kind(own)
	}
	name := func(ofOwn, ofFar string) []string {
		names := []string{ofFar, ofFar}
		if len(w.atoms) == 2 {
			names[own] = ofOwn
		}
		return names
	}
	if far.lo <= 0 || far.own {
		found = append(found, items{ownKind, kindOf(far.fact), here, t.values(w, names, name("item", "part"))})
	}
	if far.hi > 0 {
		late := far
		late.lo = max(far.lo, 0)
		found = append(found, beside(late, kindOf(far.fact), ownKind, there, t.values(w, names, name("part", "item"))))
	}
	return found
}

// needs tells whether the control of a formula reads tables, and whether its parts are rows
// of one or numbers that a result can be.
func (t *translation) needs(f *mfotl, ways []*way) {
	for _, w := range ways {
		t.parts = t.parts || len(w.atoms) > 1 || len(w.atoms) == 1 && !w.atoms[0].own
		for _, b := range w.bound {
			t.candidates = t.candidates || b.term != nil && b.term.op == "candidate"
		}
	}
	if t.parts && t.candidates {
		panic(severally)
	}
	t.tabled = t.parts
	f.walk(func(g *mfotl) { t.tabled = t.tabled || g.op == sinceThen && g.hi == unbounded })
}

// only says that an item, and its part, are of these kinds, where there are others.
func (i items) only(all []items) string {
	event, part := "true", "true"
	for _, j := range all {
		if j.event != i.event {
			event = "item.type == " + strconv.Quote(i.event)
		}
		if j.part != i.part {
			part = "part.type == " + strconv.Quote(i.part)
		}
	}
	return conjunctionOf(event, part)
}
