package cloudevent

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"assay.example/assay/pkg/dictionary"
)

// Structured reads one event in the CloudEvents JSON format.
func Structured(raw []byte) Event {
	r, e := newReader(raw), Event{}
	err := r.event(&e)
	if err == nil {
		err = r.end()
	}
	if err != nil {
		e.Err = err
	}
	e.Raw = raw
	return e
}

// short is what few events are shorter than, in bytes. It is more than an Event takes.
const short = 256

// Batch reads a JSON list of events, at most limit. The error is of the list;
// that of an event is in its Err.
func Batch(raw []byte, limit int) ([]Event, error) {
	r := newReader(raw)
	tok, err := r.in.ReadToken()
	if err != nil {
		return nil, dictionary.Syntax(err)
	}
	if tok.Kind() != '[' {
		return nil, malformed("", "the batch is not a JSON list", "send [event, event, …]")
	}
	events := make([]Event, 0, min(limit, len(raw)/short+1))
	for r.in.PeekKind() != ']' {
		var e Event
		if err := r.event(&e); err != nil {
			return nil, err
		}
		if len(events) == limit {
			return nil, dictionary.Refuse(CodeTooMany, dictionary.Fault{
				Reason: fmt.Sprintf("the batch has more than %d events", limit), Hint: "send smaller batches",
			})
		}
		events = append(events, e)
	}
	if _, err := r.in.ReadToken(); err != nil {
		return nil, dictionary.Syntax(err)
	}
	return events, r.end()
}

// reader goes over a body once, whatever number of events it holds.
type reader struct {
	in  *jsontext.Decoder
	raw []byte
	// last are the attributes of the event before: the events of a batch have most of
	// theirs in common, which then take no room of their own.
	last [len(attributes)]string
}

// newReader lets names stand twice as far as the decoder is concerned: its search for
// them, in the batch, in the event and in the data, was a quarter of a batch's time.
// Those of the envelope are found by names, those of the data by the dictionary, and
// what else there is is never used.
func newReader(raw []byte) *reader {
	return &reader{in: jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true)), raw: raw}
}

// event reads the next value. The error ends the reading; what is wrong with the event
// alone is in its Err.
func (r *reader) event(e *Event) error {
	if r.in.PeekKind() != '{' {
		value, err := r.in.ReadValue()
		if err != nil {
			return dictionary.Syntax(err)
		}
		e.Raw = r.part(value)
		e.Err = malformed("", "the event is not a JSON object", `send {"specversion": "1.0", …}`)
		return nil
	}
	if _, err := r.in.ReadToken(); err != nil {
		return dictionary.Syntax(err)
	}
	begin := r.in.InputOffset() - 1
	faults, err := r.members(e)
	if err != nil {
		return err
	}
	end := r.in.InputOffset()
	e.Raw = r.raw[begin:end:end]
	e.finish(faults)
	return nil
}

// members reads the attributes and finds the data. The error ends the reading,
// the faults don't.
func (r *reader) members(e *Event) ([]dictionary.Fault, error) {
	var faults []dictionary.Fault
	var seen names
	for r.in.PeekKind() != '}' {
		value, err := r.in.ReadValue()
		if err != nil {
			return nil, dictionary.Syntax(err)
		}
		a := attributeOf(value)
		if a < 0 && seen.other(value) || a >= 0 && seen.attribute(a) {
			return nil, dictionary.Syntax(&jsontext.SyntacticError{
				ByteOffset: r.in.InputOffset(), JSONPointer: r.in.StackPointer(), Err: jsontext.ErrDuplicateName,
			})
		}
		fault, err := r.member(e, a)
		if err != nil {
			return nil, dictionary.Syntax(err)
		}
		if fault != nil && len(faults) < dictionary.MaxFaults {
			faults = append(faults, *fault)
		}
	}
	if _, err := r.in.ReadToken(); err != nil {
		return nil, dictionary.Syntax(err)
	}
	return faults, nil
}

// member reads the value of an attribute; of another member if a is negative.
func (r *reader) member(e *Event, a int) (*dictionary.Fault, error) {
	kind := r.in.PeekKind()
	value, err := r.in.ReadValue()
	if err != nil || a < 0 || kind == 'n' {
		return nil, err // an attribute that is null is not set, says the format
	}
	switch {
	case a == attrData:
		return e.setData(r.part(value)), nil
	case a == attrBase64:
		return e.setBase64(value), nil
	case kind == '"':
		return e.set(attributes[a], r.text(a, value)), nil
	case kind == '0' && a == attrSequence:
		return e.set(attributes[a], string(value)), nil
	default:
		return &dictionary.Fault{Pointer: "/" + attributes[a], Reason: "it is not a string", Hint: "attributes are strings"}, nil
	}
}

// text is an attribute's value. With an escape in it, it is not what stands there.
func (r *reader) text(a int, quoted jsontext.Value) string {
	inside := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inside, '\\') >= 0 || string(inside) != r.last[a] {
		r.last[a] = text(quoted)
	}
	return r.last[a]
}

// names finds those that stand twice in an envelope. There are few of them, but for a
// sender who means harm.
type names struct {
	attributes uint
	others     map[string]bool
}

func (n *names) attribute(a int) (twice bool) {
	bit := uint(1) << a
	twice = n.attributes&bit != 0
	n.attributes |= bit
	return twice
}

func (n *names) other(quoted jsontext.Value) (twice bool) {
	if n.others == nil {
		n.others = map[string]bool{}
	}
	name := text(quoted)
	twice = n.others[name]
	n.others[name] = true
	return twice
}

// The attributes that mean something here, by their places.
const (
	attrSpecVersion = iota
	attrID
	attrSource
	attrType
	attrTime
	attrTenant
	attrMediaType
	attrSequence
	attrData
	attrBase64
)

// attributes are their names.
var attributes = [...]string{
	attrSpecVersion: "specversion", attrID: "id", attrSource: "source", attrType: "type", attrTime: "time", attrTenant: "tenant",
	attrMediaType: "datacontenttype", attrSequence: "sequence", attrData: "data", attrBase64: "data_base64",
}

// attributeOf is the place of a member's name in attributes; negative for another name.
// A map took a fifteenth of a batch's time.
func attributeOf(quoted jsontext.Value) int {
	inside := []byte(quoted[1 : len(quoted)-1])
	if bytes.IndexByte(inside, '\\') >= 0 {
		inside = []byte(text(quoted))
	}
	switch string(inside) {
	case "specversion":
		return attrSpecVersion
	case "id":
		return attrID
	case "source":
		return attrSource
	case "type":
		return attrType
	case "time":
		return attrTime
	case "tenant":
		return attrTenant
	case "datacontenttype":
		return attrMediaType
	case "sequence":
		return attrSequence
	case "data":
		return attrData
	case "data_base64":
		return attrBase64
	}
	return -1
}

func (e *Event) setData(value []byte) *dictionary.Fault {
	if e.hasData {
		return twice()
	}
	e.Data, e.hasData = value, true
	return nil
}

// setBase64 takes JSON that its sender wrapped, as SDKs do with bytes.
func (e *Event) setBase64(value jsontext.Value) *dictionary.Fault {
	if e.hasData {
		return twice()
	}
	if value.Kind() != '"' {
		return &dictionary.Fault{Pointer: "/data_base64", Reason: "it is not base64", Hint: "send the fields in data, as a JSON object"}
	}
	data, err := base64.StdEncoding.DecodeString(text(value))
	if err != nil {
		return &dictionary.Fault{Pointer: "/data_base64", Reason: "it is not base64", Hint: "send the fields in data, as a JSON object"}
	}
	e.Data, e.hasData = data, true
	return nil
}

func twice() *dictionary.Fault {
	return &dictionary.Fault{Pointer: "/data", Reason: "the event has both data and data_base64", Hint: "send data"}
}

// text is a string's value.
func text(value jsontext.Value) string {
	s, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "" // the decoder has accepted it before
	}
	return string(s)
}

// part is where the value that was just read stands in the body, so that it may be
// kept without a copy.
func (r *reader) part(value jsontext.Value) []byte {
	end := r.in.InputOffset()
	return r.raw[end-int64(len(value)) : end : end]
}

func (r *reader) end() error {
	if _, err := r.in.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed("", fmt.Sprintf("something follows the JSON at byte %d", r.in.InputOffset()), "send one value; several events are a batch")
	}
	return nil
}

func malformed(pointer, reason, hint string) error {
	return dictionary.Refuse(dictionary.CodeMalformed, dictionary.Fault{Pointer: pointer, Reason: reason, Hint: hint})
}
