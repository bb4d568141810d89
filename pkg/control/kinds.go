package control

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/decls"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/dictionary"
)

// Events are maps to CEL, so it accepts any field as any type. The schemas know
// better: what is surely a text is not compared with a number.

// kindOf is what an expression surely is; Any if nothing is sure.
func (c *compiler) kindOf(e ast.Expr, vars map[string]fieldSet) dictionary.Kind {
	switch e.Kind() {
	case ast.LiteralKind:
		switch e.AsLiteral().Value().(type) {
		case string:
			return dictionary.String
		case int64, uint64:
			return dictionary.Int
		case float64:
			return dictionary.Number
		case bool:
			return dictionary.Bool
		}
	case ast.ListKind:
		return dictionary.List
	case ast.IdentKind:
		if n, ok := c.evidence[e.AsIdent()]; ok && n.kind == nameCount {
			return dictionary.Int
		}
	case ast.SelectKind:
		s := e.AsSelect()
		if s.IsTestOnly() {
			return dictionary.Bool
		}
		return vars[nameOf(s.Operand())][s.FieldName()]
	case ast.CallKind:
		return c.kindOfOptional(e.AsCall(), vars)
	}
	return dictionary.Any
}

// kindOfOptional is what `event.?name.orValue(x)` surely is: the field's kind, if x is of it.
func (c *compiler) kindOfOptional(call ast.CallExpr, vars map[string]fieldSet) dictionary.Kind {
	if call.FunctionName() != "orValue" || !call.IsMemberFunction() {
		return dictionary.Any
	}
	if kind := kindIfThere(call.Target(), vars); kind == c.kindOf(call.Args()[0], vars) {
		return kind
	}
	return dictionary.Any
}

// kindIfThere is what `event.?name` surely is, if it is there.
func kindIfThere(e ast.Expr, vars map[string]fieldSet) dictionary.Kind {
	if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != operators.OptSelect {
		return dictionary.Any
	}
	args := e.AsCall().Args()
	name, _ := args[1].AsLiteral().Value().(string)
	return vars[nameOf(args[0])][name]
}

// checkCall refuses operands that can't go together.
func (c *compiler) checkCall(e ast.Expr, vars map[string]fieldSet, report report) {
	call := e.AsCall()
	args := call.Args()
	switch call.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot:
		for _, a := range args {
			if k := c.kindOf(a, vars); k != dictionary.Any && k != dictionary.Bool {
				report(a, fmt.Sprintf("this is a value of type %s, not true or false", k))
			}
		}
	case operators.Equals, operators.NotEquals, operators.Less, operators.LessEquals,
		operators.Greater, operators.GreaterEquals, operators.Add, operators.Subtract:
		c.checkPair(e, args[0], args[1], vars, report)
	case "at":
		c.checkAt(args[0], vars, report)
	case "bucket":
		if width, ok := args[1].AsLiteral().(types.String); args[1].Kind() == ast.LiteralKind && ok {
			if d, err := ParseDuration(string(width)); err != nil || d <= 0 {
				report(args[1], "a bucket is as wide as a duration above 0, such as '1h'")
			}
		}
	case operators.In:
		if args[1].Kind() == ast.ListKind {
			for _, element := range args[1].AsList().Elements() {
				c.checkPair(element, args[0], element, vars, report)
			}
		}
	default:
		c.checkArguments(call, vars, report)
	}
}

// checkArguments refuses what a function surely doesn't take.
func (c *compiler) checkArguments(call ast.CallExpr, vars map[string]fieldSet, report report) {
	f := c.env.Functions()[call.FunctionName()]
	if f == nil || strings.ContainsAny(call.FunctionName(), "_@") { // an operator
		return
	}
	args := call.Args()
	if call.IsMemberFunction() {
		args = append([]ast.Expr{call.Target()}, args...)
	}
	for i, arg := range args {
		kind := c.kindOf(arg, vars)
		takes := func(o *decls.OverloadDecl) bool {
			return o.IsMemberFunction() == call.IsMemberFunction() && len(o.ArgTypes()) == len(args) && fits(kind, o.ArgTypes()[i])
		}
		if kind != dictionary.Any && !slices.ContainsFunc(f.OverloadDecls(), takes) {
			report(arg, fmt.Sprintf("a value of type %s doesn't go with %s()", kind, call.FunctionName()))
		}
	}
}

// celKinds are CEL's names of the kinds.
var celKinds = map[dictionary.Kind]types.Kind{
	dictionary.String: types.StringKind, dictionary.Int: types.IntKind, dictionary.Number: types.DoubleKind,
	dictionary.Bool: types.BoolKind, dictionary.List: types.ListKind, dictionary.Map: types.MapKind, dictionary.Time: types.TimestampKind,
}

// fits tells whether a value of a kind may stand where CEL wants a type.
func fits(kind dictionary.Kind, want *types.Type) bool {
	return want.Kind() == types.DynKind || want.Kind() == types.TypeParamKind || want.Kind() == celKinds[kind]
}

// tellsTime tells whether a value of a kind may be a time, or a text that has one.
func tellsTime(kind dictionary.Kind) bool {
	return kind == dictionary.Any || kind == dictionary.Time || kind == dictionary.String
}

// checkOperand refuses to read fields of what surely has none.
func (c *compiler) checkOperand(at, of ast.Expr, vars map[string]fieldSet, report report) {
	if kind := cmp.Or(c.kindOf(of, vars), kindIfThere(of, vars)); kind != dictionary.Any && kind != dictionary.Map {
		report(at, fmt.Sprintf("a value of type %s has no fields", kind))
	}
}

func (c *compiler) checkPair(at, x, y ast.Expr, vars map[string]fieldSet, report report) {
	a, b := c.kindOf(x, vars), c.kindOf(y, vars)
	numbers := func(k dictionary.Kind) bool { return k == dictionary.Int || k == dictionary.Number }
	if a == dictionary.Any || b == dictionary.Any || a == b || numbers(a) && numbers(b) {
		return
	}
	report(at, fmt.Sprintf("a value of type %s doesn't go with one of type %s", a, b))
}

// checkKind refuses a whole expression that is surely something else than wanted.
func (c *compiler) checkKind(n *yaml.Node, p *Program, want *cel.Type) {
	wanted := map[*cel.Type]dictionary.Kind{cel.BoolType: dictionary.Bool, cel.StringType: dictionary.String}[want]
	if is := c.kindOf(p.ast.Expr(), c.fields); wanted != dictionary.Any && is != dictionary.Any && is != wanted {
		c.r.Problem(n, "this is a value of type %s, but %s is needed", is, wanted)
	}
}
