package clock

import (
	"context"
	"slices"

	"assay.example/assay/pkg/record"
)

// Change is a rule set that was proposed, and what became of it.
type Change struct {
	// Proposed has the files; Approved and Refused are nil as long as nobody has.
	Proposed, Approved, Refused *record.Control
	// Activation is its number once the rules change; 0 before.
	Activation int
	// Activated says that each source has its marker, and where; nil before.
	Activated *record.Control
}

// waits tells whether the change may be carried out.
func (c *Change) waits() bool {
	return c.Refused == nil && c.Activation == 0 && (!c.Proposed.Restates || c.Approved != nil)
}

// changes are the proposals of the control topic, in its order.
type changes struct {
	all      []*Change
	byNumber map[int]*Change
}

func (s *changes) find(proposal string) *Change {
	i := slices.IndexFunc(s.all, func(c *Change) bool { return c.Proposed.Proposal == proposal })
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// next is what is to be carried out: a change that was begun, or the first that waits.
func (s *changes) next() *Change {
	for _, c := range s.all {
		if c.Activation > 0 && c.Activated == nil {
			return c
		}
	}
	i := slices.IndexFunc(s.all, (*Change).waits)
	if i < 0 {
		return nil
	}
	return s.all[i]
}

// last is the number of the latest change that was begun; 0 if none was.
func (s *changes) last() (n int) {
	for number := range s.byNumber {
		n = max(n, number)
	}
	return n
}

// propose takes what was proposed, once.
func (s *said) propose(c *record.Control) bool {
	if c.Proposal == "" || c.Bundle == "" || len(c.Files) == 0 || s.changes.find(c.Proposal) != nil {
		return false
	}
	s.changes.all = append(s.changes.all, &Change{Proposed: c})
	return true
}

// approve takes the word of a second person, once.
func (s *said) approve(c *record.Control) bool {
	p := s.changes.find(c.Proposal)
	if p == nil || p.Approved != nil || c.By == "" || c.By == p.Proposed.By {
		return false
	}
	p.Approved = c
	return true
}

func (s *said) refuse(c *record.Control) bool {
	p := s.changes.find(c.Proposal)
	if p == nil || p.Activation > 0 || p.Refused != nil {
		return false
	}
	p.Refused = c
	return true
}

// begin gives a change its number: from here on it is carried out, whoever owns the
// topic. Of two owners, for a moment, the first one's word counts.
func (s *said) begin(c *record.Control) bool {
	p := s.changes.find(c.Proposal)
	if p == nil || !p.waits() || c.Activation != max(s.activation, s.changes.last())+1 || s.underWay() {
		return false
	}
	p.Activation = c.Activation
	if s.changes.byNumber == nil {
		s.changes.byNumber = map[int]*Change{}
	}
	s.changes.byNumber[c.Activation] = p
	return true
}

func (s *said) underWay() bool {
	n := s.changes.next()
	return n != nil && n.Activation > 0
}

// complete notes that each source has its marker.
func (s *said) complete(c *record.Control) bool {
	p := s.changes.byNumber[c.Activation]
	if p == nil || p.Proposed.Proposal != c.Proposal || p.Activated != nil {
		return false
	}
	p.Activated = c
	s.bundle, s.activation = p.Proposed.Bundle, c.Activation
	return true
}

// Begun waits until the log says what the rules of an activation are.
func (l *Log) Begun(ctx context.Context, activation int) (c Change, err error) {
	return l.change(ctx, activation, func(*Change) bool { return true })
}

// Done waits until the log says that each source has the marker of an activation.
func (l *Log) Done(ctx context.Context, activation int) (c Change, err error) {
	return l.change(ctx, activation, func(c *Change) bool { return c.Activated != nil })
}

func (l *Log) change(ctx context.Context, activation int, ok func(*Change) bool) (c Change, err error) {
	err = l.await(ctx, func(s *said) bool {
		found := s.changes.byNumber[activation]
		if found == nil || !ok(found) {
			return false
		}
		c = *found
		return true
	})
	return c, err
}

// Changes are all that were proposed, in the order of the log.
func (l *Log) Changes() []Change {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []Change
	for _, c := range l.said.changes.all {
		all = append(all, *c)
	}
	return all
}

// Latest is the number of the latest change that each source has the marker of; 0 if
// there is none.
func (l *Log) Latest() (n int) {
	for _, c := range l.Changes() {
		if c.Activated != nil {
			n = max(n, c.Activation)
		}
	}
	return n
}

// Base is the rule set that every source begins with: the last that was put in force by
// a start, before any change of the running system.
type Base struct {
	Activation int
	Bundle     string
	// Files are the bundle's, packed; empty if whoever wrote it didn't say.
	Files []byte
}

// InForce waits until the log has a rule set and source partitions, and gives the one
// to begin with: bundle, if nothing was changed on the running system yet.
func (l *Log) InForce(ctx context.Context, bundle string) (b Base, err error) {
	err = l.await(ctx, func(s *said) bool {
		b = s.base
		return s.topology > 0 && b.Activation > 0 && (len(s.changes.byNumber) > 0 || b.Bundle == bundle)
	})
	return b, err
}

// started takes a rule set that a start puts in force, for all sources from where they
// stand. Once the running system was changed, no start changes it any more.
func (s *said) started(c *record.Control) bool {
	if c.Bundle == "" || len(s.changes.byNumber) > 0 || c.Activation < s.activation {
		return false
	}
	s.bundle, s.activation = c.Bundle, c.Activation
	s.base = Base{c.Activation, c.Bundle, c.Files}
	return true
}
