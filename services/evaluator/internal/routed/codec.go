package routed

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"

	"github.com/fxamacker/cbor/v2"
)

// version is of the format. A reader refuses one that it doesn't know.
const version = 1

// envelope is what stands in Kafka: CBOR with integer keys, core deterministic
// encoding (RFC 8949, 4.2.1), so that equal records have equal bytes.
type envelope struct {
	Version int     `cbor:"0,keyasint"`
	Fact    *Fact   `cbor:"1,keyasint,omitempty"`
	Mark    *Mark   `cbor:"2,keyasint,omitempty"`
	Onward  *Onward `cbor:"3,keyasint,omitempty"`
}

// Codec encodes and decodes. It is safe for concurrent use.
type Codec struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// Limits of the decoder: generous for what the router writes (events have at
// most depth 32 and 10,000 keys), small against what would hurt.
const (
	maxNesting  = 48
	maxElements = 131_072
)

// NewCodec prepares the encodings.
func NewCodec() (*Codec, error) {
	enc, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		return nil, fmt.Errorf("preparing the CBOR encoder: %w", err)
	}
	dec, err := cbor.DecOptions{
		DupMapKey:         cbor.DupMapKeyEnforcedAPF,
		DefaultMapType:    reflect.TypeFor[map[string]any](),
		IntDec:            cbor.IntDecConvertSignedOrFail,
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   maxNesting,
		MaxArrayElements:  maxElements,
		MaxMapPairs:       maxElements,
	}.DecMode()
	if err != nil {
		return nil, fmt.Errorf("preparing the CBOR decoder: %w", err)
	}
	return &Codec{enc, dec}, nil
}

// Fact encodes a fact.
func (c *Codec) Fact(f *Fact) ([]byte, error) {
	return c.encode(envelope{Version: version, Fact: f})
}

// Mark encodes a mark.
func (c *Codec) Mark(m *Mark) ([]byte, error) {
	return c.encode(envelope{Version: version, Mark: m})
}

// Onward encodes what is handed on to later stages.
func (c *Codec) Onward(o *Onward) ([]byte, error) {
	return c.encode(envelope{Version: version, Onward: o})
}

func (c *Codec) encode(e envelope) ([]byte, error) {
	value, err := c.enc.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encoding a routed record: %w", err)
	}
	return value, nil
}

// Decode reads a record and checks it, so that its user needn't.
func (c *Codec) Decode(value []byte) (Record, error) {
	var e envelope
	if err := c.dec.Unmarshal(value, &e); err != nil {
		return Record{}, fmt.Errorf("decoding a routed record: %w", err)
	}
	if e.Version != version {
		return Record{}, fmt.Errorf("decoding a routed record: it has version %d, this program reads %d", e.Version, version)
	}
	if err := e.check(); err != nil {
		return Record{}, fmt.Errorf("decoding a routed record: %w", err)
	}
	return Record{Fact: e.Fact, Mark: e.Mark, Onward: e.Onward}, nil
}

func (e *envelope) check() error {
	switch {
	case e.Fact != nil && e.Mark == nil && e.Onward == nil:
		return e.Fact.check()
	case e.Mark != nil && e.Fact == nil && e.Onward == nil:
		return e.Mark.check()
	case e.Onward != nil && e.Fact == nil && e.Mark == nil:
		return e.Onward.check()
	}
	return errors.New("it is not exactly one of fact, mark and what is handed on")
}

func (f *Fact) check() error {
	if len(f.Event.SHA256) != sha256.Size {
		return fmt.Errorf("a SHA-256 of %d bytes", len(f.Event.SHA256))
	}
	return place(f.From, f.Offset, f.Prev)
}

func (m *Mark) check() error {
	for i, p := range m.Positions {
		if i > 0 && m.Positions[i-1].From.Compare(p.From) >= 0 {
			return errors.New("the positions of a mark are not sorted")
		}
		if err := place(p.From, p.Offset, p.Prev); err != nil {
			return err
		}
	}
	for i, l := range m.Lanes {
		if i > 0 && m.Lanes[i-1].From.Compare(l.From) >= 0 {
			return errors.New("the lanes of a mark are not sorted")
		}
		if err := place(l.From, l.Offset, l.Prev); err != nil {
			return err
		}
	}
	return nil
}

// place checks a link of the chain. A mark may repeat its place (a clock moved
// W while nothing was routed), so prev may equal offset there.
func place(from Source, offset, prev int64) error {
	if from.Topic == "" || from.Partition < 0 || offset < 0 || prev < Start || prev > offset {
		return fmt.Errorf("the place %s/%d offset %d after %d cannot be", from.Topic, from.Partition, offset, prev)
	}
	return nil
}
