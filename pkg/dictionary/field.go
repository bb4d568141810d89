package dictionary

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"assay.example/assay/pkg/compliance"
)

// Kind is the kind of value that a field holds after Decode.
type Kind int

// The kinds, with the Go type that Decode gives. Any is a field whose schema
// says no single type; Time is an attribute's only, as JSON has none.
const (
	Any    Kind = iota // any of the others, or nil
	String             // string
	Int                // int64
	Number             // float64
	Bool               // bool
	List               // []any
	Map                // map[string]any
	Time               // time.Time
)

// String is the name of k in a JSON Schema.
func (k Kind) String() string {
	return [...]string{"any", "string", "integer", "number", "boolean", "array", "object", "time"}[k]
}

// Field is one declared field.
type Field struct {
	Kind        Kind
	Required    bool
	Description string
	// Unit is what a number counts, such as "seconds"; empty for other kinds.
	Unit string
	// Enum lists the allowed values, if they are limited.
	Enum []string
	// Elem is what a List holds; nil says anything.
	Elem *Field
	// Fields are the declared fields of a Map.
	Fields map[string]*Field

	limits
	anyEnum  bool
	required []string
	// bit is the field's own among its siblings; needs are the bits of those of Fields
	// that are required. They hold for objects of at most 64 members.
	bit, needs uint64
}

// node is as much of a JSON Schema as fields are made of. The validator reads
// the whole file beside it.
type node struct {
	ID          string           `json:"$id"`
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Family      string           `json:"x-family"`
	Key         string           `json:"x-key"`
	Unit        string           `json:"x-unit"`
	Type        json.RawMessage  `json:"type"`
	Enum        []any            `json:"enum"`
	Actor       string           `json:"x-actor"`
	Target      string           `json:"x-target"`
	Required    []string         `json:"required"`
	Properties  map[string]*node `json:"properties"`
	Items       *node            `json:"items"`
	Additional  *bool            `json:"additionalProperties"`
	limits
}

// IDPrefix begins the $id of every type; its name and ".json" follow.
const IDPrefix = "https://assay.example/schemas/events/"

func parseType(name string, raw []byte) (*Type, error) {
	var n node
	if err := json.Unmarshal(raw, &n); err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	root := n.field(false)
	t := &Type{
		Name: name, Family: compliance.Family(n.Family), KeyField: n.Key,
		ActorField: n.Actor, TargetField: n.Target,
		Title: n.Title, Description: n.Description,
		Fields: root.Fields, Schema: raw, root: root, plain: plain(raw),
	}
	if err := n.lint(t); err != nil {
		return nil, err
	}
	check, err := compile(n.ID, raw)
	if err != nil {
		return nil, err
	}
	t.check = check
	return t, nil
}

func compile(id string, raw []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	// A schema stands alone: nothing is fetched, from the disk or elsewhere.
	c.UseLoader(jsonschema.SchemeURLLoader{})
	if err := c.AddResource(id, doc); err != nil {
		return nil, fmt.Errorf("adding the schema: %w", err)
	}
	s, err := c.Compile(id)
	if err != nil {
		return nil, fmt.Errorf("compiling the schema: %w", err)
	}
	return s, nil
}

// field is the declaration that n makes.
func (n *node) field(required bool) *Field {
	f := &Field{
		Kind: n.kind(), Required: required, Description: n.Description, Unit: n.Unit,
		limits: n.limits, anyEnum: n.Enum != nil, required: n.Required,
	}
	for _, v := range n.Enum {
		if s, ok := v.(string); ok {
			f.Enum = append(f.Enum, s)
		}
	}
	if n.Items != nil {
		f.Elem = n.Items.field(false)
	}
	if n.Properties != nil {
		f.Fields = make(map[string]*Field, len(n.Properties))
	}
	for i, name := range slices.Sorted(maps.Keys(n.Properties)) {
		member := n.Properties[name].field(slices.Contains(n.Required, name))
		member.bit = 1 << i
		if f.Fields[name] = member; member.Required {
			f.needs |= member.bit
		}
	}
	return f
}

func (n *node) kind() Kind {
	var one string
	if json.Unmarshal(n.Type, &one) != nil {
		return Any // absent, or several types
	}
	for k := String; k <= Map; k++ {
		if k.String() == one {
			return k
		}
	}
	return Any
}

// lint holds a file to what schemas/events/README.md promises.
func (n *node) lint(t *Type) error {
	var errs []error
	say := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want := IDPrefix + t.Name + ".json"
	say(n.ID == want, "$id is %q; it must be %q, after the file's name", n.ID, want)
	say(n.Title != "", "title is missing")
	say(n.Description != "", "description is missing")
	say(slices.Contains(compliance.Families(), t.Family), "x-family is %q; it must be one of %v", n.Family, compliance.Families())
	say(t.root.Kind == Map, `type must be "object"`)
	say(n.Additional == nil || *n.Additional, "additionalProperties must be true: sources may send more than controls read")
	say(t.keyed(), "x-key is %q; it must be a required string field with minLength 1, or %q", n.Key, SourceKey)
	for attribute, name := range map[string]string{"x-actor": t.ActorField, "x-target": t.TargetField} {
		f, ok := t.Fields[name]
		say(name == "" || ok && f.Kind == String, "%s is %q; it must be a string field, or absent", attribute, name)
	}
	for _, name := range slices.Sorted(maps.Keys(t.Fields)) {
		f := t.Fields[name]
		say(!slices.Contains(Reserved(), name), "field %s has the name of an attribute of the event; call it something else", name)
		say(f.Description != "", "field %s has no description", name)
		say((f.Kind != Int && f.Kind != Number) || f.Unit != "", "field %s is a number; x-unit must say its unit", name)
	}
	return errors.Join(errs...)
}

func (t *Type) keyed() bool {
	if t.KeyField == SourceKey {
		return true
	}
	f, ok := t.Fields[t.KeyField]
	return ok && f.Required && f.Kind == String
}
