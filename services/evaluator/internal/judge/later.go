package judge

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/routed"
)

// stage is one of the later ones in a partition.
type stage struct {
	number int
	engine StageEngine
	// queue are the findings that the watermark hasn't reached, in the order of taking.
	queue []*waiting
}

// stageHead is what the judge knows of a stage beside its engine.
type stageHead struct {
	Watermark compliance.Instant `cbor:"1,keyasint"`
	// Fresh: facts came since the engine last advanced.
	Fresh bool `cbor:"2,keyasint"`
}

// waiting is a finding that is taken later.
type waiting struct {
	what *routed.Onward
	// kept: the changelog has it.
	kept bool
}

func (w *waiting) compare(o *waiting) int {
	return cmp.Or(cmp.Compare(w.what.Finding.At, o.what.Finding.At), w.what.From.Compare(o.what.From), cmp.Compare(w.what.Offset, o.what.Offset))
}

func (w *waiting) key() string {
	return queuePrefix + w.what.From.Topic + "/" + strconv.Itoa(int(w.what.From.Partition)) + "/" + strconv.FormatInt(w.what.Offset, 10)
}

// onward takes what an earlier stage has handed on.
func (p *partition) onward(o *routed.Onward) (outcome, error) {
	p.head.Activation = max(p.head.Activation, o.Activation)
	switch hi := p.head.hi(lane{from: o.From}); p.head.take(o.From, o.Offset, o.Prev) {
	case gap:
		return outcome{}, compliance.Errorf(compliance.Conflict,
			"partition %d of the findings misses what %s of routed partition %d handed on after number %d, which is lost; stop the evaluators and rebuild from the events (docs/design/dataflow.md, \"Rebuild\")",
			p.id, o.From.Topic, o.From.Partition, hi)
	case repeats:
		return outcome{}, nil
	case joins:
	}
	var out outcome
	var err error
	switch {
	case o.Fact != nil:
		p.laterFact(o.Fact, &out)
	case o.Finding != nil:
		p.enqueue(&waiting{what: o})
	case o.Known != nil:
		err = p.laterKnown(o.Known)
	case o.Watermark != nil:
		p.head.raise(o.From, *o.Watermark)
		err = p.laterMark(&out)
	}
	return out, err
}

func (p *partition) laterFact(f *routed.Fact, out *outcome) {
	for i := range f.Entries {
		entry := &f.Entries[i]
		if entry.Control == "" {
			for _, s := range p.later {
				p.laterAdd(s, f, entry, out)
			}
			continue
		}
		if s := p.stageFor(entry.Control, entry.Key); s != nil && p.rules.Holds(entry.Control, entry.RuleHash) {
			p.laterAdd(s, f, entry, out)
		}
	}
}

// laterAdd gives an event to a stage, and hands on what follows at once.
func (p *partition) laterAdd(s *stage, f *routed.Fact, entry *routed.Entry, out *outcome) {
	h := p.stageHead(s.number)
	fact := factFor(f, entry)
	switch s.engine.Add(fact) {
	case Admitted:
		h.Fresh = true
	case Quarantined:
		if entry.Control != "" { // else the first stage has said so
			out.quarantined = append(out.quarantined, quarantinedAt(fact, h.Watermark))
		}
	case Duplicate:
	}
	p.handSaid(s.number, s.engine, pointFrom(h.Watermark), out)
}

// stageFor is the stage that takes what is for a key of a control; nil if none does any more.
func (p *partition) stageFor(id, key string) *stage {
	if p.stages == nil {
		return nil
	}
	n, ok := p.stages.Of(id, key)
	if !ok || n < 1 || n > len(p.later) {
		return nil
	}
	return p.later[n-1]
}

func (p *partition) stageHead(n int) *stageHead {
	if p.head.Later == nil {
		p.head.Later = map[int]*stageHead{}
	}
	if p.head.Later[n] == nil {
		p.head.Later[n] = &stageHead{Watermark: compliance.Ever}
	}
	return p.head.Later[n]
}

func (p *partition) enqueue(w *waiting) {
	s := p.stageFor(w.what.Finding.Control, w.what.Finding.Key)
	if s == nil {
		return // of a control that there isn't any more
	}
	i, _ := slices.BinarySearchFunc(s.queue, w, (*waiting).compare)
	s.queue = slices.Insert(s.queue, i, w)
}

// laterMark moves each stage to the least watermark of those before it, in all partitions.
func (p *partition) laterMark(out *outcome) error {
	for _, s := range p.later {
		to, spoken := p.reached(s.number)
		if !spoken {
			return nil
		}
		h := p.stageHead(s.number)
		if to <= h.Watermark && !h.Fresh && (len(s.queue) == 0 || s.queue[0].what.Finding.At > h.Watermark) {
			continue
		}
		if err := p.laterStep(s, max(to, h.Watermark), out); err != nil {
			return err
		}
	}
	return nil
}

// reached is the least watermark of the stages before n; spoken is false as long as a
// partition hasn't told its own.
func (p *partition) reached(n int) (least compliance.Instant, spoken bool) {
	least = compliance.Never
	for before := range n {
		for q := range p.partitions {
			from, ok := p.head.Sources[routed.OfStage(before, q)]
			if !ok || from.Watermark == compliance.Ever {
				return compliance.Ever, false
			}
			least = min(least, from.Watermark)
		}
	}
	return least, true
}

// laterStep moves a stage by each point at which it has something to say, or is told.
func (p *partition) laterStep(s *stage, to compliance.Instant, out *outcome) error {
	h := p.stageHead(s.number)
	if err := p.takeQueue(s, h.Watermark); err != nil { // what came late
		return err
	}
	for {
		at := min(to, pointAfter(s.engine.Due()))
		if len(s.queue) > 0 {
			at = min(at, s.queue[0].what.Finding.At)
		}
		if err := p.takeQueue(s, at); err != nil {
			return err
		}
		h.Watermark = at
		out.revisions = append(out.revisions, s.engine.Advance(at)...)
		p.handSaid(s.number, s.engine, at, out)
		if at == to {
			break
		}
	}
	h.Fresh = false
	if s.number < len(p.later) {
		p.handMark(s.number, to, out)
	}
	return nil
}

// takeQueue gives a stage the findings that hold at a point.
func (p *partition) takeQueue(s *stage, at compliance.Instant) error {
	for len(s.queue) > 0 && s.queue[0].what.Finding.At <= at {
		w := s.queue[0]
		s.queue = s.queue[1:]
		if w.kept {
			p.dropped = append(p.dropped, w.key())
		}
		f := w.what.Finding
		if err := s.engine.AddSaid(Said{Control: f.Control, Tenant: f.Tenant, Key: f.Key, By: f.By, Hop: f.Hop, Verdicts: f.Said}); err != nil {
			return fmt.Errorf("taking what %s of partition %d found: %w", w.what.From.Topic, w.what.From.Partition, err)
		}
	}
	return nil
}

// laterKnown gives a stage that begins what is known of those who send events.
func (p *partition) laterKnown(known []routed.Entity) error {
	for _, s := range p.later {
		if p.stageHead(s.number).Watermark != compliance.Ever {
			continue // it has heard of them itself
		}
		for _, k := range known {
			if err := s.engine.Load(Change(k)); err != nil {
				return err
			}
			p.loaded = append(p.loaded, Change{[]byte(stageKey(s.number, k.Key)), k.Value})
		}
	}
	return nil
}

// laterChanges are the records of the queues and engines since the last call.
func (p *partition) laterChanges() (all []Change, err error) {
	all, p.loaded = append(all, p.loaded...), nil
	for _, key := range p.dropped {
		all = append(all, Change{Key: []byte(key)})
	}
	p.dropped = nil
	for _, s := range p.later {
		for _, w := range s.queue {
			if w.kept {
				continue
			}
			value, err := p.codec.Onward(w.what)
			if err != nil {
				return nil, err
			}
			w.kept = true
			all = append(all, Change{[]byte(w.key()), value})
		}
		for _, c := range s.engine.Changes() {
			all = append(all, Change{[]byte(stageKey(s.number, c.Key)), c.Value})
		}
	}
	return all, nil
}

var errNoFinding = errors.New("it is none")

// stageKey is the key of a record of a stage's engine.
func stageKey(n int, key []byte) string { return enginePrefix + strconv.Itoa(n) + ":" + string(key) }

// loadLater takes a record of an engine or a queue.
func (p *partition) loadLater(key string, value []byte) error {
	if strings.HasPrefix(key, queuePrefix) {
		rec, err := p.codec.Decode(value)
		if err != nil || rec.Onward == nil || rec.Onward.Finding == nil {
			return fmt.Errorf("reading a finding that waits: %w", cmp.Or(err, errNoFinding))
		}
		p.enqueue(&waiting{what: rec.Onward, kept: true})
		return nil
	}
	number, own, _ := bytes.Cut([]byte(key[len(enginePrefix):]), []byte(":"))
	n, err := strconv.Atoi(string(number))
	if err != nil {
		return fmt.Errorf("key %q names no stage", key)
	}
	if n > len(p.later) {
		return nil // these rules have no such stage
	}
	return p.later[n-1].engine.Load(Change{own, value})
}
