package record

import (
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Kinds of control records.
const (
	KindClock    = "clock"
	KindTopology = "topology"
	// KindActivated puts a rule set in force: by a start, or with a proposal, when each
	// source has its marker.
	KindActivated = "activated"
	// Of a change on the running system, in this order.
	KindProposed   = "proposed"
	KindApproved   = "approved"
	KindRefused    = "refused"
	KindActivating = "activating"
)

// RuleChange is a rule set that was proposed, and what became of it.
type RuleChange struct {
	// Proposed has the files; Approved and Refused are nil as long as nobody has.
	Proposed, Approved, Refused *Control
	// Activation is its number once the rules change; 0 before.
	Activation int
	// Checked is the highest clock of all sources when it was looked at, before that; Ever
	// if nobody said.
	Checked compliance.Instant
	// Preloads: what its controls lack of the past is read once more.
	Preloads bool
	// Activated says that each source has its marker, and where; nil before.
	Activated *Control
}

// waits tells whether the change may be carried out.
func (c *RuleChange) waits() bool {
	return c.Refused == nil && c.Activation == 0 && (!c.Proposed.Restates || c.Approved != nil)
}

// State is where the change stands, in a word.
func (c *RuleChange) State() string {
	switch {
	case c.Refused != nil:
		return "refused"
	case c.Activated != nil:
		return "activated"
	case c.Activation > 0:
		return "activating"
	case c.waits():
		return "waiting"
	}
	return "proposed"
}

// Base is the rule set that every source begins with: the last that was put in force by
// a start, before any change of the running system.
type Base struct {
	Activation int
	Bundle     string
	// Files are the bundle's, packed; empty if whoever wrote it didn't say.
	Files []byte
}

// Rules are what the control topic says of rule sets. It is a fold over the topic's
// records: everybody who reads them in their order knows the same.
type Rules struct {
	Base Base
	// Changes are all that were proposed, in the order of the topic.
	Changes []*RuleChange
	// Bundle and Activation are in force.
	Bundle     string
	Activation int
}

// Take takes one record; false if it makes no sense here, and then it changes nothing.
func (r *Rules) Take(c *Control) bool {
	switch c.Kind {
	case KindActivated:
		if c.Proposal != "" {
			return r.complete(c)
		}
		return r.start(c)
	case KindProposed:
		return r.propose(c)
	case KindApproved:
		return r.approve(c)
	case KindRefused:
		return r.refuse(c)
	case KindActivating:
		return r.begin(c)
	}
	return false
}

// Find is the change of that name; nil if there is none.
func (r *Rules) Find(proposal string) *RuleChange {
	return r.first(func(c *RuleChange) bool { return c.Proposed.Proposal == proposal })
}

// Numbered is the change that has a number; nil if there is none.
func (r *Rules) Numbered(activation int) *RuleChange {
	return r.first(func(c *RuleChange) bool { return activation > 0 && c.Activation == activation })
}

// Next is what is to be carried out: a change that was begun, or the first that waits.
func (r *Rules) Next() *RuleChange {
	if begun := r.first(func(c *RuleChange) bool { return c.Activation > 0 && c.Activated == nil }); begun != nil {
		return begun
	}
	return r.first((*RuleChange).waits)
}

func (r *Rules) first(is func(*RuleChange) bool) *RuleChange {
	if i := slices.IndexFunc(r.Changes, is); i >= 0 {
		return r.Changes[i]
	}
	return nil
}

// Changed tells whether the rules were changed on the running system, or begin to be.
// From then on no start changes them any more.
func (r *Rules) Changed() bool {
	return r.first(func(c *RuleChange) bool { return c.Activation > 0 }) != nil
}

// InForce are the files of the bundle in force, packed.
func (r *Rules) InForce() []byte {
	if c := r.Numbered(r.Activation); c != nil {
		return c.Proposed.Files
	}
	return r.Base.Files
}

// start takes a rule set that a start puts in force, for all sources from where they
// stand.
func (r *Rules) start(c *Control) bool {
	if c.Bundle == "" || r.Changed() || c.Activation < r.Activation {
		return false
	}
	r.Bundle, r.Activation = c.Bundle, c.Activation
	r.Base = Base{c.Activation, c.Bundle, c.Files}
	return true
}

// propose takes what was proposed, once.
func (r *Rules) propose(c *Control) bool {
	if c.Proposal == "" || c.Bundle == "" || len(c.Files) == 0 || r.Find(c.Proposal) != nil {
		return false
	}
	r.Changes = append(r.Changes, &RuleChange{Proposed: c})
	return true
}

// approve takes the word of a second person, once.
func (r *Rules) approve(c *Control) bool {
	p := r.Find(c.Proposal)
	if p == nil || p.Approved != nil || p.Refused != nil || c.By == "" || c.By == p.Proposed.By {
		return false
	}
	p.Approved = c
	return true
}

func (r *Rules) refuse(c *Control) bool {
	p := r.Find(c.Proposal)
	if p == nil || p.Activation > 0 || p.Refused != nil {
		return false
	}
	p.Refused = c
	return true
}

// begin gives a change its number: from here on it is carried out, whoever owns the
// topic. Of two owners, for a moment, the first one's word counts.
func (r *Rules) begin(c *Control) bool {
	p := r.Find(c.Proposal)
	underWay := r.Next()
	if p == nil || !p.waits() || c.Activation != r.Activation+1 || underWay.Activation > 0 {
		return false
	}
	p.Activation, p.Preloads = c.Activation, c.Preloads
	if p.Checked = compliance.Ever; c.Watermark != 0 {
		p.Checked = c.Watermark
	}
	return true
}

// complete notes that each source has its marker.
func (r *Rules) complete(c *Control) bool {
	p := r.Find(c.Proposal)
	if p == nil || p.Activation == 0 || p.Activation != c.Activation || p.Activated != nil {
		return false
	}
	p.Activated = c
	r.Bundle, r.Activation = p.Proposed.Bundle, c.Activation
	return true
}
