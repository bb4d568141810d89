package cloudevent

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"

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
	events := []Event{}
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
}

// newReader lets names stand twice as far as the decoder is concerned: its search for
// them, in the batch, in the event and in the data, was a quarter of a batch's time.
// Those of the envelope are found by names, those of the data by the dictionary, and
// what else there is is never used.
func newReader(raw []byte) reader {
	return reader{jsontext.NewDecoder(bytes.NewBuffer(raw), jsontext.AllowDuplicateNames(true)), raw}
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
		name := nameOf(value)
		if seen.twice(name) {
			return nil, dictionary.Syntax(&jsontext.SyntacticError{
				ByteOffset: r.in.InputOffset(), JSONPointer: r.in.StackPointer(), Err: jsontext.ErrDuplicateName,
			})
		}
		fault, err := r.member(e, name)
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

func (r *reader) member(e *Event, name string) (*dictionary.Fault, error) {
	kind := r.in.PeekKind()
	if kind == '"' && known(name) || kind == '0' && name == "sequence" {
		tok, err := r.in.ReadToken()
		if err != nil {
			return nil, err
		}
		return e.set(name, tok.String()), nil
	}
	value, err := r.in.ReadValue()
	switch {
	case err != nil:
		return nil, err
	case kind == 'n':
		return nil, nil //nolint:nilnil // an attribute that is null is not set, says the format
	case name == "data":
		return e.setData(r.part(value)), nil
	case name == "data_base64":
		return e.setBase64(value), nil
	case known(name):
		return &dictionary.Fault{Pointer: "/" + name, Reason: "it is not a string", Hint: "attributes are strings"}, nil
	}
	return nil, nil //nolint:nilnil // an extension that nobody asked for
}

// names finds those that stand twice in an envelope. There are few of them, but for a
// sender who means harm.
type names struct {
	common uint
	others map[string]bool
}

func (n *names) twice(name string) bool {
	if i := slices.Index(attributes[:], name); i >= 0 {
		bit := uint(1) << i
		was := n.common&bit != 0
		n.common |= bit
		return was
	}
	if n.others == nil {
		n.others = map[string]bool{}
	}
	was := n.others[name]
	n.others[name] = true
	return was
}

// attributes are the names that mean something here.
var attributes = [...]string{
	"specversion", "id", "source", "type", "time", "tenant", "datacontenttype", "sequence", "data", "data_base64",
}

// known says whether a name is that of an attribute which is a string.
func known(name string) bool {
	i := slices.Index(attributes[:], name)
	return i >= 0 && name != "data" && name != "data_base64"
}

// nameOf is a member's name; one of attributes takes no room of its own.
func nameOf(quoted jsontext.Value) string {
	inside := []byte(quoted[1 : len(quoted)-1])
	for _, a := range attributes {
		if string(inside) == a {
			return a
		}
	}
	return text(quoted)
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
