// Package routed is the record format between router and judge.
//
// A routed partition q holds two kinds of record. A fact carries one source
// event to those controls whose join keys live on q. A mark says how far the
// router has got. Both name their place in the source log and the place before
// it, so that a reader can tell a repeat from a gap without asking anyone:
// docs/design/dataflow.md proves it.
package routed

import (
	"cmp"

	"assay.example/assay/pkg/compliance"
)

// Source is a partition of an events topic, called p in the design.
type Source struct {
	Topic     string `cbor:"1,keyasint"`
	Partition int32  `cbor:"2,keyasint"`
}

// Compare orders by topic and partition.
func (s Source) Compare(o Source) int {
	return cmp.Or(cmp.Compare(s.Topic, o.Topic), cmp.Compare(s.Partition, o.Partition))
}

// Start is the Prev of the first record of a source: before all offsets.
const Start int64 = -1

// Fact is one event for one routed partition.
type Fact struct {
	From   Source `cbor:"1,keyasint"`
	Offset int64  `cbor:"2,keyasint"`
	// Prev is the last offset of From that stands in this routed partition
	// before this record, by a fact or a mark; Start if there is none.
	Prev int64 `cbor:"3,keyasint"`
	// Activation and Router say which rules and which routing code wrote this:
	// the record is a function of the event and these two.
	Activation int     `cbor:"4,keyasint"`
	Router     int     `cbor:"5,keyasint"`
	Event      Event   `cbor:"6,keyasint"`
	Entries    []Entry `cbor:"7,keyasint"`
	// Lane is the activation that From is read for once more, up to its marker: such facts
	// have a chain of their own. 0: From is read as it comes.
	Lane int `cbor:"8,keyasint,omitempty"`
}

// Event are the attributes of the source event. Its place is the fact's.
type Event struct {
	Tenant   string             `cbor:"1,keyasint"`
	Source   string             `cbor:"2,keyasint"`
	ID       string             `cbor:"3,keyasint"`
	Type     string             `cbor:"4,keyasint"`
	Time     compliance.Instant `cbor:"5,keyasint"`
	Received compliance.Instant `cbor:"6,keyasint"`
	Sequence uint64             `cbor:"7,keyasint"`
	SHA256   []byte             `cbor:"8,keyasint"`
}

// Entry carries the event to one control under one join key.
type Entry struct {
	Control  string `cbor:"1,keyasint"`
	RuleHash string `cbor:"2,keyasint"`
	// Key is the encoded join key.
	Key string `cbor:"3,keyasint"`
	// Everywhere says that each routed partition has this entry.
	Everywhere bool `cbor:"4,keyasint"`
	// Fields are the parts of the data that the control reads: strings, bools,
	// int64, float64, nil, []any and map[string]any.
	Fields map[string]any `cbor:"5,keyasint"`
}

// Mark says that everything of its positions that concerns this routed
// partition stands before it.
type Mark struct {
	Topology   int `cbor:"1,keyasint"`
	Activation int `cbor:"2,keyasint"`
	// Positions are sorted by source, one each.
	Positions []Position `cbor:"3,keyasint"`
	// Lanes are sorted by source, one each.
	Lanes []LanePosition `cbor:"4,keyasint,omitempty"`
}

// LanePosition is how far a source has been read once more, for an activation.
type LanePosition struct {
	Lane   int    `cbor:"1,keyasint"`
	From   Source `cbor:"2,keyasint"`
	Offset int64  `cbor:"3,keyasint"`
	Prev   int64  `cbor:"4,keyasint"`
	// Whole: whatever of this time on the source had at the marker stands in its lane, or
	// will. Ever: it has all.
	Whole compliance.Instant `cbor:"5,keyasint"`
	// Done: the lane ends here.
	Done bool `cbor:"6,keyasint"`
}

// Position is how far a source is routed.
type Position struct {
	From   Source `cbor:"1,keyasint"`
	Offset int64  `cbor:"2,keyasint"`
	Prev   int64  `cbor:"3,keyasint"`
	// Watermark: the source is complete for times below it. Ever as long as
	// the source has had no clock record.
	Watermark compliance.Instant `cbor:"4,keyasint"`
}

// Record is a fact or a mark, or, in the topic of findings, what is handed on.
type Record struct {
	Fact   *Fact
	Mark   *Mark
	Onward *Onward
}

// Activation is the number of the rules that the record follows from.
func (r *Record) Activation() int {
	switch {
	case r.Fact != nil:
		return r.Fact.Activation
	case r.Mark != nil:
		return r.Mark.Activation
	case r.Onward != nil:
		return r.Onward.Activation
	}
	return 0
}

// EventOf copies the attributes of ev.
func EventOf(ev *compliance.Event) Event {
	return Event{
		Tenant: ev.Tenant, Source: ev.Source, ID: ev.ID, Type: ev.Type,
		Time: ev.Time, Received: ev.Received, Sequence: ev.Sequence,
		SHA256: ev.Ref.SHA256[:],
	}
}

// EventFor is the event as the control of entry sees it.
func (f *Fact) EventFor(entry *Entry) compliance.Event {
	ev := compliance.Event{
		Tenant: f.Event.Tenant, Source: f.Event.Source, ID: f.Event.ID, Type: f.Event.Type,
		Time: f.Event.Time, Received: f.Event.Received, Sequence: f.Event.Sequence,
		Data: entry.Fields,
		Ref:  compliance.Ref{Topic: f.From.Topic, Partition: f.From.Partition, Offset: f.Offset},
	}
	copy(ev.Ref.SHA256[:], f.Event.SHA256)
	return ev
}
