// Package rules shows a bundle of controls to the parts of the evaluator, each in
// the words of its own interface.
package rules

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
	"assay.example/assay/services/evaluator/internal/router"
)

// Rules are what the parts need of a bundle.
type Rules struct {
	// Hash names the bundle.
	Hash   string
	Routes router.Rules
	Holds  judge.Rules
	Words  publisher.Controls
	// NewEngine is the product's engine for one routed partition of so many.
	NewEngine func(partition, partitions int32) judge.Engine
	// Stages are nil if no control reads what others say.
	Stages judge.Stages
}

// Of shows b.
func Of(b *control.Bundle) Rules {
	r := Rules{
		Hash: b.Hash, Routes: b, Holds: bundle{b}, Words: bundle{b},
		NewEngine: func(partition, partitions int32) judge.Engine {
			return machine{engine.New(b, partition, partitions)}
		},
	}
	if b.Stages() > 1 {
		r.Stages = stages{b}
	}
	return r
}

type bundle struct{ *control.Bundle }

// Holds as judge.Rules.
func (b bundle) Holds(id, ruleHash string) bool {
	c := b.Control(id)
	return c != nil && c.RouteHash() == ruleHash
}

// Describe as publisher.Controls.
func (b bundle) Describe(id string) (publisher.Words, bool) {
	c := b.Control(id)
	if c == nil {
		return publisher.Words{}, false
	}
	return publisher.Words{Title: c.Title, Severity: c.Severity, Criteria: c.Criteria}, true
}

// machine is the product's engine, in the judge's words.
type machine struct{ engine *engine.Engine }

func (m machine) Load(c judge.Change) error { return m.engine.Load(engine.Change(c)) }

func (m machine) Add(f *judge.Fact) judge.Admission {
	return judge.Admission(m.engine.Add((*engine.Fact)(f)))
}

func (m machine) Advance(w compliance.Instant) []compliance.Revision { return m.engine.Advance(w) }

func (m machine) Restate(all []judge.Restated) []compliance.Revision {
	list := make([]engine.Restated, len(all))
	for i, r := range all {
		list[i] = engine.Restated(r)
	}
	return m.engine.Restate(list)
}

func (m machine) Changes() []judge.Change {
	changes := m.engine.Changes()
	all := make([]judge.Change, len(changes))
	for i, c := range changes {
		all[i] = judge.Change(c)
	}
	return all
}
