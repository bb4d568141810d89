package judge

import (
	"context"
	"fmt"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/routed"
)

// partition judges one routed partition. It does no I/O: what comes out is a
// function of the records that go in, whatever the batches.
type partition struct {
	id     int32
	head   head
	engine Engine
	rules  Rules
	// sources is the set that head.Topology names.
	sources []routed.Source
	// awaits are the sources that are read once more, by activation.
	awaits map[int][]routed.Source
	// activation is of the rules that this instance has, and markers where each source came to them.
	activation int
	markers    map[routed.Source]int64
}

// Rules says which entries an engine may take. One that names no control
// concerns all of them.
type Rules interface {
	// Holds says whether the control has this meaning here.
	Holds(control, ruleHash string) bool
}

// Sources finds the source partitions of a topology. It waits for one that the
// control topic is about to show.
type Sources func(ctx context.Context, topology int) ([]routed.Source, error)

// Regime are the rules of one activation, as far as the judge needs them.
type Regime struct {
	NewEngine func(partition, partitions int32) Engine
	Rules     Rules
	// Markers are where each source came to the activation.
	Markers map[routed.Source]int64
	// Awaits are the sources that are read once more for this activation and those before.
	Awaits map[int][]routed.Source
	// Restated is what a replay says of items whose state has ended, if the activation
	// restates.
	Restated []Restated
}

// Later finds the regime of an activation in a routed partition, given which of the past
// has been read there.
type Later func(ctx context.Context, activation int, read Read) (Regime, error)

// outcome is what one record led to.
type outcome struct {
	revisions   []compliance.Revision
	quarantined []record.Quarantined
	// missing are the sources of which records are missing before this one.
	missing []lane
	// joined are the sources that this record joined on.
	joined []lane
	// outdated: what is missing was routed by rules that its source had left behind.
	outdated bool
	// read: the past of an activation is whole now.
	read bool
	// foreign counts entries for rules that this instance doesn't have.
	foreign int
}

// take judges the record at offset.
func (p *partition) take(ctx context.Context, rec routed.Record, offset int64, find Sources) (outcome, error) {
	p.head.Next = offset + 1
	if rec.Fact != nil {
		return p.fact(rec.Fact), nil
	}
	return p.mark(ctx, rec.Mark, find)
}

func (p *partition) fact(f *routed.Fact) outcome {
	l := lane{f.Lane, f.From}
	if f.Lane == 0 && p.outdated(f.Activation, f.From, f.Offset) {
		return outcome{missing: []lane{l}, outdated: true}
	}
	switch p.head.takeFact(l, f.Offset, f.Prev) {
	case gap:
		return outcome{missing: []lane{l}}
	case repeats:
		return outcome{}
	case joins:
	}
	out := outcome{joined: []lane{l}}
	for i := range f.Entries {
		p.add(f, &f.Entries[i], &out)
	}
	return out
}

func (p *partition) add(f *routed.Fact, entry *routed.Entry, out *outcome) {
	if entry.Control != "" && !p.rules.Holds(entry.Control, entry.RuleHash) {
		out.foreign++
		return
	}
	fact := &Fact{Control: entry.Control, Tenant: f.Event.Tenant, Key: entry.Key, Event: f.EventFor(entry), Preload: f.Lane}
	switch p.engine.Add(fact) {
	case Admitted:
		p.head.Fresh = true
	case Quarantined:
		if entry.Control == "" && p.id != 0 {
			return // it went everywhere; one says so
		}
		out.quarantined = append(out.quarantined, record.Quarantined{
			Tenant: fact.Tenant, Control: fact.Control, JoinKey: fact.Key,
			Watermark: p.head.Watermark, Event: compliance.EvidenceOf("", &fact.Event),
		})
	case Duplicate:
	}
}

func (p *partition) mark(ctx context.Context, m *routed.Mark, find Sources) (outcome, error) {
	p.head.Activation = max(p.head.Activation, m.Activation)
	if err := p.follow(ctx, m.Topology, find); err != nil {
		return outcome{}, err
	}
	var out outcome
	p.passed(m, &out)
	for _, pos := range m.Positions {
		outdated := p.outdated(m.Activation, pos.From, pos.Offset)
		out.outdated = out.outdated || outdated
		if outdated || p.head.take(pos.From, pos.Offset, pos.Prev) == gap {
			out.missing = append(out.missing, lane{from: pos.From})
			continue
		}
		p.head.raise(pos.From, pos.Watermark)
		out.joined = append(out.joined, lane{from: pos.From})
	}
	if p.head.advance(p.sources) {
		p.head.Fresh = true
	}
	return out, nil
}

// outdated tells whether a record was routed by rules of before though its source had come
// to the marker of those in force: so does a release that knows no markers. Nobody knows
// what it left out.
func (p *partition) outdated(activation int, from routed.Source, offset int64) bool {
	marker, known := p.markers[from]
	return known && offset > marker && activation < p.activation
}

// say is what there is to say at a mark.
func (p *partition) say() (revisions []compliance.Revision) {
	if p.head.Watermark != compliance.Ever && p.head.Fresh {
		revisions = p.engine.Advance(p.head.Watermark)
		p.head.Fresh = false
	}
	return revisions
}

// follow switches to a higher topology.
func (p *partition) follow(ctx context.Context, topology int, find Sources) error {
	if topology <= p.head.Topology && p.sources != nil {
		return nil
	}
	topology = max(topology, p.head.Topology)
	sources, err := find(ctx, topology)
	if err != nil {
		return fmt.Errorf("finding the sources of topology %d: %w", topology, err)
	}
	p.head.Topology, p.sources = topology, sources
	return nil
}

// changes are the records that bring the changelog up to this state.
func (p *partition) changes() ([]Change, error) {
	value, err := p.head.encode()
	if err != nil {
		return nil, err
	}
	var all []Change
	for _, c := range p.engine.Changes() {
		all = append(all, Change{append([]byte(enginePrefix), c.Key...), c.Value})
	}
	return append(all, Change{[]byte(headKey), value}), nil
}
