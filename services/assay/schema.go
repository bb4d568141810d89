package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/schemas"
)

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema control|boundary|test",
		Short: "Print the JSON schema of control files, for editors",
		Long: `Print the JSON schema (2020-12) of control files, of boundary.yaml or of the tests
beside controls, with the event types and their fields filled in. An editor with a
YAML language server then completes keys and types, and explains them:

  assay schema control > control.schema.json

and as the first line of a control file

  # yaml-language-server: $schema=control.schema.json

What the schema takes is well formed; assay lint says whether it is sound.`,
		Args:      cobra.ExactArgs(1),
		ValidArgs: []string{"control", "boundary", "test"},
		RunE: func(_ *cobra.Command, args []string) error {
			schema, err := schemaOf(args[0])
			if err != nil {
				return err
			}
			encoder := json.NewEncoder(a.out)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			return encoder.Encode(schema)
		},
	}
}

// object is a part of a JSON schema.
type object = map[string]any

// schemaOf is the schema of a kind of file, with the dictionary's types.
func schemaOf(kind string) (object, error) {
	text, err := schemas.FS.ReadFile("controls/" + kind + ".schema.json")
	if err != nil {
		return nil, compliance.Errorf(compliance.Invalid, "there is no kind of file %q; it is control, boundary or test", kind)
	}
	types, err := dictionary.Default()
	if err != nil {
		return nil, err
	}
	whole := object{}
	var parts struct {
		Properties map[string]object `json:"properties"`
		Defs       map[string]object `json:"$defs"`
	}
	for _, into := range []any{&whole, &parts} {
		if err := json.Unmarshal(text, into); err != nil {
			return nil, fmt.Errorf("reading the schema of %s files: %w", kind, err)
		}
	}
	nameTypes(parts.Defs["event_type"], types, kind != "test")
	if kind == "test" {
		parts.Properties["defaults"]["properties"] = describeData(parts.Defs, types)
	}
	whole["properties"], whole["$defs"] = parts.Properties, parts.Defs
	return whole, nil
}

// nameTypes lists the event types, and their beginnings where those may stand.
func nameTypes(def object, types *dictionary.Dictionary, beginnings bool) {
	delete(def, "pattern")
	var names []any
	for _, name := range types.Names() {
		t, _ := types.Type(name)
		names = append(names, object{"const": name, "description": t.Title})
	}
	if beginnings {
		names = append(names, object{"pattern": `\*$`})
	}
	def["anyOf"] = names
}

// describeData says, for each type, which fields the data of its events have, and
// gives what the defaults of types are then.
func describeData(defs map[string]object, types *dictionary.Dictionary) object {
	var rules []any
	defaults := object{}
	for _, name := range types.Names() {
		t, _ := types.Type(name)
		defs["data_of_"+name] = dataOf(t)
		fields := object{"properties": object{"data": object{"$ref": "#/$defs/data_of_" + name}}}
		rules = append(rules, object{
			"if":   object{"properties": object{"type": object{"const": name}}, "required": []string{"type"}},
			"then": fields,
		})
		defaults[name] = object{"allOf": []any{object{"$ref": "#/$defs/defaults"}, fields}}
	}
	defs["event"]["allOf"] = rules
	return defaults
}

// dataOf is what an event of a type may say. A field may be null, which leaves it out;
// whether what is left is complete, assay lint knows.
func dataOf(t *dictionary.Type) object {
	properties := object{}
	for name, f := range t.Fields {
		property := object{"description": f.Description}
		if len(f.Enum) > 0 {
			values := []any{nil}
			for _, v := range f.Enum {
				values = append(values, v)
			}
			property["enum"] = values
		}
		properties[name] = property
	}
	return object{"description": t.Description, "type": []string{"object", "null"}, "properties": properties}
}
