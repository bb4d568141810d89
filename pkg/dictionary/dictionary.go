package dictionary

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/schemas"
)

// Dictionary is the set of event types. It never changes after Load, and is
// safe for concurrent use.
type Dictionary struct {
	types map[string]*Type
	names []string
}

// Type is one type of event.
type Type struct {
	// Name is the CloudEvents type, such as "deploy.completed".
	Name   string
	Family compliance.Family
	// KeyField is the field whose value is the Kafka key; SourceKey says that it
	// is the event's source instead.
	KeyField string
	// ActorField and TargetField say who did something and to what; empty where
	// the type has no such field.
	ActorField, TargetField string
	// Title is one short sentence, Description says the same at length.
	Title       string
	Description string
	// Fields are the declared fields by name. Events may carry others too, which
	// nothing may depend on.
	Fields map[string]*Field
	// Schema is the file, byte for byte.
	Schema []byte

	root  *Field
	plain bool // root.fits may decide
	check *jsonschema.Schema
}

// SourceKey as a KeyField: events of this type are keyed by their source.
const SourceKey = "source"

// Reserved lists the names that no schema may declare: they are attributes of
// the event, and controls read both through one name.
func Reserved() []string { return []string{"id", "source", "type", "time", "tenant", "sequence"} }

// Default loads the types that the product ships.
func Default() (*Dictionary, error) {
	sub, err := fs.Sub(schemas.FS, "events")
	if err != nil {
		return nil, fmt.Errorf("opening the embedded event types: %w", err)
	}
	return Load(sub)
}

// Load reads every *.json at the top of fsys; an error names the file.
func Load(fsys fs.FS) (*Dictionary, error) {
	files, err := fs.Glob(fsys, "*.json")
	if err != nil {
		return nil, fmt.Errorf("listing event types: %w", err)
	}
	if len(files) == 0 {
		return nil, compliance.Errorf(compliance.NotFound, "there are no event types (*.json) in the folder")
	}
	d := &Dictionary{types: make(map[string]*Type, len(files))}
	for _, file := range files {
		raw, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("reading event type %s: %w", file, err)
		}
		t, err := parseType(strings.TrimSuffix(file, ".json"), raw)
		if err != nil {
			return nil, compliance.Errorf(compliance.Invalid, "event type %s: %w", file, err)
		}
		d.types[t.Name] = t
	}
	d.names = slices.Sorted(maps.Keys(d.types))
	return d, nil
}

// Type finds a type by its exact name.
func (d *Dictionary) Type(name string) (*Type, bool) {
	t, ok := d.types[name]
	return t, ok
}

// Find is Type with an error that suggests the nearest names.
func (d *Dictionary) Find(name string) (*Type, error) {
	if t, ok := d.types[name]; ok {
		return t, nil
	}
	fault := Fault{Reason: "there is no event type " + quote(name), Hint: d.suggest(name)}
	return nil, Refuse(CodeUnknownType, fault)
}

// Names lists the types, sorted. The slice is the caller's.
func (d *Dictionary) Names() []string { return slices.Clone(d.names) }

// Key is the Kafka key of an event of this type, whose data Decode returned.
func (t *Type) Key(data map[string]any, source string) string {
	if t.KeyField == SourceKey {
		return source
	}
	key, _ := data[t.KeyField].(string)
	return key
}

func (d *Dictionary) suggest(name string) string {
	near := nearest(name, d.names)
	if len(near) == 0 {
		return "GET /v1/types lists the types; schemas/events has their fields"
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// nearest lists up to three of names that look like name, the nearest first.
func nearest(name string, names []string) []string {
	const most = 64 // a longer name resembles nothing, and would cost much to compare
	if name == "" || len(name) > most {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, n := range names {
		dist := levenshtein.ComputeDistance(strings.ToLower(name), n)
		if dist <= max(2, len(n)/3) {
			near = append(near, candidate{n, dist})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	out := make([]string, 0, 3)
	for _, c := range near[:min(3, len(near))] {
		out = append(out, c.name)
	}
	return out
}
