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
	e := Event{Raw: raw}
	faults, err := e.members(raw)
	if err != nil {
		e.Err = err
		return e
	}
	e.finish(faults)
	return e
}

// Batch reads a JSON list of events, at most limit. The error is of the list;
// that of an event is in its Err.
func Batch(raw []byte, limit int) ([]Event, error) {
	in := jsontext.NewDecoder(bytes.NewBuffer(raw))
	tok, err := in.ReadToken()
	if err != nil {
		return nil, dictionary.Syntax(err)
	}
	if tok.Kind() != '[' {
		return nil, malformed("", "the batch is not a JSON list", "send [event, event, …]")
	}
	events := []Event{}
	for in.PeekKind() != ']' {
		value, err := in.ReadValue()
		if err != nil {
			return nil, dictionary.Syntax(err)
		}
		if len(events) == limit {
			return nil, dictionary.Refuse(CodeTooMany, dictionary.Fault{
				Reason: fmt.Sprintf("the batch has more than %d events", limit), Hint: "send smaller batches",
			})
		}
		events = append(events, Structured(part(raw, in, value)))
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, dictionary.Syntax(err)
	}
	return events, end(in)
}

// members reads the attributes and finds the data. The error ends the reading,
// the faults don't.
func (e *Event) members(raw []byte) ([]dictionary.Fault, error) {
	in := jsontext.NewDecoder(bytes.NewBuffer(raw))
	tok, err := in.ReadToken()
	if err != nil {
		return nil, dictionary.Syntax(err)
	}
	if tok.Kind() != '{' {
		return nil, malformed("", "the event is not a JSON object", `send {"specversion": "1.0", …}`)
	}
	var faults []dictionary.Fault
	for in.PeekKind() != '}' {
		tok, err := in.ReadToken()
		if err != nil {
			return nil, dictionary.Syntax(err)
		}
		name := tok.String()
		value, err := in.ReadValue()
		if err != nil {
			return nil, dictionary.Syntax(err)
		}
		if fault := e.member(name, part(raw, in, value)); fault != nil && len(faults) < dictionary.MaxFaults {
			faults = append(faults, *fault)
		}
	}
	if _, err := in.ReadToken(); err != nil {
		return nil, dictionary.Syntax(err)
	}
	return faults, end(in)
}

func (e *Event) member(name string, value jsontext.Value) *dictionary.Fault {
	switch {
	case value.Kind() == 'n':
		return nil // an attribute that is null is not set, says the format
	case name == "data":
		return e.setData(value)
	case name == "data_base64":
		return e.setBase64(value)
	case value.Kind() == '"' || (name == "sequence" && value.Kind() == '0'):
		return e.set(name, text(value))
	case known(name):
		return &dictionary.Fault{Pointer: "/" + name, Reason: "it is not a string", Hint: "attributes are strings"}
	default:
		return nil
	}
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
	data, err := base64.StdEncoding.DecodeString(text(value))
	if err != nil || value.Kind() != '"' {
		return &dictionary.Fault{Pointer: "/data_base64", Reason: "it is not base64", Hint: "send the fields in data, as a JSON object"}
	}
	e.Data, e.hasData = data, true
	return nil
}

func twice() *dictionary.Fault {
	return &dictionary.Fault{Pointer: "/data", Reason: "the event has both data and data_base64", Hint: "send data"}
}

func known(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "time", "tenant", "datacontenttype", "sequence":
		return true
	default:
		return false
	}
}

// text is a string's value, or a number as it is written.
func text(value jsontext.Value) string {
	if value.Kind() != '"' {
		return string(value)
	}
	s, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return "" // the decoder has accepted it before
	}
	return string(s)
}

// part is where the value that in has just read stands in raw, so that it may be
// kept without a copy.
func part(raw []byte, in *jsontext.Decoder, value jsontext.Value) []byte {
	end := in.InputOffset()
	return raw[end-int64(len(value)) : end : end]
}

func end(in *jsontext.Decoder) error {
	if _, err := in.ReadToken(); !errors.Is(err, io.EOF) {
		return malformed("", fmt.Sprintf("something follows the JSON at byte %d", in.InputOffset()), "send one value; several events are a batch")
	}
	return nil
}

func malformed(pointer, reason, hint string) error {
	return dictionary.Refuse(dictionary.CodeMalformed, dictionary.Fault{Pointer: pointer, Reason: reason, Hint: hint})
}
