package peers_test

import (
	"regexp"
	"strconv"
)

// Formulas of further suites of MonPoly's, by definition: values that are computed from
// one event, the least and the greatest of a group, sums that are compared, runs within
// runs, neighbours within runs, texts.

// judgedAs is a formula over intervals in seconds.
func judgedAs(text string, vars []string, holds formula) monitor {
	return monitor{text, vars, 1, holds, nil, nil}
}

// computing are formulas over the signature of testdata/monitors/more.
func computing() []monitor {
	p, s := fact("P", "x"), fact("S", "a", "b", "c")
	x, xy, abcx := []string{"x"}, []string{"x", "y"}, []string{"a", "b", "c", "x"}
	m := judgedAs
	equal := compared(func(v map[string]string) bool { return v["x"] == v["y"] })
	return []monitor{
		m("P(x) AND (x = y)", xy, and(p, equal)),
		zeroOf(m("P(y) AND ( 0 = x)", []string{"y", "x"}, fact("P", "y"))),
		m("R(x,y) AND NOT (x < y)", xy, and(fact("R", "x", "y"), compared(func(v map[string]string) bool { return number(v["x"]) >= number(v["y"]) }))),
		m("0 = 0 UNTIL[1,10] p(x)", x, eventually(1, 10, fact("p", "x"))),
		m("EVENTUALLY[0,60] (1=0)", nil, eventually(0, 60, always(false))),
		givenBy(m("S(a,b,c) AND (x = a * a - 2 * b + c)", abcx, s), func(a, b, c int) int { return a*a - 2*b + c }),
		m("S(a,b,c) AND NOT (a = b + 2)", abcx[:3], and(s, compared(func(v map[string]string) bool { return number(v["a"]) != number(v["b"])+2 }))),
		m("t <- MIN x;y S(x,y,z)", []string{"t", "y"}, extreme("t", less, exists("z", fact("S", "t", "y", "z")))),
		m("t <- MAX x;y,z S(x,y,z)", []string{"t", "y", "z"}, extreme("t", greater, fact("S", "t", "y", "z"))),
		m("t <- SUM x;x,y,z S(x,y,z)", []string{"t", "x", "y", "z"}, and(fact("S", "x", "y", "z"), compared(func(v map[string]string) bool { return v["t"] == v["x"] }))),
		greatestOf(m("t <- MAX x S(x,y,z)", []string{"t"}, always(true)), "S", 0),
		givenBy(m("S(a,b,c) AND (x = a / b)", abcx, and(s, compared(func(v map[string]string) bool { return v["b"] != "0" }))),
			func(a, b, _ int) int { return a / max(b, 1) }),
	}
}

// distant is what needs larger gaps between time points.
func distant() []monitor {
	return []monitor{judgedAs("(Q(a) AND (0 = 0 UNTIL[0,50] P(b)))", []string{"a", "b"},
		and(fact("Q", "a"), until(0, 50, always(true), fact("P", "b"))))}
}

// near is what needs smaller ones.
func near() []monitor {
	small, q, x, m := fact("p", "x"), fact("Q", "x"), []string{"x"}, judgedAs
	return []monitor{
		m("(NOT 0 = 1) UNTIL[0,2] p(x)", x, until(0, 2, negated(always(false)), small)),
		m("EVENTUALLY[1,2] p(x)", x, eventually(1, 2, small)),
		m("(NOT 0 = 1) SINCE[1,2] p(x)", x, since(1, 2, negated(always(false)), small)),
		m("0 = 0 SINCE[0,2] p(x)", x, since(0, 2, always(true), small)),
		m("((NOT (0 = 1)) UNTIL[0,1]  (EVENTUALLY [0,1] Q(x)))", x, until(0, 1, always(true), eventually(0, 1, q))),
		m("(x1 <- MAX x1; x2 (ONCE[1,1] (S(y1,x1,x2))))", []string{"x1", "x2"}, extreme("x1", greater, once(1, 1, exists("y1", fact("S", "y1", "x1", "x2"))))),
	}
}

// zeroOf binds x to 0, whether or not the log has one.
func zeroOf(m monitor) monitor {
	m.computed = map[string]func([]timePoint, int, map[string]string) string{
		"x": func([]timePoint, int, map[string]string) string { return "0" },
	}
	return m
}

// givenBy binds x to what a, b and c give.
func givenBy(m monitor, value func(a, b, c int) int) monitor {
	m.computed = map[string]func([]timePoint, int, map[string]string) string{
		"x": func(_ []timePoint, _ int, v map[string]string) string {
			return strconv.Itoa(value(number(v["a"]), number(v["b"]), number(v["c"])))
		},
	}
	return m
}

// greatestOf binds the one variable to the greatest argument of the facts of a time
// point. That of nothing is 0, by MonPoly's convention.
func greatestOf(m monitor, predicate string, argument int) monitor {
	m.computed = map[string]func([]timePoint, int, map[string]string) string{
		m.vars[0]: func(log []timePoint, i int, _ map[string]string) string {
			greatest := 0 // no value in these logs is less
			for _, tuple := range log[i].facts[predicate] {
				greatest = max(greatest, number(tuple[argument]))
			}
			return strconv.Itoa(greatest)
		},
	}
	return m
}

func less(a, b int) bool { return a < b }

func greater(a, b int) bool { return a > b }

// extreme holds if f does, and for no better value of the variable.
func extreme(name string, better func(a, b int) bool, f formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		for _, value := range domain(log) {
			if better(number(value), number(v[name])) && f(log, i, with(v, name, value)) {
				return false
			}
		}
		return f(log, i, v)
	}
}

// sums compare the sum of a time point's values.
func sums() []monitor {
	five := func(log []timePoint, i int, _ map[string]string) bool {
		values := map[string]bool{} // a fact that stands twice is one
		for _, tuple := range log[i].facts["p"] {
			values[tuple[0]] = true
		}
		sum := 0
		for value := range values {
			sum += number(value)
		}
		return sum == 5
	}
	return []monitor{
		judgedAs("LET a(s) = s <- SUM x p(x) IN a(5)", nil, five),
		judgedAs("LET a(s) = s <- SUM x p(x) IN a(2 + 3)", nil, five),
	}
}

// chosen is a run that is guarded by values of before.
func chosen() []monitor {
	kept := and(negated(fact("P", "y")), fact("Q", "x"))
	return []monitor{judgedAs("S(y) AND ((NOT P(y) AND Q(x)) SINCE[10,12] R(x,y))", []string{"y", "x"},
		and(fact("S", "y"), since(10, 12, kept, fact("R", "x", "y"))))}
}

func runs() []monitor {
	a, b, c := fact("A", "x"), fact("B", "x"), fact("C", "x")
	return []monitor{
		judgedAs("A(x) UNTIL[1,10] (B(x) UNTIL[1,1] C(x))", []string{"x"}, until(1, 10, a, until(1, 1, b, c))),
		judgedAs("A(x) UNTIL[1,10] B(x)", []string{"x"}, until(1, 10, a, b)),
	}
}

func steps() []monitor {
	p, q := fact("P"), fact("Q")
	nextP, nextQ := next(0, unbounded, p), next(0, unbounded, q)
	return []monitor{
		judgedAs("(NOT (NEXT P())) UNTIL[1,1] Q()", nil, until(1, 1, negated(nextP), q)),
		judgedAs("(NOT P()) UNTIL[1,1] (NEXT Q())", nil, until(1, 1, negated(p), nextQ)),
		judgedAs("(NEXT P()) UNTIL[1,1] Q()", nil, until(1, 1, nextP, q)),
		judgedAs("P() UNTIL[1,1] (NEXT Q())", nil, until(1, 1, p, nextQ)),
	}
}

func nullary() []monitor {
	return []monitor{
		judgedAs("LET P() = PREVIOUS FALSE IN A()", nil, fact("A")),
		judgedAs("ONCE[0,*) A()", nil, once(0, unbounded, fact("A"))),
	}
}

// groups are the least and the greatest of the facts that share a text.
func groups() []monitor {
	p, vx := fact("p", "x", "v"), []string{"v", "x"}
	return []monitor{
		judgedAs("v <- MIN y; x p(x,y)", vx, extreme("v", less, p)),
		greatestOf(judgedAs("v <- MAX y p(x,y)", vx[:1], always(true)), "p", 1),
		judgedAs("v <- MAX y; x ONCE p(x,y)", vx, extreme("v", greater, once(0, unbounded, p))),
	}
}

// texts match a pattern anywhere.
func texts() []monitor {
	matching := func(text, pattern string) monitor {
		expression := regexp.MustCompile(pattern)
		return judgedAs(text, []string{"x"}, and(fact("P", "x"), compared(func(v map[string]string) bool {
			return expression.MatchString(v["x"])
		})))
	}
	return []monitor{
		matching(`P(x) AND x MATCHES r"ab"`, "ab"),
		matching(`P(x) AND x MATCHES r"\(a\)*b"`, "a*b"),
		matching(`P(x) AND x MATCHES r"\(z\)*ab" (_)`, "z*ab"),
	}
}

func conversions() []monitor {
	y := []string{"y"}
	return []monitor{
		judgedAs("EXISTS x. Int(x) AND y = i2s(x)", y, fact("Int", "y")),
		judgedAs("EXISTS x. Str(x) AND y = s2i(x)", y, fact("Str", "y")), // all of these texts are whole numbers
	}
}

// unlimited are runs without a bound.
func unlimited() []monitor {
	a, b, x := fact("A", "x"), fact("B", "x"), []string{"x"}
	implied := or(negated(exists("x", a)), exists("x", b))
	return []monitor{
		judgedAs("(NOT (A(x) AND B(x))) SINCE B(x)", x, since(0, unbounded, negated(and(a, b)), b)),
		judgedAs("((EXISTS x . A(x)) IMPLIES (EXISTS x . B(x))) SINCE B(x)", x, since(0, unbounded, implied, b)),
		judgedAs("(NOT (A(x) IMPLIES B(x))) SINCE B(x)", x, since(0, unbounded, and(a, negated(b)), b)),
	}
}

// moreSignature types what the formulas of testdata/monitors/more speak of.
const moreSignature = `p(x:int) P(x:int) Q(x:int) R(x:int,y:int) S(x:int,y:int,z:int) T() U()
	trans(int,int,int) report(int) unflag(int) b(int) c(int) q(int,int) r() s()`

// more are formulas of other shapes: pairs that nothing joins, arithmetic, steps nested in
// steps, a run without a bound, a policy over three kinds of facts, what must hold always,
// and a count that is compared.
func more() []monitor {
	p, q, r := fact("P", "x"), fact("Q", "x"), fact("R", "x", "y")
	s, t := fact("S", "a", "b", "c"), fact("T")
	x, abc := []string{"x"}, []string{"a", "b", "c"}
	m := judgedAs
	sum := func(is func(a, b, c int) bool) formula {
		return and(s, compared(func(v map[string]string) bool { return is(number(v["a"]), number(v["b"]), number(v["c"])) }))
	}
	return []monitor{
		m("R(x,x)", x, fact("R", "x", "x")),
		m("(Q(a) AND (EVENTUALLY[0,50] P(b)))", []string{"a", "b"}, and(fact("Q", "a"), eventually(0, 50, fact("P", "b")))),
		m("ONCE[2,21) P(x)", x, once(2, 20, p)),
		m("P(x) SINCE[5,5] Q(x)", x, since(5, 5, p, q)),
		m("ONCE[5,5] 1=1", nil, once(5, 5, always(true))),
		m("S(a,b,c) AND (a = b + 2)", abc, sum(func(a, b, _ int) bool { return a == b+2 })),
		m("S(a,b,c) AND (a + c = b + a)", abc, sum(func(a, b, c int) bool { return a+c == b+a })),
		m("S(a,b,c) AND NOT b = 0 AND a / b - c = 8", abc, sum(func(a, b, c int) bool { return b != 0 && a/b-c == 8 })),
		m("trans(c,t,a) AND 2000 < a AND NOT (NOT (EXISTS t2, a2. trans(c,t2,a2) AND NOT EVENTUALLY[0,3] report(t2)) UNTIL[0,301] unflag(c))",
			[]string{"c", "t", "a"}, flagged()),
		m("NOT b(x) UNTIL [0,5] c(x)", x, until(0, 5, negated(fact("b", "x")), fact("c", "x"))),
		m("p(x) SINCE q(y,x)", []string{"y", "x"}, since(0, unbounded, fact("p", "x"), fact("q", "y", "x"))),
		m("PREVIOUS T()", nil, previous(0, unbounded, t)),
		m("NEXT T()", nil, next(0, unbounded, t)),
		m("PREVIOUS TRUE", nil, previous(0, unbounded, always(true))),
		m("NEXT TRUE", nil, next(0, unbounded, always(true))),
		m("NOT (NEXT[0,0] s() OR NEXT[0,0] r()) UNTIL[0,0] r()", nil,
			until(0, 0, negated(next(0, 0, or(fact("s"), next(0, 0, fact("r"))))), fact("r"))),
		m("(EVENTUALLY[0,1]  (EVENTUALLY [0,1] Q(x)))", x, eventually(0, 1, eventually(0, 1, q))),
		m("(NOT EVENTUALLY[0,3] T()) UNTIL[0,1] U()", nil, until(0, 1, negated(eventually(0, 3, t)), fact("U"))),
		m("S(x2,x1,x3) OR trans(x3,x2,x1)", abc, or(s, fact("trans", "c", "a", "b"))),
		m("P(x) AND ALWAYS[0,30] NOT Q(x)", x, and(p, negated(eventually(0, 30, q)))),
		m("P(x) AND PAST_ALWAYS[0,30] (EXISTS y. R(x,y))", x, and(p, negated(once(0, 30, negated(exists("y", r)))))),
		m("P(x) AND (EXISTS n. (n <- CNT y;x ONCE[0,30] R(x,y)) AND 2 <= n)", x, and(p, counted("y", once(0, 30, r), 2))),
	}
}

// flagged: a large transaction of somebody who isn't unflagged within 301 seconds while
// all of his transactions until then are reported within three.
func flagged() formula {
	unreported := exists("t2", exists("a2", and(fact("trans", "c", "t2", "a2"), negated(eventually(0, 3, fact("report", "t2"))))))
	large := compared(func(v map[string]string) bool { return number(v["a"]) > 2000 })
	return and(and(fact("trans", "c", "t", "a"), large), negated(until(0, 301, negated(unreported), fact("unflag", "c"))))
}

// counted holds if f does for so many values of a variable.
func counted(name string, f formula, least int) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		n := 0
		for _, value := range domain(log) {
			if f(log, i, with(v, name, value)) {
				n++
			}
		}
		return n >= least
	}
}

func number(s string) int {
	n, _ := strconv.Atoi(s) // of a log
	return n
}
