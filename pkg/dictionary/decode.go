package dictionary

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

// The limits of an event's data.
const (
	// MaxBytes is the size as received.
	MaxBytes = 1 << 20
	// MaxDepth counts objects and lists inside each other, the outermost too.
	MaxDepth = 32
	// MaxKeys counts the members of all objects and the elements of all lists.
	MaxKeys = 10_000
)

// Decode reads an event's data: one JSON object in UTF-8, without duplicate
// keys, within the limits, that fits the schema.
//
// The result holds strings, bools, int64, float64, []any, map[string]any, and
// nil in undeclared fields. A number is a float64 where the schema says number;
// elsewhere a whole one is an int64 however it is spelt (2.0 is 2), so that a
// value doesn't change with its source's JSON library. A whole number beyond 64
// bits is refused rather than rounded.
//
// An error is a *compliance.Error for the sender, around a *Refusal.
func (t *Type) Decode(raw []byte) (map[string]any, error) {
	if len(raw) > MaxBytes {
		return nil, Refuse(CodeTooLarge, Fault{
			Reason: fmt.Sprintf("the data has %d bytes; the limit is %d", len(raw), MaxBytes),
			Hint:   "send references and digests instead of content",
		})
	}
	in := read(raw)
	defer in.end()
	d := decoder{in: &in.Decoder, text: string(raw), limits: EventLimits}
	data, err := d.document(t.root)
	if err != nil {
		return nil, err
	}
	if t.plain && t.root.fits(data) {
		return data, nil
	}
	if err := t.check.Validate(data); err != nil {
		return nil, t.explain(err)
	}
	return data, nil
}

// readers are used again: making one took a tenth of reading an event.
var readers = sync.Pool{New: func() any { return new(reader) }}

// reader is a decoder on bytes in memory.
type reader struct {
	jsontext.Decoder
	raw bytes.Buffer
}

// twice lets names stand twice in an object: who reads finds them on the way, and the
// decoder's own search for them took a third of the time.
var twice = jsontext.AllowDuplicateNames(true)

// read begins with raw; it must be ended.
func read(raw []byte) *reader {
	r, ok := readers.Get().(*reader)
	if !ok {
		r = new(reader)
	}
	r.raw = *bytes.NewBuffer(raw)
	r.Reset(&r.raw, twice)
	return r
}

// end lets go of the bytes.
func (r *reader) end() {
	r.raw = bytes.Buffer{}
	r.Reset(&r.raw, twice)
	readers.Put(r)
}

// Limits bound a document that is no event, such as a vendor's.
type Limits struct{ Bytes, Depth, Keys int }

// EventLimits are those of the data of an event.
var EventLimits = Limits{MaxBytes, MaxDepth, MaxKeys}

// Parse reads one JSON value of no known type as Decode reads data, but for two
// things: a number that can't be kept exactly is kept as the nearest float64, and
// members that are null are left out, for null is not a value.
func Parse(raw []byte, limits Limits) (any, error) {
	if len(raw) > limits.Bytes {
		return nil, Refuse(CodeTooLarge, Fault{
			Reason: fmt.Sprintf("it has %d bytes; the limit is %d", len(raw), limits.Bytes), Hint: "send less at once",
		})
	}
	in := read(raw)
	defer in.end()
	d := decoder{in: &in.Decoder, text: string(raw), limits: limits, foreign: true}
	v, err := d.value(nil)
	if err != nil {
		return nil, err
	}
	return v, d.end()
}

// decoder is one pass over one document.
type decoder struct {
	in *jsontext.Decoder
	// text is the document, if its strings are to be parts of it: one each took a third
	// of the time of a vendor's payload.
	text    string
	limits  Limits
	foreign bool // somebody else's document: see Parse
	keys    int
}

func (d *decoder) document(root *Field) (map[string]any, error) {
	tok, err := d.in.ReadToken()
	if err != nil {
		return nil, Syntax(err)
	}
	if tok.Kind() != '{' {
		return nil, Refuse(CodeMalformed, Fault{
			Reason: "it is not a JSON object", Hint: "send the fields of the type as one object: {…}",
		})
	}
	data, err := d.object(root)
	if err != nil {
		return nil, err
	}
	return data, d.end()
}

func (d *decoder) end() error {
	if _, err := d.in.ReadToken(); !errors.Is(err, io.EOF) {
		return Refuse(CodeMalformed, Fault{
			Reason: fmt.Sprintf("something follows the JSON object at byte %d", d.in.InputOffset()),
			Hint:   "send one object an event; /v1/events takes several events as a batch",
		})
	}
	return nil
}

// value reads the next value, which f (may be nil) declares.
func (d *decoder) value(f *Field) (any, error) {
	switch d.in.PeekKind() {
	case '"':
		return d.string()
	case '0':
		literal, err := d.scalar()
		if err != nil {
			return nil, err
		}
		return d.number(literal, f)
	}
	tok, err := d.in.ReadToken()
	if err != nil {
		return nil, Syntax(err)
	}
	switch tok.Kind() {
	case '{':
		return d.object(f)
	case '[':
		return d.list(f)
	case 't', 'f':
		return tok.Bool(), nil
	default: // null: the parser has refused misplaced ends
		return nil, nil
	}
}

// scalar reads the next text or number as it is spelt.
func (d *decoder) scalar() (string, error) {
	v, err := d.in.ReadValue()
	if err != nil {
		return "", Syntax(err)
	}
	if d.text == "" {
		return string(v), nil
	}
	end := d.in.InputOffset()
	return d.text[end-int64(len(v)) : end], nil
}

func (d *decoder) string() (string, error) {
	quoted, err := d.scalar()
	if err != nil {
		return "", err
	}
	if strings.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1], nil
	}
	s, err := jsontext.AppendUnquote(nil, quoted)
	return string(s), err
}

func (d *decoder) object(f *Field) (map[string]any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	var fields map[string]*Field
	if f != nil {
		fields = f.Fields
	}
	out := make(map[string]any, len(fields))
	for d.in.PeekKind() != '}' {
		name, err := d.string()
		if err != nil {
			return nil, err
		}
		if err := d.count(); err != nil {
			return nil, err
		}
		if _, twice := out[name]; twice {
			return nil, Syntax(&jsontext.SyntacticError{
				ByteOffset: d.in.InputOffset(), JSONPointer: d.in.StackPointer(), Err: jsontext.ErrDuplicateName,
			})
		}
		v, err := d.value(fields[name])
		if err != nil {
			return nil, err
		}
		if v != nil || !d.foreign {
			out[name] = v
		}
	}
	return out, d.leave()
}

func (d *decoder) list(f *Field) ([]any, error) {
	if err := d.enter(); err != nil {
		return nil, err
	}
	var elem *Field
	if f != nil {
		elem = f.Elem
	}
	out := []any{}
	for d.in.PeekKind() != ']' {
		if err := d.count(); err != nil {
			return nil, err
		}
		v, err := d.value(elem)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, d.leave()
}

func (d *decoder) enter() error {
	if d.in.StackDepth() <= d.limits.Depth {
		return nil
	}
	return Refuse(CodeTooLarge, Fault{
		Pointer: pointer(d.in.StackPointer()),
		Reason:  fmt.Sprintf("objects and lists are nested more than %d deep", d.limits.Depth),
		Hint:    "flatten the data",
	})
}

func (d *decoder) count() error {
	if d.keys++; d.keys <= d.limits.Keys {
		return nil
	}
	return Refuse(CodeTooLarge, Fault{
		Pointer: pointer(d.in.StackPointer()),
		Reason:  fmt.Sprintf("the data has more than %d keys and elements", d.limits.Keys),
		Hint:    "send references and digests instead of content",
	})
}

// leave reads the end of an object or list, which PeekKind has seen.
func (d *decoder) leave() error {
	if _, err := d.in.ReadToken(); err != nil {
		return Syntax(err)
	}
	return nil
}

func (d *decoder) number(literal string, f *Field) (any, error) {
	if f == nil || f.Kind != Number {
		v, err := d.wholeOr(literal)
		if err == nil || !d.foreign {
			return v, err
		}
	}
	v, err := strconv.ParseFloat(literal, 64)
	if err != nil {
		return nil, d.tooBig(literal)
	}
	return v, nil
}

// wholeOr is an int64 if literal is whole, else a float64.
func (d *decoder) wholeOr(literal string) (any, error) {
	if !strings.ContainsAny(literal, ".eE") {
		n, err := strconv.ParseInt(literal, 10, 64)
		if err != nil {
			return nil, d.tooBig(literal)
		}
		return n, nil
	}
	v, err := strconv.ParseFloat(literal, 64)
	const exact = 1 << 53 // from here on a float64 is whole, whatever its source meant
	if err != nil || math.Abs(v) >= exact {
		return nil, d.tooBig(literal)
	}
	if v == math.Trunc(v) {
		return int64(v), nil
	}
	return v, nil
}

func (d *decoder) tooBig(literal string) error {
	return Refuse(CodeInvalidData, Fault{
		Pointer: pointer(d.in.StackPointer()),
		Reason:  fmt.Sprintf("the number %s can't be kept exactly", clip(literal)),
		Hint:    "send a whole number of at most 64 bits, or a string",
	})
}
