package engine

import "assay.example/assay/pkg/compliance"

// spare are facts, items and join keys that nothing holds any more, for those that come: they
// come and go at one rate, and whatever the collector needn't look for costs no time.
type spare struct {
	facts  []*fact
	items  []*item
	groups []*group
	over   []*fact // their group still has them
}

// manySpare bounds what is held for the next ones.
const manySpare = 4096

func (s *spare) fact() *fact {
	if last := len(s.facts) - 1; last >= 0 {
		f := s.facts[last]
		s.facts = s.facts[:last]
		return f
	}
	return &fact{}
}

// take is for a fact that no list has.
func (s *spare) take(f *fact) {
	if len(s.facts) < manySpare {
		*f = fact{}
		s.facts = append(s.facts, f)
	}
}

// takeOver takes those whose group doesn't have them any more. What a clock moved has copies,
// and what has rivals is held by them: they are left to the collector.
func (s *spare) takeOver() {
	for _, f := range s.over {
		if (f.shown == nil || f.shown == f) && f.lead == f && f.rivals == nil {
			s.take(f)
		}
	}
	clear(s.over)
	s.over = s.over[:0]
}

func (s *spare) item() *item {
	if last := len(s.items) - 1; last >= 0 {
		it := s.items[last]
		s.items = s.items[:last]
		return it
	}
	return &item{}
}

func (s *spare) takeItem(it *item) {
	if len(s.items) < manySpare {
		if planted != plantedSpareKept {
			*it = item{}
		}
		s.items = append(s.items, it)
	}
}

func (s *spare) group() *group {
	if last := len(s.groups) - 1; last >= 0 {
		g := s.groups[last]
		s.groups = s.groups[:last]
		return g
	}
	return &group{newest: compliance.Ever, until: compliance.Ever}
}

// takeGroup is for a key at which nothing is any more; the next one has its room.
func (s *spare) takeGroup(g *group) {
	if len(s.groups) < manySpare {
		*g = group{newest: compliance.Ever, until: compliance.Ever, facts: roomOf(g.facts), bodies: g.bodies.emptied(), items: g.items.emptied()}
		s.groups = append(s.groups, g)
	}
}

// roomOf is that of a list that is empty, unless it is large: most keys have few.
func roomOf[T any](list []T) []T {
	if cap(list) > longList {
		return nil
	}
	return list[:0]
}

// holdsNoMatches says that no item has facts in its matches. Those that it opens by are never
// dropped before it.
func (g *group) holdsNoMatches() bool {
	for it := range g.items.values() {
		if it.matches != nil {
			return false
		}
	}
	return true
}
