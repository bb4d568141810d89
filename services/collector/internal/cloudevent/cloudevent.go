// Package cloudevent reads CloudEvents 1.0 out of HTTP requests: one event in
// structured or binary mode, or a batch. It knows the envelope only; what the
// data says is the dictionary's matter.
//
// The CloudEvents SDK isn't used to read, though tests send with it: its JSON
// reader takes duplicate attributes and bytes that aren't UTF-8, its HTTP binding
// takes the first of several equal headers and doesn't undo percent-encoding, and
// its errors don't say where. A door to evidence has to refuse all of these.
package cloudevent

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"assay.example/assay/pkg/dictionary"
)

// Event is an event as its sender wrote it.
type Event struct {
	ID, Source, Type string
	// Time is RFC 3339, not checked yet.
	Time string
	// Tenant is what the sender says it is; nothing may trust it.
	Tenant string
	// Sequence counts a source's events from 1; 0 says that it doesn't count.
	Sequence uint64
	// Data is the body, byte for byte; Raw is the whole event (in binary mode the
	// data). Both are parts of the request's body.
	Data, Raw []byte
	// Err is why this is no event: a *compliance.Error around a
	// *dictionary.Refusal. The fields above then hold what could be read.
	Err error

	version   string
	mediaType string
	hasData   bool
}

// Codes of refusals, beside those of the dictionary.
const (
	CodeTimeRequired = "time_required"
	CodeMediaType    = "unsupported_media_type"
	CodeTooMany      = "too_many_events"
)

// Limits of the attributes, in bytes.
const (
	maxAttribute = 256
	maxSequence  = 20
)

// set takes an attribute; those that are unknown are left out.
func (e *Event) set(name, value string) *dictionary.Fault {
	switch name {
	case "specversion":
		e.version = value
	case "id":
		return assign(&e.ID, name, value)
	case "source":
		return assign(&e.Source, name, value)
	case "type":
		return assign(&e.Type, name, value)
	case "time":
		return assign(&e.Time, name, value)
	case "tenant":
		return assign(&e.Tenant, name, value)
	case "datacontenttype":
		e.mediaType = value
	case "sequence":
		return e.setSequence(value)
	}
	return nil
}

func assign(to *string, name, value string) *dictionary.Fault {
	if len(value) > maxAttribute {
		return &dictionary.Fault{
			Pointer: "/" + name, Reason: fmt.Sprintf("it has %d bytes; the most is %d", len(value), maxAttribute),
			Hint: "send a short, stable id",
		}
	}
	*to = value
	if !printable(value) {
		*to = "" // nothing may log or keep it
		return &dictionary.Fault{
			Pointer: "/" + name, Reason: "it holds a control character or isn't UTF-8", Hint: "send printable characters",
		}
	}
	return nil
}

// printable says whether an attribute may be logged and kept: it is UTF-8 without control
// characters. Nearly all are plain ASCII, which is quick to see.
func printable(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' || c > '~' {
			return utf8.ValidString(value) && !strings.ContainsFunc(value, unicode.IsControl)
		}
	}
	return true
}

// CheckID refuses an id that no event may have, whoever made it.
func CheckID(id string) error {
	var kept string
	if fault := assign(&kept, "id", id); fault != nil {
		return dictionary.Refuse(dictionary.CodeMalformed, *fault)
	}
	if id == "" {
		return dictionary.Refuse(dictionary.CodeMalformed, missing("id", "an event needs one"))
	}
	return nil
}

func (e *Event) setSequence(value string) *dictionary.Fault {
	n, err := strconv.ParseUint(value, 10, 64)
	if err != nil || n == 0 || len(value) > maxSequence {
		return &dictionary.Fault{
			Pointer: "/sequence", Reason: "it is not a whole number from 1",
			Hint: "count the source's events 1, 2, 3, … without gaps, or leave it out",
		}
	}
	e.Sequence = n
	return nil
}

// finish checks what only the whole envelope shows, and sets Err.
func (e *Event) finish(faults []dictionary.Fault) {
	for _, a := range []struct{ name, value, hint string }{
		{"id", e.ID, "send an id that is unique within the source, and the same when you retry"},
		{"source", e.Source, "say where the event comes from, such as /idp"},
		{"type", e.Type, "GET /v1/types lists the types"},
	} {
		if a.value == "" && !mentions(faults, "/"+a.name) {
			faults = append(faults, missing(a.name, a.hint))
		}
	}
	if e.version != "1.0" {
		faults = append(faults, dictionary.Fault{
			Pointer: "/specversion", Reason: "it is not 1.0", Hint: `send CloudEvents 1.0: "specversion": "1.0"`,
		})
	}
	if !e.hasData {
		faults = append(faults, missing("data", "send the fields of the type as a JSON object"))
	}
	switch {
	case len(faults) > 0:
		e.Err = dictionary.Refuse(dictionary.CodeMalformed, faults...)
	case e.Time == "":
		e.Err = dictionary.Refuse(CodeTimeRequired, missing("time", "say when it happened, as RFC 3339: 2026-07-01T09:30:00Z"))
	case !jsonMedia(e.mediaType):
		e.Err = dictionary.Refuse(CodeMediaType, dictionary.Fault{
			Pointer: "/datacontenttype", Reason: "the data is said to be something else than JSON in UTF-8",
			Hint: "send application/json",
		})
	}
}

func missing(name, hint string) dictionary.Fault {
	return dictionary.Fault{Pointer: "/" + name, Reason: "the attribute is missing", Hint: hint}
}

func mentions(faults []dictionary.Fault, pointer string) bool {
	for _, f := range faults {
		if f.Pointer == pointer {
			return true
		}
	}
	return false
}
