package control

import (
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"go.yaml.in/yaml/v3"
)

func (c *compiler) conditions(doc *yaml.Node, f map[string]*yaml.Node) {
	delete(c.fields, "event")
	if f["assert"] == nil {
		c.r.Problem(doc, "a control needs assert:, the condition that must hold for every item")
	}
	c.control.texts.assertion = c.r.Text(f["assert"], "assert")
	c.control.Assert = c.condition(f["assert"])
	c.control.Applies = c.condition(f["applies"])
	c.control.Ways = append(c.control.Ways, Way{Assert: c.control.Assert})
	c.r.Each(f["reasons"], "reasons", func(key, node *yaml.Node) {
		if !namePattern.MatchString(key.Value) {
			c.r.Problem(key, "a reason code is lower case with underscores, such as no_approval")
		}
		c.control.Reasons = append(c.control.Reasons, Reason{Code: key.Value, When: c.condition(node)})
	})
	c.control.Population.Having = c.condition(c.having)
	if c.having != nil && c.control.Expand != nil {
		c.r.Problem(c.having, "having: doesn't go with expand:, for parts are looked for once there is an item")
	}
	c.markDecisive()
	c.markNamed()
	c.control.DecidesEarly = c.control.decidesEarly()
	c.control.EarlyPass = c.control.earlyPass()
}

// earlyPass: nothing but the assertion decides, and that can only become true.
func (c *Control) earlyPass() bool {
	if c.Assert == nil || len(c.deciding()) != 1 || c.Expand != nil {
		return false
	}
	if slices.ContainsFunc(c.Expectations, func(e *Expectation) bool { return e.Depends != nil }) {
		return false // whether one belongs may be known only when another interval closes
	}
	early := true
	walkLeaves(c.Assert.root, func(l leaf) { early = early && (l.trend == rising || l.trend == constantly) })
	return early
}

// markNamed sets how many events a verdict names: all (up to NamedEvidence)
// where a condition needs the whole, else just as many as decide it, so that
// later ones don't change what is named.
func (c *compiler) markNamed() {
	conditions := c.control.deciding()
	for _, r := range c.control.Reasons {
		conditions = append(conditions, r.When)
	}
	for _, e := range c.control.Expectations {
		conditions = append(conditions, e.Depends)
		e.Named = 1
		if e.Latest != nil { // known only when closed, and each value's event decides
			e.Named = NamedEvidence
		}
	}
	for _, cond := range conditions {
		if cond != nil {
			walkLeaves(cond.root, c.nameLeaf)
		}
	}
}

func (c *compiler) nameLeaf(l leaf) {
	needed := NamedEvidence
	if l.trend != mixed {
		needed = c.largestNumber(l.program.ast.Expr())
		if c.exceeds(l.program.ast.Expr()) {
			needed++ // what is one too many decides too
		}
	}
	for _, i := range l.reads {
		e := c.control.Expectations[i]
		e.Named = min(max(e.Named, needed), NamedEvidence)
	}
}

func walkLeaves(n node, visit func(leaf)) {
	switch n := n.(type) {
	case both:
		walkLeaves(n.left, visit)
		walkLeaves(n.right, visit)
	case either:
		walkLeaves(n.left, visit)
		walkLeaves(n.right, visit)
	case not:
		walkLeaves(n.of, visit)
	case leaf:
		visit(n)
	}
}

// exceeds tells whether a comparison with a number turns where there is one more than
// that: count > 2, count <= 2.
func (c *compiler) exceeds(e ast.Expr) bool {
	if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
		return false
	}
	name := e.AsCall().FunctionName()
	if _, left := c.numberOf(e.AsCall().Args()[0]); left {
		return name == operators.Less || name == operators.GreaterEquals
	}
	_, right := c.numberOf(e.AsCall().Args()[1])
	return right && (name == operators.Greater || name == operators.LessEquals)
}

// largestNumber is the greatest whole number in an expression, written there or as
// a parameter, at least 1.
func (c *compiler) largestNumber(e ast.Expr) int {
	largest := 1
	if n, ok := c.numberOf(e); ok && n < NamedEvidence {
		largest = max(largest, int(n))
	}
	for _, child := range children(e) {
		largest = max(largest, c.largestNumber(child))
	}
	return largest
}

func (c *compiler) numberOf(e ast.Expr) (n int64, ok bool) {
	switch e.Kind() {
	case ast.LiteralKind:
		n, ok = e.AsLiteral().Value().(int64)
	case ast.IdentKind:
		if name, is := strings.CutPrefix(e.AsIdent(), "params."); is {
			n, ok = c.control.Params[name].(int64)
		}
	}
	return n, ok
}

func (c *compiler) condition(n *yaml.Node) *Condition {
	whole := c.compile(n, cel.BoolType)
	if whole == nil {
		return nil
	}
	free := freeNames(whole.ast.Expr(), nil)
	if free["event"] {
		c.r.Problem(n, "event is read where events are picked out; here read item, or an expectation")
	}
	if free["part"] && c.control.Expand == nil {
		c.r.Problem(n, "there is no part without expand:")
	}
	return c.conditionOf(n, whole)
}

// freeNames are the variables that an expression reads and doesn't make itself.
func freeNames(e ast.Expr, bound []string) map[string]bool {
	free := map[string]bool{}
	if e.Kind() == ast.IdentKind && !slices.Contains(bound, e.AsIdent()) {
		free[e.AsIdent()] = true
	}
	if e.Kind() == ast.ComprehensionKind {
		// What is gone through stands outside: x.exists(x, …) reads an expectation x.
		c := e.AsComprehension()
		for _, outside := range []ast.Expr{c.IterRange(), c.AccuInit()} {
			maps.Copy(free, freeNames(outside, bound))
		}
		bound = append(slices.Clone(bound), c.IterVar(), c.IterVar2(), c.AccuVar())
		for _, inside := range []ast.Expr{c.LoopCondition(), c.LoopStep(), c.Result()} {
			maps.Copy(free, freeNames(inside, bound))
		}
		return free
	}
	for _, child := range children(e) {
		maps.Copy(free, freeNames(child, bound))
	}
	return free
}

func (c *compiler) conditionOf(n *yaml.Node, whole *Program) *Condition {
	cond := &Condition{Source: whole.Source, whole: whole}
	cond.root = c.tree(n, whole, whole.ast.Expr())
	cond.Reads = c.closure(c.reads(whole.ast.Expr()))
	return cond
}

// tree splits a condition at its &&, || and !; what is left are leaves.
func (c *compiler) tree(n *yaml.Node, whole *Program, e ast.Expr) node {
	if e.Kind() == ast.CallKind {
		args := e.AsCall().Args()
		switch e.AsCall().FunctionName() {
		case "_&&_":
			return both{c.tree(n, whole, args[0]), c.tree(n, whole, args[1])}
		case "_||_":
			return either{c.tree(n, whole, args[0]), c.tree(n, whole, args[1])}
		case "!_":
			return not{c.tree(n, whole, args[0])}
		}
	}
	sub := ast.NewCheckedAST(ast.NewAST(e, whole.ast.SourceInfo()), whole.ast.TypeMap(), whole.ast.ReferenceMap())
	p, err := c.plan(sub, whole.Source)
	if err != nil {
		c.r.Problem(n, "%v", err)
		return leaf{program: whole, trend: mixed}
	}
	return leaf{program: p, reads: c.reads(e), trend: trends{c.evidence}.of(e)}
}

// reads are the expectations that an expression names, sorted.
func (c *compiler) reads(e ast.Expr) []int {
	seen := map[int]bool{}
	for name := range freeNames(e, nil) {
		if n, ok := c.evidence[name]; ok {
			seen[n.of] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// closure adds the expectations that those hang on.
func (c *compiler) closure(reads []int) []int {
	seen := map[int]bool{}
	var add func(int)
	add = func(i int) {
		if seen[i] {
			return
		}
		seen[i] = true
		for _, of := range c.control.Expectations[i].readsOf() {
			add(of)
		}
	}
	for _, i := range reads {
		add(i)
	}
	return slices.Sorted(maps.Keys(seen))
}

// instead reads the alternatives. Their expectations share one space of names with
// the others, so that reasons can read them.
func (c *compiler) instead(n *yaml.Node) {
	delete(c.fields, "event")
	for _, entry := range c.r.List(n, "instead") {
		f := c.r.Mapping(entry, "an alternative", "when", "expect", "assert")
		if f["when"] == nil || f["assert"] == nil {
			c.r.Problem(entry, "an alternative needs when: and assert:")
			continue
		}
		maps.Copy(c.later, namesIn(f["expect"]))
		way := Way{When: c.condition(f["when"])}
		first := len(c.control.Expectations)
		c.expectations(f["expect"])
		for i := first; i < len(c.control.Expectations); i++ {
			c.owner[i] = len(c.control.Ways)
		}
		delete(c.fields, "event")
		way.Assert = c.condition(f["assert"])
		c.control.Ways = append(c.control.Ways, way)
	}
}

// deciding are all conditions that an outcome may hang on.
func (c *Control) deciding() []*Condition {
	var list []*Condition
	for k := range c.Ways {
		list = append(list, c.asked(k)...)
	}
	return list
}

// asked are the conditions that an outcome hangs on if way k is taken.
func (c *Control) asked(k int) []*Condition {
	list := []*Condition{c.Population.Having, c.Cancelled, c.Applies}
	for _, way := range c.Ways[:k+1] {
		list = append(list, way.When)
	}
	list = append(list, c.Ways[k].Assert)
	return slices.DeleteFunc(list, func(cond *Condition) bool { return cond == nil })
}

func (c *compiler) markDecisive() {
	ctl := c.control
	ctl.Decisive = c.readBy(ctl.deciding())
	for k := range ctl.Ways {
		way := &ctl.Ways[k]
		way.Decisive = c.readBy(ctl.asked(k))
		way.Concerns = slices.Clone(way.Decisive)
		for i := range way.Concerns {
			owner, owned := c.owner[i]
			way.Concerns[i] = way.Concerns[i] || owned && owner == k || !owned && way.When == nil
		}
	}
}

// readBy marks the expectations that conditions read.
func (c *compiler) readBy(conditions []*Condition) []bool {
	marked := make([]bool, len(c.control.Expectations))
	for _, cond := range conditions {
		for _, i := range cond.Reads {
			marked[i] = true
		}
	}
	return marked
}
