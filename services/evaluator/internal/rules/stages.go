package rules

import (
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/services/evaluator/internal/judge"
)

// stages are a bundle's, as judge.Stages.
type stages struct{ *control.Bundle }

func (s stages) Count() int { return s.Stages() }

func (s stages) Of(id, key string) (stage int, ok bool) { return engine.StageOf(s.Bundle, id, key) }

func (s stages) New(stage int, partition, partitions int32) judge.StageEngine {
	return machine{engine.NewStage(s.Bundle, stage, partition, partitions)}
}

func (stages) OfSenders(key []byte) bool { return engine.OfSenders(key) }

func (m machine) Due() compliance.Instant { return m.engine.Due() }

func (m machine) Said() []judge.Said {
	said := m.engine.Said()
	all := make([]judge.Said, len(said))
	for i := range said {
		s := &said[i]
		all[i] = judge.Said{Control: s.Control, Tenant: s.Tenant, Key: s.Key, By: s.By, Hop: s.Hop, Verdicts: s.Encode()}
	}
	return all
}

func (m machine) AddSaid(s judge.Said) error {
	said := engine.Said{Control: s.Control, Tenant: s.Tenant, Key: s.Key, By: s.By, Hop: s.Hop}
	if err := said.Decode(s.Verdicts); err != nil {
		return err
	}
	m.engine.AddSaid(&said)
	return nil
}
