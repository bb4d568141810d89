package controltest

import "strconv"

// moreSignature types what the formulas of testdata/peers/monitors/more speak of.
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
