// Package boundary holds where data was seen to go against where the system boundary
// says that it may go.
//
// What was seen comes from events alone, so a flow that nobody declared can't hide; and
// without a declaration nothing is said to be inside.
package boundary

import (
	"cmp"
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
)

// Kind is what was called.
type Kind string

// The kinds of what is called.
const (
	Provider Kind = "provider"
	Tool     Kind = "tool"
	Store    Kind = "store"
)

// Flow is one edge of the graph: who called what, with which class of data.
type Flow struct {
	Kind   Kind   `json:"kind"`
	Caller string `json:"caller"`
	// Name is the provider's, the tool's or the store's.
	Name string `json:"name"`
	// Model and Region are a provider's, and empty where nobody said.
	Model  string `json:"model,omitempty"`
	Region string `json:"region,omitempty"`
	Class  string `json:"class"`
}

func (f Flow) compare(g Flow) int {
	return cmp.Or(cmp.Compare(f.Kind, g.Kind), cmp.Compare(f.Caller, g.Caller), cmp.Compare(f.Name, g.Name),
		cmp.Compare(f.Model, g.Model), cmp.Compare(f.Region, g.Region), cmp.Compare(f.Class, g.Class))
}

// Seen is a flow on a day of the period, or on all days before it.
type Seen struct {
	Flow

	First, Last compliance.Instant
	// Before says that it was before the period.
	Before bool
}

// Standing is what the declaration says of a flow.
type Standing string

// A flow is declared, or why not; the first that holds.
const (
	Inside Standing = "declared"
	// NothingDeclared: there is no declaration, so nothing can be said.
	NothingDeclared Standing = "nothing_declared"
	// NotDeclared: no row has the caller with what it called.
	NotDeclared Standing = "not_declared"
	// NotThen: a row has, and holds at another time.
	NotThen           Standing = "not_declared_then"
	ModelNotDeclared  Standing = "model_not_declared"
	RegionNotDeclared Standing = "region_not_declared"
	ClassNotDeclared  Standing = "class_not_declared"
)

// Edge is a flow that was seen in a period.
type Edge struct {
	Flow

	First compliance.Instant `json:"first_seen"`
	Last  compliance.Instant `json:"last_seen"`
	// Days counts those on which it was seen.
	Days int `json:"days"`
	// New says that it was never seen before the period, as far as the record reaches.
	New bool `json:"new"`
	// Standing is declared if it was on each day.
	Standing Standing `json:"standing"`
	// OutsideFrom is the first time that it was seen outside, OutsideDays counts the days.
	OutsideFrom compliance.Instant `json:"outside_from,omitzero"`
	OutsideDays int                `json:"outside_days,omitempty"`
}

// Outside tells whether the flow left the declared boundary.
func (e *Edge) Outside() bool { return e.Standing != Inside && e.Standing != NothingDeclared }

// Compared is the observed boundary of a period beside the declared one.
type Compared struct {
	// Declared says that there is a declaration.
	Declared bool `json:"declared"`
	// Edges are what was seen, by kind, caller, name, model, region and class.
	Edges []Edge `json:"edges"`
	// Unused are rows that hold in the period and that nothing was seen of, in their order.
	Unused []Row `json:"unused"`
}

// Outside are the flows that left the boundary.
func (c *Compared) Outside() []Edge {
	return slices.DeleteFunc(slices.Clone(c.Edges), func(e Edge) bool { return !e.Outside() })
}

// Compare holds what was seen, days in the order of time, against a declaration; nil is
// none. On a day a flow is asked for at its first and its last time.
func Compare(seen []Seen, d *Declaration, from, to compliance.Instant) *Compared {
	edges := map[Flow]*Edge{}
	known := map[Flow]bool{}
	for _, s := range seen {
		if s.Before {
			known[s.Flow] = true
			continue
		}
		e := edges[s.Flow]
		if e == nil {
			e = &Edge{Flow: s.Flow, First: s.First, Standing: Inside}
			edges[s.Flow] = e
		}
		e.add(s, d)
	}
	c := &Compared{Declared: d != nil, Edges: []Edge{}, Unused: d.unused(edges, from, to)}
	for _, f := range slices.SortedFunc(maps.Keys(edges), Flow.compare) {
		edges[f].New = !known[f]
		c.Edges = append(c.Edges, *edges[f])
	}
	return c
}

func (e *Edge) add(s Seen, d *Declaration) {
	e.First, e.Last = min(e.First, s.First), max(e.Last, s.Last)
	e.Days++
	at, standing := s.First, d.standing(s.Flow, s.First)
	if standing == Inside {
		at, standing = s.Last, d.standing(s.Flow, s.Last)
	}
	if standing == Inside {
		return
	}
	if e.OutsideDays++; e.OutsideDays == 1 {
		e.Standing, e.OutsideFrom = standing, at
	}
}
