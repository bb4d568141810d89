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

	// stages are nil where no control reads what others say. Then there is one engine.
	stages     Stages
	partitions int32
	codec      *routed.Codec
	// first is the engine, if later stages want to know of it.
	first StageEngine
	// known is what they have to know first of those who send events.
	known []routed.Entity
	// later are the stages after the first, in the judge that judges these.
	later []*stage
	// dropped are keys of findings that wait no more, loaded what a stage began with.
	dropped []string
	loaded  []Change
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
	// Stages are nil if no control reads what others say.
	Stages Stages
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
	// onward is what is handed to later stages.
	onward []parcel
	// foreign counts entries for rules that this instance doesn't have.
	foreign int
}

// take judges the record at offset.
func (p *partition) take(ctx context.Context, rec routed.Record, offset int64, find Sources) (outcome, error) {
	p.head.Next = offset + 1
	if rec.Onward != nil {
		return p.onward(rec.Onward)
	}
	var out outcome
	if len(p.known) > 0 {
		p.send(0, p.id, routed.Onward{Known: p.known}, &out)
		p.known = nil
	}
	if rec.Fact != nil {
		p.fact(rec.Fact, &out)
		return out, nil
	}
	return out, p.mark(ctx, rec.Mark, find, &out)
}

func (p *partition) fact(f *routed.Fact, out *outcome) {
	l := lane{f.Lane, f.From}
	if f.Lane == 0 && p.outdated(f.Activation, f.From, f.Offset) {
		out.missing, out.outdated = []lane{l}, true
		return
	}
	switch p.head.takeFact(l, f.Offset, f.Prev) {
	case gap:
		out.missing = []lane{l}
		return
	case repeats:
		return
	case joins:
	}
	out.joined = []lane{l}
	var onward []routed.Entry
	for i := range f.Entries {
		entry := &f.Entries[i]
		if entry.Control != "" && !p.rules.Holds(entry.Control, entry.RuleHash) {
			out.foreign++
			continue
		}
		here, later := p.concerns(entry)
		if later {
			onward = append(onward, *entry)
		}
		if here {
			p.add(f, entry, out)
		}
	}
	p.handFact(f, onward, out)
}

// concerns tells whether an entry is for the engine of the first stage, and for later ones.
func (p *partition) concerns(entry *routed.Entry) (here, later bool) {
	if p.stages == nil || entry.Control == "" {
		return true, p.stages != nil
	}
	n, ok := p.stages.Of(entry.Control, entry.Key)
	return n == 0 || !ok, n > 0
}

// factFor is the event as the control of entry sees it.
func factFor(f *routed.Fact, entry *routed.Entry) *Fact {
	return &Fact{Control: entry.Control, Tenant: f.Event.Tenant, Key: entry.Key, Event: f.EventFor(entry), Preload: f.Lane}
}

func quarantinedAt(f *Fact, w compliance.Instant) record.Quarantined {
	return record.Quarantined{Tenant: f.Tenant, Control: f.Control, JoinKey: f.Key, Watermark: w, Event: compliance.EvidenceOf("", &f.Event)}
}

func (p *partition) add(f *routed.Fact, entry *routed.Entry, out *outcome) {
	fact := factFor(f, entry)
	switch p.engine.Add(fact) {
	case Admitted:
		p.head.Fresh = true
	case Quarantined:
		if entry.Control == "" && p.id != 0 {
			return // it went everywhere; one says so
		}
		out.quarantined = append(out.quarantined, quarantinedAt(fact, p.head.Watermark))
	case Duplicate:
	}
	if p.first != nil {
		p.handSaid(0, p.first, pointFrom(p.head.Watermark), out)
	}
}

func (p *partition) mark(ctx context.Context, m *routed.Mark, find Sources, out *outcome) error {
	p.head.Activation = max(p.head.Activation, m.Activation)
	if err := p.follow(ctx, m.Topology, find); err != nil {
		return err
	}
	p.passed(m, out)
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
	return nil
}

func (p *partition) advance(out *outcome) {
	if p.first != nil {
		p.step(out)
		return
	}
	out.revisions = p.engine.Advance(p.head.Watermark)
}

// outdated tells whether a record was routed by rules of before though its source had come
// to the marker of those in force: so does a release that knows no markers. Nobody knows
// what it left out.
func (p *partition) outdated(activation int, from routed.Source, offset int64) bool {
	marker, known := p.markers[from]
	return known && offset > marker && activation < p.activation
}

// say is what there is to say at a mark.
func (p *partition) say(out *outcome) {
	if p.head.Watermark != compliance.Ever && p.head.Fresh {
		p.advance(out)
		p.head.Fresh = false
	}
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
	all, err := p.laterChanges()
	if err != nil {
		return nil, err
	}
	if p.engine != nil {
		for _, c := range p.engine.Changes() {
			all = append(all, Change{append([]byte(enginePrefix), c.Key...), c.Value})
		}
	}
	return append(all, Change{[]byte(headKey), value}), nil
}
