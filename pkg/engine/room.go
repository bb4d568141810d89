package engine

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// room is what a review works in, kept from one to the next: there is one review at a time,
// and nothing in here outlives it. What is published is copied out.
type room struct {
	review   review
	scope    control.Scope
	sights   []sight
	known    []control.Knowledge
	matched  []control.Matched
	evidence []compliance.Evidence
	matches  []matches
	events   [][]*fact // by expectation
	// collected: the matches of the item stand in here; crowded: but for those that the
	// lists of its key give.
	collected, crowded bool
	// published are the revisions of one Advance so far.
	published []compliance.Revision
}

// enter gives the place for a review, emptied.
func (m *room) enter(r review) *review {
	m.review, m.evidence, m.collected, m.crowded = r, m.evidence[:0], false, false
	return &m.review
}

// look makes place for looking at so many expectations, in the place of the look before.
func (m *room) look(expectations int) ([]sight, []control.Knowledge) {
	m.sights, m.known, m.matched = emptied(m.sights, expectations), emptied(m.known, expectations), grown(m.matched, expectations)
	return m.sights, m.known
}

// collect gives place for the matches of so many expectations.
func (m *room) collect(expectations int) []matches {
	m.collected = true
	m.matches = grown(m.matches, expectations)
	for i := range m.matches {
		m.matches[i] = matches{wants: m.matches[i].wants[:0], undoes: m.matches[i].undoes[:0]}
	}
	return m.matches
}

// eventsOf gives place for what is seen of the i-th expectation.
func (m *room) eventsOf(i int) []*fact {
	for len(m.events) <= i {
		m.events = append(m.events, nil)
	}
	return m.events[i][:0]
}

// keepEvents keeps that place for the next look, unless it has become large.
func (m *room) keepEvents(i int, events []*fact) {
	if cap(events) <= largeRoom {
		m.events[i] = events
	}
}

// largeRoom is more than most items see; who sees more makes place of his own, so that no
// facts are held that are gone.
const largeRoom = 1024

// match is the sight as conditions see it; nil if nothing can be said.
func (m *room) match(i int, s *sight) *control.Matched {
	if s.known == control.Opaque {
		return nil
	}
	m.matched[i] = control.Matched{Events: s, Folds: s.folds}
	return &m.matched[i]
}

// Len and At are what conditions see of the events.
func (s *sight) Len() int { return len(s.events) }

func (s *sight) At(i int) control.Fields { return s.events[i].view }

// name adds evidence to what the review names, and gives all from a place on. Whoever
// appends to that gets a copy.
func (m *room) name(from int, evidence ...compliance.Evidence) []compliance.Evidence {
	m.evidence = append(m.evidence, evidence...)
	return m.evidence[from:len(m.evidence):len(m.evidence)]
}

func emptied[T any](list []T, n int) []T {
	list = grown(list, n)
	clear(list)
	return list
}

func grown[T any](list []T, n int) []T {
	if cap(list) < n {
		return make([]T, n)
	}
	return list[:n]
}
