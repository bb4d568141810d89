package judge

import (
	"fmt"
	"maps"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/routed"
)

// head is what the judge itself knows of a routed partition. It is written with
// each transaction, beside the engine's changes, under one key.
type head struct {
	// Next is the offset of the routed partition at which to read on. It equals
	// the group's commit, which the same transaction makes.
	Next int64
	// Sources is how far each source has come.
	Sources map[routed.Source]progress
	// Topology is the highest set of sources that a mark named, Activation the
	// highest rules.
	Topology   int
	Activation int
	// Watermark is the engine's; Ever until every source has spoken.
	Watermark compliance.Instant
	// Fresh: facts came since the engine last advanced.
	Fresh bool
	// Lanes is how far sources have been read once more, for activations whose past isn't
	// whole yet. Read has the others: from when on.
	Lanes map[lane]laneProgress
	Read  Read
	// Senders count what each stage has handed to later ones, Later is how far these are;
	// there are none where no control reads what others say.
	Senders map[int]*sender
	Later   map[int]*stageHead
}

// progress of a source in a routed partition.
type progress struct {
	// Hi: all that the source has for this partition up to here was taken.
	Hi int64
	// Watermark: the source is complete for times below it.
	Watermark compliance.Instant
}

func newHead() head {
	return head{Sources: make(map[routed.Source]progress), Watermark: compliance.Ever, Lanes: make(map[lane]laneProgress), Read: make(Read)}
}

// Keys of the changelog: the head, and the engine's own behind a letter.
const (
	headKey      = "h"
	enginePrefix = "e"
	queuePrefix  = "q"
	// laterPrefix begins all that the judge of later stages keeps beside.
	laterPrefix = "l"
)

// headRecord is how a head stands in Kafka: CBOR with integer keys, sorted.
type headRecord struct {
	Version    int                `cbor:"0,keyasint"`
	Next       int64              `cbor:"1,keyasint"`
	Topology   int                `cbor:"2,keyasint"`
	Activation int                `cbor:"3,keyasint"`
	Watermark  compliance.Instant `cbor:"4,keyasint"`
	Fresh      bool               `cbor:"5,keyasint"`
	Sources    []sourceRecord     `cbor:"6,keyasint"`
	Lanes      []laneRecord       `cbor:"9,keyasint,omitempty"`
	Read       []readRecord       `cbor:"10,keyasint,omitempty"`
	Senders    map[int]*sender    `cbor:"7,keyasint,omitempty"`
	Later      map[int]*stageHead `cbor:"8,keyasint,omitempty"`
}

type sourceRecord struct {
	From      routed.Source      `cbor:"1,keyasint"`
	Hi        int64              `cbor:"2,keyasint"`
	Watermark compliance.Instant `cbor:"3,keyasint"`
}

const headVersion = 1

// headEncoding sorts what is a map.
var headEncoding = func() cbor.EncMode {
	mode, err := cbor.EncOptions{Sort: cbor.SortCoreDeterministic}.EncMode()
	if err != nil {
		panic("judge: the options of CBOR are valid: " + err.Error())
	}
	return mode
}()

func (h *head) encode() ([]byte, error) {
	rec := headRecord{
		Version: headVersion, Next: h.Next, Topology: h.Topology, Activation: h.Activation,
		Watermark: h.Watermark, Fresh: h.Fresh, Senders: h.Senders, Later: h.Later,
	}
	for _, from := range slices.SortedFunc(maps.Keys(h.Sources), routed.Source.Compare) {
		p := h.Sources[from]
		rec.Sources = append(rec.Sources, sourceRecord{from, p.Hi, p.Watermark})
	}
	rec.Lanes, rec.Read = h.storeLanes()
	value, err := headEncoding.Marshal(rec)
	if err != nil {
		return nil, fmt.Errorf("encoding a head: %w", err)
	}
	return value, nil
}

func decodeHead(value []byte) (head, error) {
	var rec headRecord
	if err := cbor.Unmarshal(value, &rec); err != nil {
		return head{}, fmt.Errorf("decoding a head: %w", err)
	}
	if rec.Version != headVersion {
		return head{}, fmt.Errorf("decoding a head: it has version %d, this program reads %d", rec.Version, headVersion)
	}
	h := newHead()
	h.Next, h.Topology, h.Activation, h.Watermark, h.Fresh = rec.Next, rec.Topology, rec.Activation, rec.Watermark, rec.Fresh
	h.Senders, h.Later = rec.Senders, rec.Later
	for _, s := range rec.Sources {
		h.Sources[s.From] = progress{s.Hi, s.Watermark}
	}
	h.loadLanes(&rec)
	return h, nil
}

// link says how a record joins on to what was taken of its source.
type link int

const (
	joins link = iota
	// repeats: it was taken before.
	repeats
	// gap: something before it is missing.
	gap
)

// take joins a record of a source on, if it does.
func (h *head) take(from routed.Source, offset, prev int64) link {
	p, known := h.Sources[from]
	if !known {
		p = progress{Hi: routed.Start, Watermark: compliance.Ever}
	}
	switch {
	case prev > p.Hi:
		return gap
	case offset <= p.Hi:
		return repeats
	}
	p.Hi = offset
	h.Sources[from] = p
	return joins
}

// raise moves the watermark of a source that joined on or repeated; it never falls.
func (h *head) raise(from routed.Source, w compliance.Instant) {
	p := h.Sources[from]
	p.Watermark = max(p.Watermark, w)
	h.Sources[from] = p
}

// advance raises the watermark to the least of its sources'. It stays where it
// is as long as one of them hasn't spoken.
func (h *head) advance(sources []routed.Source) (moved bool) {
	if len(sources) == 0 {
		return false
	}
	least := compliance.Never
	for _, from := range sources {
		p, ok := h.Sources[from]
		if !ok || p.Watermark == compliance.Ever {
			return false
		}
		least = min(least, p.Watermark)
	}
	moved = least > h.Watermark
	h.Watermark = max(h.Watermark, least)
	return moved
}

// hi is how far a source was taken.
func (h *head) hi(l lane) int64 {
	if p, ok := h.Lanes[l]; ok {
		return p.Hi
	}
	if p, ok := h.Sources[l.from]; ok && l.activation == 0 {
		return p.Hi
	}
	return routed.Start
}
