package control

import (
	"cmp"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
)

// quick computes an expression as CEL would, without its machinery, or says that it can't:
// then CEL is asked. It knows fields, names and literals of text, whole numbers and
// booleans, compared and joined by &&, || and !. Whatever else there is, a missing field, a
// type that doesn't fit, another function, is CEL's alone, errors included: so the two can
// only agree, or a test tells.
type quick func(*Scope) (value any, ok bool)

// quicken is nil for what isn't of that kind.
func quicken(e ast.Expr) quick {
	switch e.Kind() {
	case ast.LiteralKind:
		v, ok := scalar(e.AsLiteral().Value())
		return func(*Scope) (any, bool) { return v, ok }
	case ast.IdentKind:
		return quickName(e.AsIdent())
	case ast.SelectKind:
		if s := e.AsSelect(); !s.IsTestOnly() && s.Operand().Kind() == ast.IdentKind {
			return quickField(s.Operand().AsIdent(), s.FieldName())
		}
	case ast.CallKind:
		return quickCall(e.AsCall())
	}
	return nil
}

// scalar is a value of the kinds that are known here.
func scalar(v any) (any, bool) {
	switch x := v.(type) {
	case string, bool, int64:
		return v, true
	case types.Int:
		return int64(x), true
	}
	return nil, false
}

func quickName(name string) quick {
	return func(s *Scope) (any, bool) {
		if v, known := s.control.names[name]; known {
			if value, ok := v(s); ok {
				return scalar(value)
			}
		}
		return nil, false
	}
}

func quickField(of, name string) quick {
	fieldOf := func(f Fields) (any, bool) {
		if f == nil {
			return nil, false
		}
		return scalar(f.Field(name))
	}
	switch of {
	case "event":
		return func(s *Scope) (any, bool) { return fieldOf(s.Event) }
	case "item":
		return func(s *Scope) (any, bool) { return fieldOf(s.Item) }
	case "part":
		return func(s *Scope) (any, bool) { return fieldOf(s.Part) }
	}
	return nil
}

func quickCall(c ast.CallExpr) quick {
	of := make([]quick, len(c.Args()))
	for i, arg := range c.Args() {
		if of[i] = quicken(arg); of[i] == nil {
			return nil
		}
	}
	switch name := c.FunctionName(); name {
	case operators.LogicalNot:
		return func(s *Scope) (any, bool) {
			v, ok := truth(of[0], s)
			return !v, ok
		}
	case operators.LogicalAnd:
		return quickJoin(of[0], of[1], false)
	case operators.LogicalOr:
		return quickJoin(of[0], of[1], true)
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals, operators.Greater, operators.GreaterEquals:
		return quickCompare(name, of[0], of[1])
	}
	return nil
}

func truth(q quick, s *Scope) (value, ok bool) {
	v, ok := q(s)
	value, is := v.(bool)
	return value, ok && is
}

// quickJoin is decided by the left side alone if that has the deciding value.
func quickJoin(left, right quick, deciding bool) quick {
	return func(s *Scope) (any, bool) {
		v, ok := truth(left, s)
		if ok && v != deciding {
			v, ok = truth(right, s)
		}
		return v, ok
	}
}

func quickCompare(operator string, left, right quick) quick {
	return func(s *Scope) (any, bool) {
		a, okA := left(s)
		b, okB := right(s)
		if !okA || !okB {
			return nil, false
		}
		switch x := a.(type) {
		case string:
			if y, same := b.(string); same {
				return ordered(operator, cmp.Compare(x, y)), true
			}
		case int64:
			if y, same := b.(int64); same {
				return ordered(operator, cmp.Compare(x, y)), true
			}
		case bool:
			if y, same := b.(bool); same && (operator == operators.Equals || operator == operators.NotEquals) {
				return (x == y) == (operator == operators.Equals), true
			}
		}
		return nil, false
	}
}

func ordered(operator string, order int) bool {
	switch operator {
	case operators.Equals:
		return order == 0
	case operators.NotEquals:
		return order != 0
	case operators.Less:
		return order < 0
	case operators.LessEquals:
		return order <= 0
	case operators.Greater:
		return order > 0
	}
	return order >= 0
}
