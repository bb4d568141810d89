package control

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// fieldSet are the fields that a variable may have, and their kinds; nil allows any.
type fieldSet map[string]dictionary.Kind

func (s fieldSet) has(name string) bool {
	_, ok := s[name]
	return ok
}

// fieldsOf are the attributes and the data fields of the types that match.
func (c *compiler) fieldsOf(n *yaml.Node, patterns []string) fieldSet {
	if len(patterns) == 0 {
		return nil // reported already
	}
	set := fieldSet{
		"id": dictionary.String, "source": dictionary.String, "type": dictionary.String,
		"time": dictionary.Time, "sequence": dictionary.Int,
	}
	for _, pattern := range patterns {
		types := matchingTypes(c.dictionary, pattern)
		if len(types) == 0 {
			c.r.Problem(n, "no event type matches %q%s", pattern, document.DidYouMean(pattern, c.dictionary.Names()))
			return nil
		}
		for _, t := range types {
			for name, f := range t.Fields {
				if kind, known := set[name]; known && kind != f.Kind {
					set[name] = dictionary.Any // the types disagree
					continue
				}
				set[name] = f.Kind
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
		return strings.HasPrefix(eventType, prefix) && !IsVerdict(eventType)
	}
	return pattern == eventType
}

// MatchesAny tells whether one of the patterns means the type.
func MatchesAny(patterns []string, eventType string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return TypeMatches(p, eventType) })
}

// checkFields refuses fields that no schema has, and kinds that don't go
// together: CEL lets both pass on maps.
func (c *compiler) checkFields(n *yaml.Node, p *Program) {
	c.visitFields(p.ast.Expr(), maps.Clone(c.fields), func(e ast.Expr, text string) {
		loc := p.ast.SourceInfo().GetStartLocation(e.ID())
		line, column := c.r.Place(n, loc.Line(), loc.Column())
		c.r.At(line, column, "%s", text)
	})
}

// noField says that a variable has no such field.
func noField(variable, field string, known fieldSet) string {
	names := slices.Sorted(maps.Keys(known))
	return fmt.Sprintf("%s has no field %q%s; it has %s", variable, field, document.DidYouMean(field, names), strings.Join(names, ", "))
}

type report func(e ast.Expr, text string)

func (c *compiler) visitFields(e ast.Expr, vars map[string]fieldSet, report report) {
	switch e.Kind() {
	case ast.SelectKind:
		s := e.AsSelect()
		c.read[s.FieldName()] = true
		checkField(e, s.Operand(), s.FieldName(), vars, report)
		c.checkOperand(e, s.Operand(), vars, report)
	case ast.CallKind:
		c.noteIndex(e.AsCall(), vars, report)
		c.checkCall(e, vars, report)
	case ast.ComprehensionKind:
		comp := e.AsComprehension()
		if r := comp.IterRange(); r.Kind() == ast.IdentKind {
			inner := maps.Clone(vars)
			inner[comp.IterVar()] = c.fields[r.AsIdent()+"[]"]
			inner[comp.IterVar()+".item"] = c.fields[r.AsIdent()+"[].item"]
			vars = inner
		}
	}
	for _, child := range children(e) {
		c.visitFields(child, vars, report)
	}
}

func checkField(e, of ast.Expr, field string, vars map[string]fieldSet, report report) {
	variable := nameOf(of)
	if known := vars[variable]; known != nil && !known.has(field) {
		report(e, noField(variable, field, known))
	}
}

// nameOf is a variable, or a field of one, as it is written; empty for anything else.
func nameOf(e ast.Expr) string {
	switch {
	case e.Kind() == ast.IdentKind:
		return e.AsIdent()
	case e.Kind() == ast.SelectKind && e.AsSelect().Operand().Kind() == ast.IdentKind:
		return e.AsSelect().Operand().AsIdent() + "." + e.AsSelect().FieldName()
	}
	return ""
}

// noteIndex notes fields read as event["name"] or event.?name; any other index may
// read all.
func (c *compiler) noteIndex(call ast.CallExpr, vars map[string]fieldSet, report report) {
	switch call.FunctionName() {
	case operators.Index, operators.OptIndex, operators.OptSelect:
	default:
		return
	}
	of, index := call.Args()[0], call.Args()[1]
	if index.Kind() == ast.LiteralKind {
		if name, ok := index.AsLiteral().Value().(string); ok {
			c.read[name] = true
			checkField(index, of, name, vars, report)
			c.checkOperand(index, of, vars, report)
			return
		}
	}
	if of.Kind() == ast.IdentKind && c.fields[of.AsIdent()] != nil {
		c.readsAll = true
	}
}
