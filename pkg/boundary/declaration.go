package boundary

import (
	"fmt"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Table is the reference table that declares flows: refs.data_flows, with rows by
// [caller, kind, name].
const Table = "data_flows"

// Row is one of the declaration. A list that it leaves out bounds nothing, but for
// classes: what isn't said to go there may not.
type Row struct {
	Caller  string             `json:"caller"`
	Kind    Kind               `json:"kind"`
	Name    string             `json:"name"`
	Models  []string           `json:"models,omitempty"`
	Regions []string           `json:"regions,omitempty"`
	Classes []string           `json:"classes"`
	From    compliance.Instant `json:"from"`
	Until   compliance.Instant `json:"until"`
}

func (r *Row) names(f Flow) bool { return r.Caller == f.Caller && r.Kind == f.Kind && r.Name == f.Name }

func (r *Row) standing(f Flow) Standing {
	switch {
	case r.Models != nil && !slices.Contains(r.Models, f.Model):
		return ModelNotDeclared
	case r.Regions != nil && !slices.Contains(r.Regions, f.Region):
		return RegionNotDeclared
	case !slices.Contains(r.Classes, f.Class):
		return ClassNotDeclared
	}
	return Inside
}

// Declaration is the boundary as it is declared.
type Declaration struct{ rows []Row }

// Declared reads the declaration of a bundle; nil if it has none.
func Declared(declared control.Declarations) (*Declaration, error) {
	table := declared.Refs[Table]
	if table == nil {
		return nil, nil
	}
	d := &Declaration{}
	for _, r := range table.Rows() {
		row, err := rowOf(r)
		if err != nil {
			return nil, fmt.Errorf("%s, refs.%s: %w", control.BoundaryFile, Table, err)
		}
		d.rows = append(d.rows, row)
	}
	return d, nil
}

func rowOf(r control.DeclaredRow) (Row, error) {
	row := Row{From: r.From, Until: r.Until}
	key := make([]string, len(r.Parts))
	for i, part := range r.Parts {
		key[i] = fmt.Sprint(part)
	}
	if len(key) != 3 {
		return row, compliance.Errorf(compliance.Invalid, "the key %v isn't [caller, kind, name]", r.Parts)
	}
	row.Caller, row.Kind, row.Name = key[0], Kind(key[1]), key[2]
	if !slices.Contains([]Kind{Provider, Tool, Store}, row.Kind) {
		return row, compliance.Errorf(compliance.Invalid, "the key %v has the kind %q; it is provider, tool or store", r.Parts, row.Kind)
	}
	lists := map[string]*[]string{"models": &row.Models, "regions": &row.Regions, "classes": &row.Classes}
	for name, value := range r.Fields {
		into := lists[name]
		if into == nil {
			continue
		}
		list, ok := value.([]any)
		if !ok {
			return row, compliance.Errorf(compliance.Invalid, "the row %v: %s is a list of texts", r.Parts, name)
		}
		*into = []string{}
		for _, v := range list {
			*into = append(*into, fmt.Sprint(v))
		}
	}
	if row.Classes == nil {
		return row, compliance.Errorf(compliance.Invalid, "the row %v needs classes:, those of the data that may go there", r.Parts)
	}
	return row, nil
}

// standing is what the declaration says of a flow at a time.
func (d *Declaration) standing(f Flow, at compliance.Instant) Standing {
	if d == nil {
		return NothingDeclared
	}
	says := NotDeclared
	for i := range d.rows {
		row := &d.rows[i]
		if !row.names(f) {
			continue
		}
		if row.From <= at && at < row.Until {
			return row.standing(f)
		}
		says = NotThen
	}
	return says
}

// unused are the rows of a period that no flow goes by.
func (d *Declaration) unused(seen map[Flow]*Edge, from, to compliance.Instant) []Row {
	unused := []Row{}
	if d == nil {
		return unused
	}
	for _, row := range d.rows {
		used := false
		for f := range seen {
			used = used || row.names(f)
		}
		if !used && row.From < to && from < row.Until {
			unused = append(unused, row)
		}
	}
	return unused
}
