package dictionary

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"assay.example/assay/pkg/compliance"
)

// Codes of a Refusal; they are those of record.Rejected.
const (
	CodeMalformed   = "malformed"
	CodeUnknownType = "unknown_type"
	CodeInvalidData = "invalid_data"
	CodeTooLarge    = "too_large"
)

// Refusal says why bytes are no event, for machines; the *compliance.Error
// around it says the same for people.
type Refusal struct {
	// Code is one of the Code constants.
	Code string
	// Faults has one entry at least, and MaxFaults at most.
	Faults []Fault
}

// MaxFaults is how many faults of one event are listed.
const MaxFaults = 20

// Fault is one thing that is wrong with an event.
type Fault struct {
	// Pointer is a JSON Pointer (RFC 6901) into the data; "" is all of it.
	Pointer string `json:"pointer"`
	// Reason says what is wrong there, Hint what to do about it.
	Reason string `json:"reason"`
	Hint   string `json:"hint,omitempty"`
}

// String is the fault in one line.
func (f Fault) String() string {
	var b strings.Builder
	if f.Pointer != "" {
		b.WriteString(f.Pointer + ": ")
	}
	b.WriteString(f.Reason)
	if f.Hint != "" {
		b.WriteString(" (" + f.Hint + ")")
	}
	return b.String()
}

// Error lists the faults.
func (r *Refusal) Error() string {
	lines := make([]string, len(r.Faults))
	for i, f := range r.Faults {
		lines[i] = f.String()
	}
	return strings.Join(lines, "; ")
}

// Refuse makes the error that Decode and Find return. The code may be one of the
// caller's own; faults needs one entry at least.
func Refuse(code string, faults ...Fault) error {
	class := compliance.Invalid
	switch code {
	case CodeTooLarge:
		class = compliance.TooLarge
	case CodeUnknownType:
		class = compliance.NotFound
	}
	return compliance.Errorf(class, "%w", &Refusal{Code: code, Faults: faults})
}

// Syntax is Refuse for an error of jsontext, for those who read the JSON around
// an event's data with it.
func Syntax(err error) error {
	fault := Fault{Reason: "it is not JSON", Hint: "send JSON (RFC 8259) in UTF-8"}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		fault.Pointer = pointer(syntax.JSONPointer)
		fault.Reason = fmt.Sprintf("it is not JSON at byte %d: %v", syntax.ByteOffset, syntax.Err)
		if errors.Is(err, jsontext.ErrDuplicateName) {
			fault.Reason = "the key stands twice in its object"
			fault.Hint = "send each key once: readers differ in which of two they take"
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			fault.Reason = fmt.Sprintf("the JSON ends at byte %d, in the middle", syntax.ByteOffset)
		}
	} else if errors.Is(err, io.EOF) {
		fault.Reason = "it is empty"
	}
	return Refuse(CodeMalformed, fault)
}

// explain turns the validator's tree of errors into faults, by pointer.
func (t *Type) explain(err error) error {
	top, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // the validator returns it bare
	if !ok {
		return compliance.Errorf(compliance.Internal, "checking %s against its schema: %w", t.Name, err)
	}
	var faults []Fault
	t.collect(top, &faults)
	slices.SortStableFunc(faults, func(a, b Fault) int { return strings.Compare(a.Pointer, b.Pointer) })
	return Refuse(CodeInvalidData, faults[:min(len(faults), MaxFaults)]...)
}

func (t *Type) collect(e *jsonschema.ValidationError, faults *[]Fault) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			t.collect(cause, faults)
		}
		return
	}
	if missing, ok := e.ErrorKind.(*kind.Required); ok {
		for _, name := range missing.Missing {
			*faults = append(*faults, t.missing(append(slices.Clone(e.InstanceLocation), name)))
		}
		return
	}
	*faults = append(*faults, t.fault(e))
}

func (t *Type) missing(path []string) Fault {
	fault := Fault{Pointer: join(path), Reason: "the field is missing"}
	if f := t.at(path); f != nil {
		fault.Hint = fmt.Sprintf("%s needs it, %s: %s", t.Name, article(f.Kind.String()), f.Description)
	}
	return fault
}

func (t *Type) fault(e *jsonschema.ValidationError) Fault {
	fault := Fault{Pointer: join(e.InstanceLocation)}
	f := t.at(e.InstanceLocation)
	if f != nil {
		fault.Hint = f.Description
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		fault.Reason = fmt.Sprintf("it is %s, but must be %s", article(k.Got), article(strings.Join(k.Want, " or ")))
		if k.Got == "null" {
			fault.Hint = "leave the field out instead"
		}
	case *kind.Enum:
		fault.Reason, fault.Hint = enumFault(k, f)
	case *kind.MinLength:
		fault.Reason = fmt.Sprintf("it has %d characters; the least is %d", k.Got, k.Want)
	case *kind.MaxLength:
		fault.Reason = fmt.Sprintf("it has %d characters; the most is %d", k.Got, k.Want)
	case *kind.MaxItems:
		fault.Reason = fmt.Sprintf("it has %d elements; the most is %d", k.Got, k.Want)
	case *kind.Minimum:
		fault.Reason = fmt.Sprintf("it is %s; the least is %s", clip(k.Got.RatString()), k.Want.RatString())
	case *kind.Maximum:
		fault.Reason = fmt.Sprintf("it is %s; the most is %s", clip(k.Got.RatString()), k.Want.RatString())
	case *kind.Pattern:
		fault.Reason = fmt.Sprintf("%s does not have the form %s", quote(k.Got), k.Want)
	default:
		fault.Reason = "it does not fit the schema's " + strings.Join(e.ErrorKind.KeywordPath(), "/")
	}
	return fault
}

func enumFault(k *kind.Enum, f *Field) (reason, hint string) {
	got, _ := k.Got.(string)
	reason = quote(got) + " is not one of the allowed values"
	if f == nil || len(f.Enum) == 0 {
		return reason, "see the type's schema"
	}
	hint = "send one of " + strings.Join(f.Enum, ", ")
	if near := nearest(got, f.Enum); len(near) > 0 {
		hint = "did you mean " + near[0] + "? " + hint
	}
	return reason, hint
}

// at finds the field that path leads to; nil if none is declared there.
func (t *Type) at(path []string) *Field {
	f := t.root
	for _, step := range path {
		switch {
		case f == nil:
			return nil
		case f.Kind == List:
			f = f.Elem
		default:
			f = f.Fields[step]
		}
	}
	return f
}

func join(path []string) string {
	var p jsontext.Pointer
	for _, step := range path {
		p = p.AppendToken(step)
	}
	return pointer(p)
}

// pointer keeps what an error repeats of the sender's own keys short.
func pointer(p jsontext.Pointer) string { return clip(string(p)) }

func article(noun string) string {
	switch {
	case noun == "null":
		return noun
	case strings.ContainsRune("aeiou", rune(noun[0])):
		return "an " + noun
	default:
		return "a " + noun
	}
}

func quote(s string) string { return strconv.Quote(clip(s)) }

// clip cuts s to 128 bytes, at the end of a character.
func clip(s string) string {
	const most = 128
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// FieldNames lists the declared fields, required ones first, then by name.
func (t *Type) FieldNames() []string {
	return slices.SortedFunc(maps.Keys(t.Fields), func(a, b string) int {
		if t.Fields[a].Required != t.Fields[b].Required {
			if t.Fields[a].Required {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
}
