package peers_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A formula of metric first-order temporal logic, by definition: whether it holds at a
// time point of a log, given values of its variables.
type formula func(log []timePoint, i int, v map[string]string) bool

// monitor is a formula with the order in which the values of its free variables are named.
type monitor struct {
	formula string
	vars    []string
	unit    int64 // of its intervals, in seconds
	holds   formula
	// guard is what its items are, if not all values for which it holds.
	guard formula
	// computed are those of its variables that the others give, with the time point.
	computed map[string]func(log []timePoint, i int, v map[string]string) string
}

// at names the values for which the formula holds at a time point.
func (m *monitor) at(log []timePoint, i int) []string {
	var names []string
	var guessed []string
	for _, name := range m.vars {
		if m.computed[name] == nil {
			guessed = append(guessed, name)
		}
	}
	try := func(v map[string]string) {
		for name, value := range m.computed {
			v[name] = value(log, i, v)
		}
		values := make([]string, len(m.vars))
		for k, name := range m.vars {
			values[k] = v[name]
		}
		name := strconv.Itoa(i)
		if len(values) > 0 {
			name += ":" + strings.Join(values, ",")
		}
		if m.holds(log, i, v) && (m.guard == nil || m.guard(log, i, v)) {
			names = append(names, name)
		}
	}
	assign(domain(log), guessed, map[string]string{}, try)
	return names
}

// domain are all values in a log.
func domain(log []timePoint) []string {
	values := []string{}
	for _, p := range log {
		for _, tuples := range p.facts {
			values = append(values, slices.Concat(tuples...)...)
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

func assign(domain, vars []string, v map[string]string, try func(map[string]string)) {
	if len(vars) == 0 {
		try(v)
		return
	}
	for _, value := range domain {
		v[vars[0]] = value
		assign(domain, vars[1:], v, try)
	}
}

// fact holds where the log has it; arguments are names of variables.
func fact(predicate string, args ...string) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		return slices.ContainsFunc(log[i].facts[predicate], func(tuple []string) bool {
			for k, arg := range args {
				if tuple[k] != v[arg] {
					return false
				}
			}
			return true
		})
	}
}

// compared holds of values.
func compared(holds func(v map[string]string) bool) formula {
	return func(_ []timePoint, _ int, v map[string]string) bool { return holds(v) }
}

func always(is bool) formula { return compared(func(map[string]string) bool { return is }) }

func and(f, g formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool { return f(log, i, v) && g(log, i, v) }
}

func or(f, g formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool { return f(log, i, v) || g(log, i, v) }
}

func negated(f formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool { return !f(log, i, v) }
}

func exists(name string, f formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		return slices.ContainsFunc(domain(log), func(value string) bool {
			return f(log, i, with(v, name, value))
		})
	}
}

func with(v map[string]string, name, value string) map[string]string {
	inner := maps.Clone(v)
	inner[name] = value
	return inner
}

// unbounded is `*`.
const unbounded = int64(1) << 40

func within(a, b, distance int64) bool { return a <= distance && distance <= b }

func next(a, b int64, f formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		return i+1 < len(log) && within(a, b, log[i+1].stamp-log[i].stamp) && f(log, i+1, v)
	}
}

func previous(a, b int64, f formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		return i > 0 && within(a, b, log[i].stamp-log[i-1].stamp) && f(log, i-1, v)
	}
}

func since(a, b int64, f, g formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		for j := i; j >= 0; j-- {
			if within(a, b, log[i].stamp-log[j].stamp) && g(log, j, v) {
				return true
			}
			if !f(log, j, v) {
				return false
			}
		}
		return false
	}
}

func until(a, b int64, f, g formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		for j := i; j < len(log); j++ {
			if within(a, b, log[j].stamp-log[i].stamp) && g(log, j, v) {
				return true
			}
			if !f(log, j, v) {
				return false
			}
		}
		return false
	}
}

func once(a, b int64, f formula) formula { return since(a, b, always(true), f) }

func eventually(a, b int64, f formula) formula { return until(a, b, always(true), f) }

// operators are the formulas of testdata/monitors/operators.
func operators() []monitor {
	p, q, r, s := fact("P", "x"), fact("Q", "x"), fact("R", "x", "y"), fact("S", "a", "b", "c")
	n := func(f formula) formula { return next(0, 30, f) }
	v := func(f formula) formula { return previous(0, 30, f) }
	ps, pu := since(0, 30, p, q), until(0, 10, p, q)
	x, xy, yx, abc := []string{"x"}, []string{"x", "y"}, []string{"y", "x"}, []string{"a", "b", "c"}
	m := judgedAs
	b := func(is func(v map[string]string) bool) formula { return and(s, compared(is)) }
	const next30, previous30 = "NEXT[0,30] ", "PREVIOUS[0,30] "
	return []monitor{
		m("P(x) AND Q(x)", x, and(p, q)),
		m("P(x) OR Q(x)", x, or(p, q)),
		m("(EXISTS b. R(a,b)) AND P(a)", []string{"a"}, and(exists("b", fact("R", "a", "b")), fact("P", "a"))),
		m("(EXISTS x. ((x=0) AND EXISTS x.P(x))) AND P(x)", x, and(exists("x", p), p)),
		m("T()", nil, fact("T")),
		m("R(y,x)", yx, fact("R", "y", "x")),
		m("P(x)", x, p),
		m(next30+"P(x)", x, n(p)),
		m(previous30+"P(x)", x, v(p)),
		m(next30+next30+"P(x)", x, n(n(p))),
		m(next30+previous30+"P(x)", x, n(v(p))),
		m(previous30+previous30+"P(x)", x, v(v(p))),
		m(previous30+next30+"P(x)", x, v(n(p))),
		m(next30+next30+next30+"P(x)", x, n(n(n(p)))),
		m(next30+next30+previous30+"P(x)", x, n(n(v(p)))),
		m(next30+previous30+next30+"P(x)", x, n(v(n(p)))),
		m(next30+previous30+previous30+"P(x)", x, n(v(v(p)))),
		m(previous30+next30+next30+"P(x)", x, v(n(n(p)))),
		m(previous30+next30+previous30+"P(x)", x, v(n(v(p)))),
		m(previous30+previous30+next30+"P(x)", x, v(v(n(p)))),
		m(previous30+previous30+previous30+"P(x)", x, v(v(v(p)))),
		m("P(x) SINCE[0,30] Q(x)", x, ps),
		m("P(x) SINCE[1,10] R(y,x)", yx, since(1, 10, p, fact("R", "y", "x"))),
		m("(0=0) SINCE[0,*] P(x)", x, once(0, unbounded, p)),
		m("ONCE[0,0] P(x)", x, once(0, 0, p)),
		m("ONCE[0,10] P(x)", x, once(0, 10, p)),
		m("ONCE[0,*] P(x)", x, once(0, unbounded, p)),
		m("ONCE[1,10] P(x)", x, once(1, 10, p)),
		m("ONCE[1,9] P(x)", x, once(1, 9, p)),
		m(next30+"(P(x) SINCE[0,30] Q(x))", x, n(ps)),
		m(previous30+"(P(x) SINCE[0,30] Q(x))", x, v(ps)),
		m("P(x) SINCE[0,30] NEXT[0,30] Q(x)", x, since(0, 30, p, n(q))),
		m("P(x) SINCE[0,30] PREVIOUS[0,30] Q(x)", x, since(0, 30, p, v(q))),
		m(previous30+previous30+"(P(x) SINCE[0,30] Q(x))", x, v(v(ps))),
		m("P(x) UNTIL[0,10] Q(x)", x, pu),
		m("P(x) UNTIL[1,10] R(x,y)", xy, until(1, 10, p, r)),
		m(next30+"(P(x) UNTIL[0,10] Q(x))", x, n(pu)),
		m(next30+next30+"(P(x) UNTIL[0,10] Q(x))", x, n(n(pu))),
		m("P(x) UNTIL[1,9] Q(x)", x, until(1, 9, p, q)),
		m("(NOT P(x)) UNTIL[0,10] R(x,y)", xy, until(0, 10, negated(p), r)),
		m("(NOT P(x)) UNTIL[1,10] R(x,y)", xy, until(1, 10, negated(p), r)),
		m("(NOT P(x)) UNTIL[0,9] R(x,y)", xy, until(0, 9, negated(p), r)),
		m("(NOT P(x)) UNTIL[1,9] R(x,y)", xy, until(1, 9, negated(p), r)),
		m("0 = 0 UNTIL[0,0] P(x)", x, eventually(0, 0, p)),
		m("EVENTUALLY[0,0] P(x)", x, eventually(0, 0, p)),
		m("EVENTUALLY[0,10] P(x)", x, eventually(0, 10, p)),
		m("EVENTUALLY[1,10] P(x)", x, eventually(1, 10, p)),
		m("EVENTUALLY[1,9] P(x)", x, eventually(1, 9, p)),
		m("EVENTUALLY[1,10] NEXT P(x)", x, eventually(1, 10, next(0, unbounded, p))),
		m("EVENTUALLY[1,10] PREVIOUS P(x)", x, eventually(1, 10, previous(0, unbounded, p))),
		m("S(a,b,c) AND (NOT ((b = 0)))", abc, b(func(v map[string]string) bool { return v["b"] != "0" })),
		m("S(a,b,c) AND (NOT (b = c))", abc, b(func(v map[string]string) bool { return v["b"] != v["c"] })),
		m("S(a,b,c) AND (b = c)", abc, b(func(v map[string]string) bool { return v["b"] == v["c"] })),
		m("S(a,b,c) AND (b = 0)", abc, b(func(v map[string]string) bool { return v["b"] == "0" })),
		m("S(a,b,c) AND (0 = b)", abc, b(func(v map[string]string) bool { return v["b"] == "0" })),
		m("S(a,b,c) AND (1 = 0)", abc, b(func(map[string]string) bool { return false })),
		m("S(a,b,c) AND (0 = 0)", abc, s),
	}
}

// A policy `event IMPLIES …` is judged of its events.
func approvals() []monitor {
	const day = 86_400
	return []monitor{{
		"publish(r) IMPLIES EVENTUALLY[1d,7d] approve(r)",
		[]string{"r"},
		day,
		eventually(1*day, 7*day, fact("approve", "r")), fact("publish", "r"), nil,
	}}
}

func grants() []monitor {
	informed := fact("inform", "dsid")
	return []monitor{{
		"collect(data,dataid,dsid) IMPLIES ((NEXT[0,*] inform(dsid)) OR (ONCE[0,*] inform(dsid)))",
		[]string{"data", "dataid", "dsid"},
		1,
		or(next(0, unbounded, informed), once(0, unbounded, informed)), fact("collect", "data", "dataid", "dsid"), nil,
	}}
}
