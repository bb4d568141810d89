package control

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/cost"
	"go.yaml.in/yaml/v3"
)

// What nothing bounds, such as a text, a list within an event or the rows of a table, is taken
// to be short: it is the limit of each evaluation that stops what turns out to be long.
const short = 20

// few is how many events an expectation surely has now and then, and a table rows.
const few = 5

// checkCost refuses an expression that could not be computed over a few events, as each item
// would be inconclusive. One that could not where its expectations are full is noted.
func (c *compiler) checkCost(n *yaml.Node, checked *cel.Ast) {
	if most := c.cost(checked, few); most > costLimit {
		c.r.Problem(n, "this may take %s steps even with %d events each, and %d are the limit: look at fewer things within others", steps(most), few, costLimit)
		return
	}
	most := c.cost(checked, math.MaxInt)
	if most <= costLimit {
		return
	}
	c.control.notes = append(c.control.notes, fmt.Sprintf(
		"the condition in line %d may take %s steps where all its evidence is there, and %d are the limit, beyond which an item is inconclusive: give max: %d to %s, or look at fewer events within others",
		n.Line, steps(most), costLimit, c.fitting(checked), strings.Join(c.walked(checked), ", ")))
}

// cost is what an expression costs at most, if no expectation holds more than so many events.
func (c *compiler) cost(checked *cel.Ast, events int) uint64 {
	estimate, err := c.env.EstimateCost(checked, sizes{c, events}, bounded(min(events, short))...)
	if err != nil {
		return math.MaxUint64 // nobody knows
	}
	return estimate.Max
}

// fitting is a max: with which the expression can be computed.
func (c *compiler) fitting(checked *cel.Ast) int {
	for _, events := range []int{500, 200, 100, 50, 20} {
		if c.cost(checked, events) <= costLimit {
			return events
		}
	}
	return few
}

// walked are the expectations that an expression reads, in their order.
func (c *compiler) walked(checked *cel.Ast) (names []string) {
	for _, i := range c.reads(checked.NativeRep().Expr()) {
		names = append(names, c.control.Expectations[i].Name)
	}
	return names
}

// steps is a number of them for people.
func steps(n uint64) string {
	if n == math.MaxUint64 {
		return "any number of"
	}
	return strconv.FormatFloat(float64(n), 'g', 2, 64)
}

// sizes says how large what a condition reads may be, if no expectation holds more than so
// many events.
type sizes struct {
	*compiler
	events int
}

// listOf is what has so many parts, each with as many, and so on a little further.
func listOf(parts int) cost.SizeEstimate {
	size := cost.SizeEstimate{Max: uint64(parts)}
	for range 2 {
		part := size
		size = cost.SizeEstimate{Max: uint64(parts), Key: &part, Elem: &part}
	}
	return size
}

// bounded bounds what the libraries take to be of any length, or to have parts of any length:
// what was missing, a range up to a number, a list of what lists hold.
func bounded(parts int) (options []cost.Option) {
	size := listOf(parts)
	for _, overload := range []string{"optional_orValue_value", "optional_value", "lists_range", "list_flatten", "list_flatten_int"} {
		options = append(options, cost.OverloadCostEstimate(overload, func(cost.Estimator, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
			return cost.NewCallEstimate(cost.FixedCostEstimate(short), &size)
		}))
	}
	return options
}

// EstimateCallCost leaves it to the libraries.
func (sizes) EstimateCallCost(string, string, *cost.AstNode, []cost.AstNode) *cost.CallEstimate {
	return nil
}

// EstimateSize is that of an expectation's events, or short.
func (s sizes) EstimateSize(n cost.AstNode) *cost.SizeEstimate {
	size := listOf(min(s.events, short))
	if path := n.Path(); len(path) == 1 {
		if e, ok := s.evidence[path[0]]; ok && e.kind == nameList {
			size.Max = uint64(min(s.events, s.control.Expectations[e.of].Max))
		}
	}
	return &size
}
