package control

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Truth is three-valued: a condition over evidence that may still come.
type Truth int8

// The values of Truth.
const (
	Unknown Truth = iota
	False
	True
)

// Knowledge says what is known of an expectation's evidence at some watermark.
type Knowledge int8

// The kinds of knowledge.
const (
	// Opaque: nothing can be said yet; even what has matched may stop counting.
	Opaque Knowledge = iota
	// Growing: what has matched stays matched, and more may come.
	Growing
	// Exact: nothing on time can change it.
	Exact
)

// Condition is a boolean over expectations, kept as a Kleene tree whose leaves
// can be decided early: `count >= k` is final once true, `count <= k` once
// false, everything else when its intervals are closed.
type Condition struct {
	Source string
	root   node
	whole  *Program
	// Reads are the indices of the expectations it reads, itself or through
	// the anchors of their intervals; sorted.
	Reads []int
}

// Decide computes the condition from what is known, and says why it isn't, where
// that is not for want of evidence.
func (c *Condition) Decide(s *Scope, known []Knowledge) (t Truth, doubt Doubt) {
	t = c.root.decide(s, known, &doubt)
	return t, doubt
}

// Final computes the whole condition two-valued, as if everything were known. It
// is a second definition, for tests and for re-performing closed verdicts.
func (c *Condition) Final(s *Scope) (bool, error) { return c.whole.Bool(s) }

type node interface {
	decide(s *Scope, known []Knowledge, doubt *Doubt) Truth
}

type both struct{ left, right node }

func (b both) decide(s *Scope, known []Knowledge, doubt *Doubt) Truth {
	l, r := b.left.decide(s, known, doubt), b.right.decide(s, known, doubt)
	switch {
	case l == False || r == False:
		return False
	case l == True && r == True:
		return True
	}
	return Unknown
}

type either struct{ left, right node }

func (e either) decide(s *Scope, known []Knowledge, doubt *Doubt) Truth {
	l, r := e.left.decide(s, known, doubt), e.right.decide(s, known, doubt)
	switch {
	case l == True || r == True:
		return True
	case l == False && r == False:
		return False
	}
	return Unknown
}

type not struct{ of node }

func (n not) decide(s *Scope, known []Knowledge, doubt *Doubt) Truth {
	switch n.of.decide(s, known, doubt) {
	case True:
		return False
	case False:
		return True
	}
	return Unknown
}

type leaf struct {
	program *Program
	reads   []int
	trend   trend
}

func (l leaf) decide(s *Scope, known []Knowledge, doubt *Doubt) Truth {
	least := Exact
	for _, i := range l.reads {
		least = min(least, known[i])
	}
	if least == Opaque || least == Growing && l.trend == mixed {
		return Unknown
	}
	b, err := l.program.Bool(s)
	if err != nil {
		why := DoubtOf(err)
		why.Failed = why.Failed && least == Exact
		*doubt = doubt.Or(why)
		return Unknown
	}
	switch {
	case b && (least == Exact || l.trend == rising):
		return True
	case !b && (least == Exact || l.trend == falling):
		return False
	}
	return Unknown
}

// early tells whether a node can be true, or false, before its intervals end.
func early(n node) (canBeTrue, canBeFalse bool) {
	switch n := n.(type) {
	case both:
		lt, lf := early(n.left)
		rt, rf := early(n.right)
		return lt && rt, lf || rf
	case either:
		lt, lf := early(n.left)
		rt, rf := early(n.right)
		return lt || rt, lf && rf
	case not:
		t, f := early(n.of)
		return f, t
	case leaf:
		return n.trend == rising || n.trend == constantly, n.trend == falling || n.trend == constantly
	}
	return true, true
}

func (c *Control) decidesEarly() bool {
	read, moves := map[int]bool{}, false
	for _, cond := range c.deciding() {
		if t, f := early(cond.root); t || f {
			return true
		}
		walkLeaves(cond.root, func(l leaf) {
			moves = moves || l.trend == rising || l.trend == falling
			for _, i := range l.reads {
				read[i] = true
			}
		})
	}
	if moves && len(read) > 1 { // once the interval of one has ended, evidence of another may decide
		return true
	}
	anchored := func(e *Expectation) bool { return e.Pick == PickFirst || len(e.anchors()) > 0 || e.Verdicts != nil }
	return c.Expand != nil || c.Population.Having != nil || slices.ContainsFunc(c.Expectations, anchored)
}

// trend is how an expression moves as evidence grows.
type trend int8

const (
	constantly trend = iota // reads no evidence
	rising                  // false → true, or a number or list that only grows
	falling                 // true → false
	mixed
)

func (t trend) flip() trend {
	switch t {
	case rising:
		return falling
	case falling:
		return rising
	}
	return t
}

func join(a, b trend) trend {
	switch {
	case a == constantly:
		return b
	case b == constantly || a == b:
		return a
	}
	return mixed
}

// nameKind is what a name of an expectation stands for.
type nameKind int8

const (
	nameList nameKind = iota
	nameCount
	nameOther
)

type evidenceName struct {
	of   int
	kind nameKind
}

// trends finds how expressions move; names are those of expectations.
type trends struct{ names map[string]evidenceName }

func (t trends) of(e ast.Expr) trend {
	switch e.Kind() {
	case ast.IdentKind:
		n, ok := t.names[e.AsIdent()]
		switch {
		case !ok:
			return constantly
		case n.kind == nameOther:
			return mixed
		}
		return rising
	case ast.CallKind:
		return t.ofCall(e.AsCall())
	case ast.ComprehensionKind:
		return t.ofComprehension(e.AsComprehension())
	}
	return t.anyOf(children(e))
}

// anyOf is mixed as soon as one of the parts reads evidence.
func (t trends) anyOf(parts []ast.Expr) trend {
	for _, p := range parts {
		if t.of(p) != constantly {
			return mixed
		}
	}
	return constantly
}

func (t trends) ofCall(c ast.CallExpr) trend {
	args := c.Args()
	switch c.FunctionName() {
	case operators.LogicalAnd, operators.LogicalOr, operators.Add:
		return join(t.of(args[0]), t.of(args[1]))
	case operators.LogicalNot:
		return t.of(args[0]).flip()
	case operators.NotStrictlyFalse:
		return t.of(args[0])
	case operators.Greater, operators.GreaterEquals:
		return join(t.of(args[0]), t.of(args[1]).flip())
	case operators.Less, operators.LessEquals:
		return join(t.of(args[0]).flip(), t.of(args[1]))
	case operators.Equals:
		return t.ofZero(args).flip()
	case operators.NotEquals:
		return t.ofZero(args)
	case "size":
		if c.IsMemberFunction() {
			return t.of(c.Target())
		}
		return t.of(args[0])
	case operators.Conditional:
		if t.of(args[0]) == constantly {
			return join(t.of(args[1]), t.of(args[2]))
		}
		return mixed
	}
	if c.IsMemberFunction() {
		args = append([]ast.Expr{c.Target()}, args...)
	}
	return t.anyOf(args)
}

// ofZero is the trend of `a != b`: rising where a count is compared with zero.
func (t trends) ofZero(args []ast.Expr) trend {
	a, b := t.of(args[0]), t.of(args[1])
	switch {
	case a == constantly && b == constantly:
		return constantly
	case a == rising && isZero(args[1]), b == rising && isZero(args[0]):
		return rising
	}
	return mixed
}

func isZero(e ast.Expr) bool {
	return e.Kind() == ast.LiteralKind && e.AsLiteral().Value() == int64(0)
}

func (t trends) ofComprehension(c ast.ComprehensionExpr) trend {
	over := t.of(c.IterRange())
	body, quantifier := quantified(c)
	if quantifier == "" {
		if over == constantly && t.of(c.LoopStep()) == constantly && t.of(c.AccuInit()) == constantly &&
			t.of(c.LoopCondition()) == constantly && t.of(c.Result()) == constantly {
			return constantly
		}
		return mixed
	}
	inner := t.of(body)
	switch {
	case over == constantly:
		return inner
	case over == rising && quantifier == operators.Exists && (inner == constantly || inner == rising):
		return rising
	case over == rising && quantifier == operators.All && (inner == constantly || inner == falling):
		return falling
	}
	return mixed
}

// quantified recognises what the macros exists and all expand to.
func quantified(c ast.ComprehensionExpr) (body ast.Expr, quantifier string) {
	if c.AccuInit().Kind() != ast.LiteralKind || c.LoopStep().Kind() != ast.CallKind {
		return nil, ""
	}
	step := c.LoopStep().AsCall()
	if len(step.Args()) != 2 || c.Result().Kind() != ast.IdentKind {
		return nil, ""
	}
	switch init := c.AccuInit().AsLiteral().Value(); {
	case init == false && step.FunctionName() == operators.LogicalOr:
		return step.Args()[1], operators.Exists
	case init == true && step.FunctionName() == operators.LogicalAnd:
		return step.Args()[1], operators.All
	}
	return nil, ""
}

// children are the direct parts of an expression.
func children(e ast.Expr) []ast.Expr {
	var parts []ast.Expr
	switch e.Kind() {
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			parts = append(parts, c.Target())
		}
		parts = append(parts, c.Args()...)
	case ast.ListKind:
		parts = e.AsList().Elements()
	case ast.MapKind:
		for _, entry := range e.AsMap().Entries() {
			parts = append(parts, entry.AsMapEntry().Key(), entry.AsMapEntry().Value())
		}
	case ast.SelectKind:
		parts = append(parts, e.AsSelect().Operand())
	case ast.ComprehensionKind:
		c := e.AsComprehension()
		parts = append(parts, c.IterRange(), c.AccuInit(), c.LoopCondition(), c.LoopStep(), c.Result())
	}
	return parts
}
