package controltest

import (
	"fmt"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/document"
)

// MutantsOf are the changed files that mutants are made of, by what was changed.
func MutantsOf(rules *document.Document) map[string]*document.Document {
	all := map[string]*document.Document{}
	for i, m := range mutations(rules.Root) {
		all[fmt.Sprintf("%s:%d: %s: %s (%d)", rules.File, m.place.Line, m.name, m.old, i)] = &document.Document{File: rules.File, Root: clone(rules.Root, m.node, m.change)}
	}
	return all
}

// Subject is the control of a file, in the version that the file has.
func Subject(b *control.Bundle, rules *document.Document) *control.Control {
	return version(subject(b, rules), rules)
}
