package control

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/cost"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"
	"go.yaml.in/yaml/v3"

	"assay.example/assay/pkg/dictionary"
)

// costLimit bounds one evaluation of one condition, so that no control file can
// stop a partition. A trace of 2,000 spans searched once costs about 100,000.
const costLimit = 50_000_000

// Program is one compiled condition or expression.
type Program struct {
	Source  string
	program cel.Program
	quick   quick // nil: only CEL can
	ast     *ast.AST
}

// Eval computes p in s. An error says why the value is unknown.
func (p *Program) Eval(s *Scope) (any, error) {
	if p.quick != nil {
		if v, ok := p.quick(s); ok {
			return v, nil
		}
	}
	return p.slowly(s)
}

// slowly computes p with CEL.
func (p *Program) slowly(s *Scope) (any, error) {
	v, _, err := p.program.Eval(s)
	if err != nil {
		return nil, err
	}
	return v.Value(), nil
}

// Bool computes a condition.
func (p *Program) Bool(s *Scope) (bool, error) {
	v, err := p.Eval(s)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, fmt.Errorf("%s is %T, not true or false", p.Source, v)
	}
	return b, nil
}

// Rows computes a list of rows, as `over:` does, whether they were heard or not.
func (p *Program) Rows(s *Scope) ([]View, error) {
	v, _, err := p.program.Eval(s.believing())
	if err != nil {
		return nil, err
	}
	if t, ok := v.(*Table); ok {
		return t.all(), nil
	}
	list, ok := v.Value().([]map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is %T, not a list of rows", p.Source, v.Value())
	}
	rows := make([]View, len(list))
	for i, m := range list {
		rows[i] = m
	}
	return rows, nil
}

// language is the CEL environment that every control shares; a control extends
// it with the names of its own. The libraries are of one version each, so that what a
// control says doesn't change with the release that reads it.
// It is made once: that takes longer than all the rest of a small control.
var language = sync.OnceValues(func() (*cel.Env, error) {
	return cel.NewEnv(
		cel.EnableMacroCallTracking(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.OptionalTypes(),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		ext.Strings(ext.StringsVersion(5)),
		ext.Lists(ext.ListsVersion(5)),
		ext.Encoders(ext.EncodersVersion(1)),
		ext.Network(ext.NetworkVersion(ext.Version1)),
		ext.Bindings(ext.BindingsVersion(1)),
		cel.Variable("item", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("event", cel.MapType(cel.StringType, cel.DynType)),
		cel.Variable("part", cel.MapType(cel.StringType, cel.DynType)),
		cel.Function("precedes", cel.MemberOverload("list_precedes",
			[]*cel.Type{cel.ListType(cel.DynType), cel.DynType, cel.DynType}, cel.BoolType,
			cel.FunctionBinding(precedesBinding))),
		cel.Function("of", cel.MemberOverload("table_of",
			[]*cel.Type{cel.DynType, cel.DynType}, cel.ListType(cel.DynType),
			cel.BinaryBinding(ofBinding))),
		cel.Function("at", cel.MemberOverload("table_at",
			[]*cel.Type{cel.DynType, cel.DynType}, cel.DynType,
			cel.BinaryBinding(atBinding))),
		cel.Function("bucket", cel.Overload("bucket_time_text",
			[]*cel.Type{cel.DynType, cel.StringType}, cel.StringType,
			cel.BinaryBinding(bucketBinding))),
		cel.Function("span", cel.Overload("span_text", []*cel.Type{cel.DynType}, cel.DurationType,
			cel.UnaryBinding(spanBinding))),
		cel.Function("json", cel.Overload("json_string", []*cel.Type{cel.StringType}, cel.DynType,
			cel.UnaryBinding(jsonBinding))),
		cel.CostModel(cost.Overload("json_string", cost.EvalCost(cost.Length(cost.Arg(0))))),
		cel.Function("before", cel.MemberOverload("event_before",
			[]*cel.Type{cel.DynType, cel.DynType}, cel.BoolType,
			cel.BinaryBinding(beforeBinding))),
	)
})

// bucketBinding is `bucket(time, '1h')`: the start of the slice of time that holds
// it, as a text for an item's id. Slices are counted from the year 1, in UTC.
func bucketBinding(at, width ref.Val) ref.Val {
	t, ok := at.Value().(time.Time)
	text, _ := width.Value().(string)
	d, err := ParseDuration(text)
	if !ok || err != nil || d <= 0 {
		return types.NewErr("bucket needs a time and a duration, such as bucket(event.time, '1h')")
	}
	return types.String(t.UTC().Truncate(d).Format(time.RFC3339))
}

// spanBinding is `span("30d")`: a duration as intervals write it.
func spanBinding(text ref.Val) ref.Val {
	s, _ := text.Value().(string)
	d, err := ParseDuration(s)
	if err != nil {
		return types.NewErr("span: %v", err)
	}
	return types.Duration{Duration: d}
}

// jsonBinding is `json(text)`: what a text that is JSON says, as events are read; null if it is
// none.
func jsonBinding(text ref.Val) ref.Val {
	s, _ := text.Value().(string)
	said, err := dictionary.Parse([]byte(s), dictionary.EventLimits)
	if err != nil {
		return types.NullValue
	}
	return types.DefaultTypeAdapter.NativeToValue(said)
}

func ofBinding(table, prefix ref.Val) ref.Val {
	t, ok := table.(*Table)
	if !ok {
		return types.NewErr(".of() needs a reference table")
	}
	return t.of(prefix)
}

// beforeBinding is `a.before(b)`: the order of events (time, source, id).
func beforeBinding(x, y ref.Val) ref.Val {
	a, okA := viewOfVal(x)
	b, okB := viewOfVal(y)
	if !okA || !okB {
		return types.NewErr("before compares two events")
	}
	return types.Bool(compareViews(a, b) < 0)
}

// compile checks and plans one expression; a fault becomes a problem at its place.
func (c *compiler) compile(n *yaml.Node, want *cel.Type) *Program {
	if n == nil {
		return nil
	}
	src := c.r.Text(n, "a condition")
	if src == "" {
		c.r.Problem(n, "an expression is missing here")
		return nil
	}
	checked, issues := c.env.Compile(src)
	if issues.Err() != nil {
		for i, e := range issues.Errors() {
			if i > 0 && strings.HasPrefix(e.Message, syntaxError) {
				break // it follows from the one before
			}
			line, column := c.r.Place(n, e.Location.Line(), e.Location.Column())
			c.r.At(line, column, "%s", c.faultOf(e.Message))
		}
		return nil
	}
	if t := checked.OutputType(); want != cel.DynType && !t.IsAssignableType(want) && !t.IsExactType(types.DynType) {
		c.r.Problem(n, "this is %s, but %s is needed", cel.FormatCELType(t), cel.FormatCELType(want))
		return nil
	}
	p, err := c.plan(checked.NativeRep(), src)
	if err != nil {
		c.r.Problem(n, "%v", err)
		return nil
	}
	c.noteDeclared(p)
	c.checkFields(n, p)
	c.checkKind(n, p, want)
	c.checkCost(n, checked)
	return p
}

func (c *compiler) plan(a *ast.AST, src string) (*Program, error) {
	program, err := c.env.PlanProgram(a, cel.CostLimit(costLimit))
	if err != nil {
		return nil, fmt.Errorf("planning %q: %w", src, err)
	}
	return &Program{Source: src, program: program, quick: quicken(a.Expr()), ast: a}, nil
}

// path reads `event.a.b` or `item.a`; root is the name that must lead.
func (c *compiler) path(n *yaml.Node, text, root string) Path {
	rest, ok := strings.CutPrefix(strings.TrimSpace(text), root+".")
	names := strings.Split(rest, ".")
	if !ok {
		c.r.Problem(n, "%q must be a field, %s.<name>", text, root)
		return nil
	}
	for _, name := range names {
		if name == "" || strings.ContainsAny(name, " ()[]+*/\"'") {
			c.r.Problem(n, "%q must be a plain field, %s.<name>", text, root)
			return nil
		}
	}
	return names
}
