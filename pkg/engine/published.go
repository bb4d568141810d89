package engine

import (
	"reflect"

	"assay.example/assay/pkg/compliance"
)

var mapType = reflect.TypeFor[map[string]any]()

// storedPublished is what was last said of an item, as the changelog keeps it.
type storedPublished struct {
	Revision   int              `cbor:"1,keyasint"`
	ItemID     string           `cbor:"2,keyasint"`
	ItemTime   int64            `cbor:"3,keyasint"`
	Outcome    string           `cbor:"4,keyasint"`
	Reason     string           `cbor:"5,keyasint,omitempty"`
	Due        int64            `cbor:"6,keyasint"`
	Remediated int64            `cbor:"7,keyasint,omitempty"`
	Evidence   []storedEvidence `cbor:"8,keyasint,omitempty"`
	Ended      bool             `cbor:"9,keyasint,omitempty"`
	Free       bool             `cbor:"10,keyasint,omitempty"`
}

type storedEvidence struct {
	Expectation string     `cbor:"1,keyasint"`
	Fact        storedFact `cbor:"2,keyasint"`
}

func storePublished(p *published) storedPublished {
	v := &p.Verdict
	s := storedPublished{
		Revision: p.Revision, ItemID: v.Item.ID, ItemTime: int64(v.Item.Time), Outcome: string(v.Outcome),
		Reason: v.Reason, Due: int64(v.Due), Remediated: int64(v.RemediatedAt), Free: p.Free,
	}
	for i := range v.Evidence {
		e := &v.Evidence[i]
		s.Evidence = append(s.Evidence, storedEvidence{e.Expectation, storedFact{
			Source: e.Source, ID: e.ID, Type: e.Type, Time: int64(e.Time),
			Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, SHA256: e.SHA256[:],
		}})
	}
	return s
}

func (s *storedPublished) published() *published {
	v := compliance.Verdict{
		Item:    compliance.Item{ID: s.ItemID, Time: compliance.Instant(s.ItemTime)},
		Outcome: compliance.Outcome(s.Outcome), Reason: s.Reason,
		Due: compliance.Instant(s.Due), RemediatedAt: compliance.Instant(s.Remediated),
	}
	for i := range s.Evidence {
		ev := s.Evidence[i].Fact.event("")
		v.Evidence = append(v.Evidence, compliance.EvidenceOf(s.Evidence[i].Expectation, &ev))
	}
	return &published{Revision: s.Revision, Verdict: v, Free: s.Free}
}
