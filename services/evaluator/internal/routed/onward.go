package routed

import (
	"errors"
	"fmt"
	"strconv"

	"assay.example/assay/pkg/compliance"
)

// Onward is what the judge of one stage and routed partition hands to those of later
// stages, in one partition of the topic of findings. Its place is From, Offset and Prev as
// a fact's: here p is a stage of a routed partition, and the offset the number of what it
// handed to this partition. Exactly one of the others is there.
type Onward struct {
	From   Source `cbor:"1,keyasint"`
	Offset int64  `cbor:"2,keyasint"`
	Prev   int64  `cbor:"3,keyasint"`
	// Activation is of the rules that it follows from.
	Activation int `cbor:"4,keyasint"`
	// Fact is for controls of later stages, or for all.
	Fact    *Fact    `cbor:"5,keyasint,omitempty"`
	Finding *Finding `cbor:"6,keyasint,omitempty"`
	// Watermark: all that From finds up to it stands before this.
	Watermark *compliance.Instant `cbor:"7,keyasint,omitempty"`
	// Known is what is known of those who send events, for a stage that begins.
	Known []Entity `cbor:"8,keyasint,omitempty"`
}

// Finding is all that one item says at a join key of a control that reads its verdicts, in
// the place of what it said there before.
type Finding struct {
	// At is since when, of the watermark of who reads it.
	At      compliance.Instant `cbor:"1,keyasint"`
	Control string             `cbor:"2,keyasint"`
	Tenant  string             `cbor:"3,keyasint"`
	Key     string             `cbor:"4,keyasint"`
	By      string             `cbor:"5,keyasint"`
	Hop     string             `cbor:"6,keyasint,omitempty"`
	// Said is the engines' to write and read; empty if there is nothing any more.
	Said []byte `cbor:"7,keyasint,omitempty"`
}

// Entity is a record of an engine's state.
type Entity struct {
	Key   []byte `cbor:"1,keyasint"`
	Value []byte `cbor:"2,keyasint"`
}

// stageTopic begins the names of stages, where a source has its topic.
const stageTopic = "stage "

// OfStage names a stage of a routed partition as a source.
func OfStage(stage int, partition int32) Source {
	return Source{stageTopic + strconv.Itoa(stage), partition}
}

func (o *Onward) check() error {
	kinds := 0
	for _, there := range []bool{o.Fact != nil, o.Finding != nil, o.Watermark != nil, o.Known != nil} {
		if there {
			kinds++
		}
	}
	if kinds != 1 {
		return errors.New("it is not exactly one of fact, finding, watermark and what is known of senders")
	}
	if o.Fact != nil {
		if err := o.Fact.check(); err != nil {
			return fmt.Errorf("in the fact that is handed on: %w", err)
		}
	}
	return place(o.From, o.Offset, o.Prev)
}
