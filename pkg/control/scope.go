package control

import (
	"cmp"
	"slices"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"assay.example/assay/pkg/compliance"
)

// Matched is what one expectation has matched, as conditions see it.
type Matched struct {
	// Events are in the order of events.
	Events Events
	// Folds are the values of the expectation's folds; a fold that has no value
	// (the minimum of nothing) is absent.
	Folds map[string]any
}

// Events are what conditions see of events. Most ask how many there are, and no more.
type Events interface {
	Len() int
	At(i int) Fields
}

// EventList is a list of what conditions see.
type EventList []Fields

// Len is how many there are.
func (l EventList) Len() int { return len(l) }

// At is the i-th.
func (l EventList) At(i int) Fields { return l[i] }

// Scope is what a condition may read. It is made by whoever judges and holds no
// clock, no network, no order of arrival.
type Scope struct {
	control *Control
	Item    Fields
	Event   Fields
	Part    View
	// Matched has an entry for each expectation of the control; nil where the
	// condition doesn't read it.
	Matched []*Matched
	// Derived are the control's derived tables, as of the item's time.
	Derived []*Table
	// At is the instant as of which declared tables are read: the item's time.
	At compliance.Instant
}

// NewScope is an empty scope for c at an item's time.
func (c *Control) NewScope(item Fields, at compliance.Instant) *Scope {
	return &Scope{control: c, Item: item, At: at, Matched: make([]*Matched, len(c.Expectations))}
}

// Renew empties a scope for c at an item's time, as NewScope makes one.
func (c *Control) Renew(s *Scope, item Fields, at compliance.Instant) {
	matched := s.Matched
	if cap(matched) < len(c.Expectations) {
		matched = make([]*Matched, len(c.Expectations))
	}
	matched = matched[:len(c.Expectations)]
	clear(matched)
	*s = Scope{control: c, Item: item, At: at, Matched: matched, Derived: s.Derived[:0]}
}

// With is s with another event and part, sharing the rest.
func (s *Scope) With(event Fields, part View) *Scope {
	t := *s
	t.Event, t.Part = event, part
	return &t
}

// Parent implements CEL's activation; scopes don't nest.
func (s *Scope) Parent() interpreter.Activation { return nil }

// ResolveName implements CEL's activation.
func (s *Scope) ResolveName(name string) (any, bool) {
	switch name {
	case "item":
		return asMap(viewOf(s.Item))
	case "event":
		return asMap(viewOf(s.Event))
	case "part":
		return asMap(s.Part)
	}
	v, ok := s.control.names[name]
	if !ok {
		return nil, false
	}
	return v(s)
}

func asMap(v View) (any, bool) { return map[string]any(v), v != nil }

// value computes a named value in a scope.
type value func(*Scope) (any, bool)

func constant(v any) value { return func(*Scope) (any, bool) { return v, true } }

func (d *Declared) asTable() value { return func(s *Scope) (any, bool) { return d.At(s.At), true } }

func derivedTable(i int) value {
	return func(s *Scope) (any, bool) {
		if i >= len(s.Derived) || s.Derived[i] == nil {
			return nil, false
		}
		return s.Derived[i], true
	}
}

// matched makes a value of what expectation i has matched.
func matched(i int, of func(*Scope, *Matched) (any, bool)) value {
	return func(s *Scope) (any, bool) {
		if s.Matched[i] == nil {
			return nil, false
		}
		return of(s, s.Matched[i])
	}
}

func eventList(l *Links) func(*Scope, *Matched) (any, bool) {
	return func(s *Scope, m *Matched) (any, bool) {
		if l != nil {
			return newLinked(l, viewsOf(m.Events), viewOf(s.Item)), true
		}
		return plain(viewsOf(m.Events)), true
	}
}

func orphanList(l *Links) func(*Scope, *Matched) (any, bool) {
	return func(s *Scope, m *Matched) (any, bool) {
		events := viewsOf(m.Events)
		return plain(newLinked(l, events, viewOf(s.Item)).orphans(events)), true
	}
}

func eventCount(_ *Scope, m *Matched) (any, bool) { return types.Int(m.Events.Len()), true }

// countOf counts the verdicts with one of the outcomes.
func countOf(outcomes ...compliance.Outcome) func(*Scope, *Matched) (any, bool) {
	return func(_ *Scope, m *Matched) (any, bool) {
		n := 0
		for i := range m.Events.Len() {
			if outcome, _ := m.Events.At(i).Field("outcome").(string); slices.Contains(outcomes, compliance.Outcome(outcome)) {
				n++
			}
		}
		return types.Int(n), true
	}
}

func firstEvent(_ *Scope, m *Matched) (any, bool) {
	if m.Events.Len() == 0 {
		return nil, false
	}
	return asMap(m.Events.At(0).View())
}

func lastEvent(_ *Scope, m *Matched) (any, bool) {
	if m.Events.Len() == 0 {
		return nil, false
	}
	return asMap(m.Events.At(m.Events.Len() - 1).View())
}

func pickedTime(_ *Scope, m *Matched) (any, bool) {
	if m.Events.Len() == 0 {
		return nil, false
	}
	return m.Events.At(0).Field("time"), true
}

func foldValue(name string) func(*Scope, *Matched) (any, bool) {
	return func(_ *Scope, m *Matched) (any, bool) {
		v, ok := m.Folds[name]
		return v, ok
	}
}

// compareViews orders views as their events are ordered.
func compareViews(a, b View) int {
	at, _ := a["time"].(time.Time)
	bt, _ := b["time"].(time.Time)
	return cmp.Or(at.Compare(bt), compareText(a, b, "source"), compareText(a, b, "id"))
}

func compareText(a, b View, field string) int {
	x, _ := a[field].(string)
	y, _ := b[field].(string)
	return cmp.Compare(x, y)
}

// Fresh is s with nothing matched yet, for the next part of an item.
func (s *Scope) Fresh() *Scope {
	t := *s
	t.Matched = make([]*Matched, len(s.control.Expectations))
	return &t
}
