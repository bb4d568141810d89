package evaluator

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/publisher"
)

// rulesOf shows a bundle to the parts.
func rulesOf(b *control.Bundle) rules {
	return rules{
		hash: b.Hash, routes: b, holds: bundle{b}, words: bundle{b},
		newEngine: func(partition, partitions int32) judge.Engine {
			return machine{engine.New(b, partition, partitions)}
		},
	}
}

type bundle struct{ *control.Bundle }

// Holds as judge.Rules.
func (b bundle) Holds(id, ruleHash string) bool {
	c := b.Control(id)
	return c != nil && c.Hash == ruleHash
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

func (m machine) Changes() []judge.Change {
	changes := m.engine.Changes()
	all := make([]judge.Change, len(changes))
	for i, c := range changes {
		all[i] = judge.Change(c)
	}
	return all
}
