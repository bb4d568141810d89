package peers_test

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Why no control says a formula.
const (
	boundless = "values that nothing bounds"
	endless   = "a future without an end"
	severally = "its result is a value computed from several events; a control compares it, and names items by one event"
	ownWords  = "its result is a number as OCaml writes it"
	cross     = "its values come from several facts, none of them the time point's own; parts come from one table"
	twice     = "one fact gives two results"
)

// step says that a formula holds at a neighbour.
func (t *translation) step(f *mfotl, p place, k given, also then) string {
	lo, hi := f.lo, min(f.hi, longestStep)
	if lo > hi {
		panic(endless)
	}
	by, reach := " + 1", place{lo: p.lo + lo, hi: p.hi + hi}
	if f.op == lastPoint {
		by, reach = " - 1", place{lo: p.lo - hi, hi: p.hi - lo}
	}
	when := func(e string) string {
		return conjunctionOf(e+".tp == "+p.tp+by, t.apart(f, p, e, lo, f.hi))
	}
	if f.kids[0].op == predicate {
		return t.fact(f.kids[0], p, reach, k, when, func(_ string, k given) string { return also(k) })
	}
	j := t.name("j")
	there := place{tp: j + ".tp", time: j + ".time", lo: reach.lo, hi: reach.hi}
	return t.among("point", p, reach, j, []string{when(j)}, t.some(f.kids[0], there, k, also))
}

// apart says that an event lies so far from a place, unless its interval does: at the
// item's own place, whose distance from the item is none.
func (t *translation) apart(f *mfotl, p place, e string, lo, hi int64) string {
	backwards := f.op == sinceThen || f.op == lastPoint
	if p.lo == 0 && p.hi == 0 && (hi < unbounded || f.op != sinceThen) {
		return "true"
	}
	distance := e + ".time - " + p.time
	if backwards {
		distance = p.time + " - " + e + ".time"
	}
	least, most := "true", "true"
	if lo > 0 {
		least = distance + " >= " + seconds(lo)
	}
	if hi < unbounded {
		most = distance + " <= " + seconds(hi)
	}
	return conjunctionOf(least, most)
}

// run says that a formula held, or will, at some time point within an interval, and the
// other at all time points from there to the place.
func (t *translation) run(f *mfotl, p place, k given, also then) string {
	if f.op == untilThen && f.hi == unbounded {
		panic(endless)
	}
	reach := place{lo: p.lo + f.lo, hi: p.hi + f.hi}
	between := place{lo: p.lo, hi: p.hi + f.hi}
	order := " >= "
	if f.op == sinceThen {
		reach, between = place{lo: p.lo - f.hi, hi: p.hi - f.lo}, place{lo: p.lo - f.hi, hi: p.hi}
		order = " <= "
	}
	when := func(e string) string {
		ordered := "true"
		if f.lo == 0 { // else it lies at another instant
			ordered = e + ".tp" + order + p.tp
		}
		return conjunctionOf(ordered, t.apart(f, p, e, f.lo, f.hi))
	}
	rest := func(j string, k given) string {
		return conjunctionOf(t.throughout(f, p, between, j, k), also(k))
	}
	if f.kids[1].op == predicate {
		return t.fact(f.kids[1], p, reach, k, when, rest)
	}
	j := t.name("j")
	there := place{tp: j + ".tp", time: j + ".time", lo: reach.lo, hi: reach.hi}
	return t.among("point", p, reach, j, []string{when(j)}, t.some(f.kids[1], there, k, func(k given) string { return rest(j, k) }))
}

// throughout says that the first of a run's formulas holds at all time points between an
// event and a place, without the event's own.
func (t *translation) throughout(f *mfotl, p, between place, j string, k given) string {
	run := f.kids[0]
	if run.op == isTrue {
		return "true"
	}
	if !k.all(run.free()) {
		panic(boundless)
	}
	m := t.name("m")
	within := fmt.Sprintf("%s.tp >= %s && %s.tp < %s.tp", m, p.tp, m, j)
	length := j + ".tp - " + p.tp
	if f.op == sinceThen {
		within = fmt.Sprintf("%s.tp > %s.tp && %s.tp <= %s", m, j, m, p.tp)
		length = p.tp + " - " + j + ".tp"
	}
	when := func(e string) string { return strings.ReplaceAll(within, m+".", e+".") }
	switch {
	case run.op == predicate:
		return t.counted(run, between, k, when, length)
	case run.op == not && run.kids[0].op == predicate:
		return negationOf(t.fact(run.kids[0], place{}, between, k, when, func(string, given) string { return "true" }))
	}
	there := place{tp: m + ".tp", time: m + ".time", lo: between.lo, hi: between.hi}
	return negationOf(t.among("point", place{}, between, m, []string{within}, negationOf(t.holds(run, there, k))))
}

// counted says that there are so many facts, one a time point.
func (t *translation) counted(f *mfotl, between place, k given, when func(e string) string, length string) string {
	e := t.name("e")
	conditions := []string{when(e)}
	for i, arg := range f.terms {
		conditions = append(conditions, e+"."+t.s[f.name][i][0]+" == "+t.value(arg, k))
	}
	var sizes []string
	for _, r := range t.reaches(kindOf(f), between.lo, between.hi, nil) {
		sizes = append(sizes, fmt.Sprintf("%s.filter(%s, %s).size()", r.list, e, conjunctionOf(conditions...)))
	}
	return strings.Join(sizes, " + ") + " == " + length
}

// aggregated says what an aggregate gives: the least or the greatest is the value of one
// event, of which no other is better; a group of one fact is that one's; a count is
// compared with what is given.
func (t *translation) aggregated(f *mfotl, p place, k given, also then) string {
	body := f.kids[0]
	named := func(k given, value string) string {
		if k[f.result] != "" {
			return conjunctionOf(value+" == "+k[f.result], also(k))
		}
		return also(k.and(f.result, value))
	}
	if single(f) {
		return t.some(body, p, k, func(k given) string {
			if f.name == "CNT" {
				return named(k, "1")
			}
			return named(k, k[f.of])
		})
	}
	switch f.name {
	case "MIN", "MAX":
		return disjunctionOf(t.best(f, p, k, named), t.ofNothing(f, p, k, named))
	case "CNT", "SUM", "AVG":
		if len(f.vars) == 0 {
			return named(k, t.number(f, p, k))
		}
		if k.all(f.vars) {
			n := t.number(f, p, k)
			return conjunctionOf(t.some(body, p, k, nothingElse), named(k, n))
		}
		return t.some(body, p, k, func(k given) string {
			groups := maps.Clone(k)
			for _, name := range difference(body.free(), f.vars) {
				delete(groups, name)
			}
			return named(groups, t.number(f, p, groups))
		})
	}
	panic(severally)
}

// single tells whether each group of an aggregate has one value, the same each time.
func single(f *mfotl) bool {
	one := len(difference(f.vars, f.kids[0].free())) == 0
	within := false
	for _, name := range f.vars {
		within = within || name == f.of
	}
	return one || within && f.name != "CNT" && f.name != "SUM"
}

func (t *translation) best(f *mfotl, p place, k given, named func(given, string) string) string {
	better := " < "
	if f.name == "MAX" {
		better = " > "
	}
	return t.some(f.kids[0], p, k, func(mine given) string {
		others := maps.Clone(k)
		for _, name := range f.vars {
			others[name] = mine[name]
		}
		none := negationOf(t.some(f.kids[0], p, others, func(k given) string { return k[f.of] + better + mine[f.of] }))
		return conjunctionOf(none, named(others, mine[f.of]))
	})
}

// kindOf is the type of what is aggregated.
func (t *translation) kindOf(f *mfotl) string {
	kind := "int"
	f.kids[0].walk(func(g *mfotl) {
		for i, arg := range g.terms {
			if g.op == predicate && arg.value == f.of && i < len(t.s[g.name]) {
				kind = t.s[g.name][i][1]
			}
		}
	})
	return kind
}

// nothing is the least or the greatest of nothing, by MonPoly's convention.
func (t *translation) nothing(f *mfotl) *term {
	switch t.kindOf(f) {
	case "string":
		return &term{op: "string"}
	case "float":
		panic(ownWords) // it is infinite
	}
	return &term{op: "int", value: "0"}
}

// ofNothing is the least or the greatest where nothing is.
func (t *translation) ofNothing(f *mfotl, p place, k given, named func(given, string) string) string {
	if len(f.vars) > 0 {
		return "false"
	}
	return conjunctionOf(negationOf(t.some(f.kids[0], p, k, nothingElse)), named(k, t.value(t.nothing(f), k)))
}

// number is how many there are, or their sum, of the facts of a place.
func (t *translation) number(f *mfotl, p place, k given) string {
	body := f.kids[0]
	if body.op == some {
		body = body.kids[0]
	}
	if body.op != predicate || f.name == "CNT" {
		return t.distinct(f, p, k)
	}
	if p.top && p.lo == 0 && p.hi == 0 && body == f.kids[0] {
		return t.summed(f, body, p, k)
	}
	panic(severally)
}

// distinct counts the values for which a formula holds that one kind of fact gives: of
// several facts with the same values the first counts.
func (t *translation) distinct(f *mfotl, p place, k given) string {
	if f.name != "CNT" {
		panic(severally)
	}
	ways := t.waysOf(f.kids[0], unknown(f.kids[0].free(), k), 0, 0, true)
	if len(ways) != 1 || len(ways[0].atoms) != 1 {
		panic(severally)
	}
	a := ways[0].atoms[0]
	e, m := t.name("e"), t.name("m")
	mine, same := k, []string{}
	for _, name := range unknown(f.kids[0].free(), k) {
		b := ways[0].bound[name]
		if b.term != nil {
			panic(severally)
		}
		mine = mine.and(name, e+"."+b.field)
		same = append(same, m+"."+b.field+" == "+e+"."+b.field)
	}
	lists := t.reaches(kindOf(a.fact), p.lo+a.lo, p.hi+a.hi, nil)
	if len(lists) != 1 {
		panic(severally)
	}
	list := lists[0].list
	first := negationOf(fmt.Sprintf("%s.exists(%s, %s)", list, m, conjunctionOf(append(same, m+".before("+e+")")...)))
	return fmt.Sprintf("%s.filter(%s, %s).size()", list, e, conjunctionOf(first, t.holds(f.kids[0], p, mine)))
}

func unknown(names []string, k given) []string {
	var open []string
	for _, name := range names {
		if k[name] == "" {
			open = append(open, name)
		}
	}
	return open
}

// summed is the sum of an argument of the item's own facts.
func (t *translation) summed(f, body *mfotl, p place, k given) string {
	where, of := []string{"event.tp == " + p.tp}, ""
	for i, arg := range body.terms {
		field := "event." + t.s[body.name][i][0]
		switch {
		case arg.op == "var" && arg.value == f.of && k[f.of] == "":
			of = field
		case arg.op == "var" && k[arg.value] == "":
		default:
			where = append(where, field+" == "+t.value(arg, k))
		}
	}
	if of == "" || inner.MatchString(strings.Join(where, " ")) {
		panic(severally)
	}
	e := t.expect(kindOf(body), 0, 0, where)
	for i := range t.expectations {
		if t.expectations[i].name == e {
			t.expectations[i].says += ", fold: {s: " + strconv.Quote("sum("+of+")") + ", n: count()}"
		}
	}
	if f.name == "AVG" {
		return fmt.Sprintf("(%s.n == 0 ? 0.0 : double(%s.s) / double(%s.n))", e, e, e)
	}
	return e + ".s"
}

// value is an expression for a term.
func (t *translation) value(of *term, k given) string {
	args := make([]string, len(of.kids))
	for i, kid := range of.kids {
		args[i] = t.value(kid, k)
	}
	switch of.op {
	case "var":
		if k[of.value] == "" {
			panic(boundless)
		}
		return k[of.value]
	case "int", "float":
		return of.value
	case "string":
		return strconv.Quote(of.value)
	case "candidate":
		return "int(part.id)"
	case "i2f":
		return "double(" + args[0] + ")"
	case "f2i":
		return "int(" + args[0] + ")"
	case "s2i": // a text that is no whole number gives 0, as MonPoly has it
		return fmt.Sprintf(`(%s.matches("^[-+]?[0-9]+$") ? int(%s) : 0)`, args[0], args[0])
	case "i2s":
		return "string(" + args[0] + ")"
	case "f2s", "s2f":
		panic(ownWords)
	case "MOD":
		return "(" + args[0] + " % " + args[1] + ")"
	}
	return "(" + args[0] + " " + of.op + " " + args[1] + ")"
}
