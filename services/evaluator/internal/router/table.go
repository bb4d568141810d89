package router

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/consume"
	"assay.example/assay/services/evaluator/internal/routed"
)

// table is the router's knowledge: one chain for each source partition that it
// owns. It does no I/O and reads no clock.
type table struct {
	cfg Config
	// rules are those of each activation that a source has come to.
	rules map[int]Rules
	// pasts are what each of them wants of the events before it; nil if nothing.
	pasts      map[int]Past
	types      *dictionary.Dictionary
	codec      *routed.Codec
	partitions int32
	chains     map[routed.Source]*chain
}

// chain is the state of one source partition.
type chain struct {
	from routed.Source
	// at is the last offset read, covered the last that stands in each routed
	// partition, by a fact or a mark.
	at      int64
	covered []int64
	// clock is the highest clock record so far; Ever before the first.
	clock compliance.Instant
	// activation is of the rules that route it now, marker the place of their marker.
	activation int
	marker     int64
	// lanes are the activations that the source is still to be read for once more.
	lanes []*lane
	// markedAt and markedClock are at and clock as of the last mark.
	markedAt    int64
	markedClock compliance.Instant
}

// output is a record for a routed partition.
type output struct {
	partition int32
	value     []byte
}

// step is what follows from one source record.
type step struct {
	facts    []output
	rejected *record.Rejected
	// markDue: the log's clock has moved by MarkEvery since the last mark.
	markDue bool
}

func newTable(cfg Config, rules Rules, types *dictionary.Dictionary, codec *routed.Codec, partitions int32) *table {
	return &table{cfg: cfg, rules: map[int]Rules{cfg.Activation: rules}, pasts: map[int]Past{}, types: types, codec: codec, partitions: partitions, chains: make(map[routed.Source]*chain)}
}

// assign follows the group. A partition begins at its commit: all before it is
// covered by marks that are acknowledged, so the chain goes on from there.
func (t *table) assign(changes []consume.Change) {
	for _, c := range changes {
		from := routed.Source{Topic: c.Topic, Partition: c.ID}
		if c.Taken {
			delete(t.chains, from)
			continue
		}
		t.chains[from] = t.newChain(from, c.Committed, routed.ParseCommit(c.Metadata))
	}
}

func (t *table) newChain(from routed.Source, committed int64, known routed.Commit) *chain {
	at := max(committed-1, routed.Start)
	c := &chain{
		from: from, at: at, covered: slices.Repeat([]int64{at}, int(t.partitions)),
		clock: known.Clock, markedAt: at, markedClock: known.Clock,
		activation: t.cfg.Activation, marker: routed.Start,
	}
	if known.Activation > c.activation {
		c.activation, c.marker = known.Activation, known.Marker
	}
	for _, l := range known.Lanes {
		c.lanes = append(c.lanes, newLane(l, t.partitions))
	}
	return c
}

// needs is the activation whose rules are to be known before a record is taken, if they
// aren't.
func (t *table) needs(r *kgo.Record) (activation int, needed bool) {
	c := t.chains[routed.Source{Topic: r.Topic, Partition: r.Partition}]
	if c == nil {
		return 0, false
	}
	n, _ := record.DecodeMarker(r)
	n = max(n, c.activation)
	return n, t.rules[n] == nil
}

// take reads one record, in the order of its partition.
func (t *table) take(r *kgo.Record) (step, error) {
	c, ok := t.chains[routed.Source{Topic: r.Topic, Partition: r.Partition}]
	if !ok || r.Offset <= c.at {
		return step{}, fmt.Errorf("routing %s/%d offset %d: the group did not give it to this router", r.Topic, r.Partition, r.Offset)
	}
	c.at = r.Offset
	if n, ok := record.DecodeMarker(r); ok {
		if n > c.activation {
			c.activation, c.marker = n, r.Offset
			if t.pasts[n] != nil {
				c.lanes = append(c.lanes, newLane(routed.Lane{
					Activation: n, Marker: r.Offset, Next: routed.Start, Clock: compliance.Ever, Whole: compliance.Ever,
				}, t.partitions))
			}
		}
		return step{}, nil
	}
	if now, ok := record.DecodeClock(r); ok {
		c.clock = max(c.clock, now)
		return step{markDue: c.moved(t.cfg.MarkEvery)}, nil
	}
	ev, refusal := t.check(r, t.rules[c.activation], c.clock)
	if refusal != nil {
		return step{rejected: refusal}, nil
	}
	if ev == nil {
		return step{}, nil
	}
	facts, err := t.encode(&factOf{from: c.from, offset: r.Offset, covered: c.covered, activation: c.activation}, t.rules[c.activation], ev)
	if err != nil {
		return step{}, err
	}
	if tooLarge := t.oversized(facts); tooLarge > 0 {
		return step{rejected: reject(r, ev, record.RejectedTooLarge, fmt.Sprintf(
			"the fields that controls read of it take %d bytes, more than the %d that can be routed", tooLarge, t.cfg.MaxRecord))}, nil
	}
	for _, f := range facts {
		c.covered[f.partition] = r.Offset
	}
	return step{facts: facts}, nil
}

// moved says whether the log's clock has gone on by every since the last mark.
func (c *chain) moved(every time.Duration) bool {
	if c.markedClock == compliance.Ever {
		return true
	}
	return c.clock.Sub(c.markedClock) >= every
}

// factOf is the place of a fact in a chain.
type factOf struct {
	from             routed.Source
	offset           int64
	covered          []int64
	activation, lane int
}

// encode makes the facts of ev, one for each routed partition that has a control for it.
func (t *table) encode(of *factOf, rules Rules, ev *compliance.Event) ([]output, error) {
	entries := make(map[int32][]routed.Entry)
	for _, route := range rules.Route(ev) {
		e := routed.Entry(route)
		if !route.Everywhere {
			q := control.Partition(ev.Tenant, route.Control, route.Key, t.partitions)
			entries[q] = append(entries[q], e)
			continue
		}
		for q := range t.partitions {
			entries[q] = append(entries[q], e)
		}
	}
	outs := make([]output, 0, len(entries))
	for _, q := range slices.Sorted(maps.Keys(entries)) {
		value, err := t.codec.Fact(&routed.Fact{
			From: of.from, Offset: of.offset, Prev: of.covered[q],
			Activation: of.activation, Router: Version, Lane: of.lane,
			Event: routed.EventOf(ev), Entries: entries[q],
		})
		if err != nil {
			return nil, err
		}
		outs = append(outs, output{q, value})
	}
	return outs, nil
}

// oversized is the size of a fact that is too large, 0 without one.
func (t *table) oversized(facts []output) int {
	for _, f := range facts {
		if len(f.value) > t.cfg.MaxRecord {
			return len(f.value)
		}
	}
	return 0
}

// position is what a mark covers of a source, to be committed when it is acknowledged.
type position struct {
	from   routed.Source
	offset int64
	commit routed.Commit
}

// marks are the records that say how far each source is, one for each routed
// partition; none if nothing moved since the last.
func (t *table) marks(topology int) ([]output, []position, error) {
	moved, lanes := t.movedChains(), t.movedLanes()
	if len(moved) == 0 && len(lanes) == 0 {
		return nil, nil, nil
	}
	outs := make([]output, 0, t.partitions)
	for q := range t.partitions {
		mark := &routed.Mark{Topology: topology, Lanes: t.laneMarks(q, lanes)}
		for _, l := range mark.Lanes {
			mark.Activation = max(mark.Activation, l.Lane)
		}
		for _, c := range moved {
			mark.Activation = max(mark.Activation, c.activation)
			mark.Positions = append(mark.Positions, routed.Position{
				From: c.from, Offset: c.at, Prev: c.covered[q], Watermark: c.clock.Add(-t.cfg.Bound),
			})
			c.covered[q] = c.at
		}
		value, err := t.codec.Mark(mark)
		if err != nil {
			return nil, nil, err
		}
		outs = append(outs, output{q, value})
	}
	for _, c := range lanes {
		c.laneMarked()
		if !slices.Contains(moved, c) {
			moved = append(moved, c)
		}
	}
	positions := make([]position, 0, len(moved))
	for _, c := range moved {
		c.markedAt, c.markedClock = c.at, c.clock
		positions = append(positions, position{c.from, c.at, c.commit()})
	}
	return outs, positions, nil
}

// resting are the positions of sources that have been marked as far as they were read.
func (t *table) resting() (positions []position) {
	for _, c := range t.chains {
		if c.at == c.markedAt && c.at != routed.Start {
			positions = append(positions, position{c.from, c.at, c.commit()})
		}
	}
	return positions
}

// commit is what a successor has to know.
func (c *chain) commit() routed.Commit {
	known := routed.Commit{Clock: c.clock, Marker: c.marker}
	if c.marker != routed.Start {
		known.Activation = c.activation
	}
	for _, l := range c.lanes {
		known.Lanes = append(known.Lanes, l.Lane)
	}
	return known
}

// movedChains lists, by source, those that have read something since the last mark.
func (t *table) movedChains() []*chain {
	var moved []*chain
	for _, c := range t.chains {
		if c.at > c.markedAt {
			moved = append(moved, c)
		}
	}
	return byPlace(moved)
}

func byPlace(chains []*chain) []*chain {
	slices.SortFunc(chains, func(a, b *chain) int { return a.from.Compare(b.from) })
	return chains
}
