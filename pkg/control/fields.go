package control

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/dictionary"
)

// fieldSet are the fields that a variable may have; nil allows any.
type fieldSet map[string]bool

// fieldsOf are the attributes and the data fields of the types that match.
func (c *compiler) fieldsOf(n *yaml.Node, patterns []string) fieldSet {
	set := fieldSet{}
	for _, name := range attributes() {
		set[name] = true
	}
	for _, pattern := range patterns {
		types := matchingTypes(c.dictionary, pattern)
		if len(types) == 0 {
			c.r.problem(n, "no event type matches %q%s", pattern, didYouMean(pattern, c.dictionary.Names()))
			return nil
		}
		for _, t := range types {
			for name := range t.Fields {
				set[name] = true
			}
		}
	}
	return set
}

func matchingTypes(d *dictionary.Dictionary, pattern string) []*dictionary.Type {
	var types []*dictionary.Type
	for _, name := range d.Names() {
		if t, ok := d.Type(name); ok && TypeMatches(pattern, name) {
			types = append(types, t)
		}
	}
	return types
}

// TypeMatches tells whether an event type is meant by a pattern: a type's name,
// or a beginning and ".*".
func TypeMatches(pattern, eventType string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(eventType, prefix)
	}
	return pattern == eventType
}

// MatchesAny tells whether one of the patterns means the type.
func MatchesAny(patterns []string, eventType string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return TypeMatches(p, eventType) })
}

// checkFields refuses fields that no schema has: CEL lets them pass on maps.
func (c *compiler) checkFields(n *yaml.Node, p *Program) {
	vars := maps.Clone(c.fields)
	c.visitFields(p.ast.Expr(), vars, func(e ast.Expr, variable, field string, known fieldSet) {
		loc := p.ast.SourceInfo().GetStartLocation(e.ID())
		line, column := place(n, loc.Line(), loc.Column())
		names := slices.Sorted(maps.Keys(known))
		c.r.at(line, column, "%s has no field %q%s; it has %s", variable, field, didYouMean(field, names), strings.Join(names, ", "))
	})
}

type unknownField func(e ast.Expr, variable, field string, known fieldSet)

func (c *compiler) visitFields(e ast.Expr, vars map[string]fieldSet, report unknownField) {
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		c.read[s.FieldName()] = true
		if s.Operand().Kind() == ast.IdentKind {
			name := s.Operand().AsIdent()
			if known := vars[name]; known != nil && !known[s.FieldName()] {
				report(e, name, s.FieldName(), known)
			}
		}
	case ast.CallKind:
		c.noteIndex(e.AsCall())
	case ast.ComprehensionKind:
		comp := e.AsComprehension()
		if r := comp.IterRange(); r.Kind() == ast.IdentKind {
			inner := maps.Clone(vars)
			inner[comp.IterVar()] = c.fields[r.AsIdent()+"[]"]
			vars = inner
		}
	}
	for _, child := range children(e) {
		c.visitFields(child, vars, report)
	}
}

// noteIndex notes fields read as event["name"]; any other index may read all.
func (c *compiler) noteIndex(call ast.CallExpr) {
	if call.FunctionName() != "_[_]" {
		return
	}
	if index := call.Args()[1]; index.Kind() == ast.LiteralKind {
		if name, ok := index.AsLiteral().Value().(string); ok {
			c.read[name] = true
			return
		}
	}
	if call.Args()[0].Kind() == ast.IdentKind && c.fields[call.Args()[0].AsIdent()] != nil {
		c.readsAll = true
	}
}
