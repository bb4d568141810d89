package peers_test

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A formula is translated into conditions on lists of events: a fact is one of its kind
// at the number of its time point, and time points are themselves events. What the
// operators of time reach is the interval of an expectation; without a bound it is a table.

// errUnsaid is why no control says a formula.
var errUnsaid = errors.New("no control says it")

// longestStep is where a step to a neighbour without a bound is cut.
const longestStep = 3660 * 86_400

// translation is a control in the making. The first fault stops it, by a panic that
// translate catches.
type translation struct {
	s            signature
	expectations []expectation
	tables       []tableOf
	fresh        int
	tabled       bool // the control reads a table, so that it joins by the source alone
	parts        bool // its parts are rows of one
	candidates   bool // its parts are numbers that a result can be
}

// expectation is one, by what it says after its name.
type expectation struct{ name, says string }

type tableOf struct {
	name, kind string
	key        []string
}

// place is a time point that is spoken of: expressions for its number and its time, and
// how many seconds it can lie from the item.
type place struct {
	tp, time string
	lo, hi   int64
	top      bool // it is the item's, or its part's, own
}

// given are expressions for the values of variables.
type given map[string]string

func (k given) and(name, expression string) given {
	more := maps.Clone(k)
	more[name] = expression
	return more
}

func (k given) all(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return k[name] == "" })
}

// then is what must hold besides, once more variables are given.
type then func(given) string

func nothingElse(given) string { return "true" }

// conjunction joins conditions; disjunction those of which one suffices.
func conjunctionOf(conditions ...string) string {
	return joinedBy(" && ", "true", "false", conditions)
}

func disjunctionOf(conditions ...string) string {
	return joinedBy(" || ", "false", "true", conditions)
}

func joinedBy(operator, neutral, deciding string, conditions []string) string {
	var kept []string
	for _, c := range conditions {
		if c == deciding {
			return deciding
		}
		if c != neutral {
			kept = append(kept, c)
		}
	}
	switch len(kept) {
	case 0:
		return neutral
	case 1:
		return kept[0]
	}
	return "(" + strings.Join(kept, operator) + ")"
}

func negationOf(condition string) string {
	switch condition {
	case "true":
		return "false"
	case "false":
		return "true"
	}
	return "!(" + condition + ")"
}

func seconds(n int64) string { return fmt.Sprintf(`duration("%ds")`, n) }

// name is one that nothing else has.
func (t *translation) name(prefix string) string {
	t.fresh++
	return fmt.Sprintf("%s%d", prefix, t.fresh)
}

func kindOf(f *mfotl) string { return "p." + f.name }

// reach is a list of events: an expectation, or a table of what lies without a bound
// before the item.
type reach struct{ list string }

// reaches are the lists that hold the events of a kind between two distances from the
// item, where a condition on them (`event`) holds.
func (t *translation) reaches(kind string, lo, hi int64, where []string) []reach {
	lo, hi = max(lo, -unbounded), min(hi, longestStep)
	if lo > -unbounded {
		return []reach{{t.expect(kind, max(lo, -longestStep), hi, where)}}
	}
	lists := []reach{{t.tableOf(kind)}}
	if hi > 0 {
		lists = append(lists, reach{t.expect(kind, 1, hi, nil)}) // the table has all of the item's instant
	}
	return lists
}

// plainJoin is an equality of a field of the event with one of the item.
var plainJoin = regexp.MustCompile(`^event\.(\w+) == item\.(\w+)$`)

func (t *translation) expect(kind string, lo, hi int64, where []string) string {
	on, rest := []string{"event.source: item.source"}, []string{}
	for _, condition := range where {
		if m := plainJoin.FindStringSubmatch(condition); m != nil && !t.tabled && !slices.ContainsFunc(on, func(j string) bool { return strings.HasPrefix(j, "event."+m[1]+":") }) {
			on = append(on, "event."+m[1]+": item."+m[2])
			continue
		}
		rest = append(rest, condition)
	}
	says := fmt.Sprintf("event: %s, on: {%s}", kind, strings.Join(on, ", "))
	if left := conjunctionOf(rest...); left != "true" {
		says += ", where: " + strconv.Quote(left)
	}
	says += fmt.Sprintf(`, between: "[%ds, %ds]"`, lo, hi)
	for _, e := range t.expectations {
		if e.says == says {
			return e.name
		}
	}
	t.expectations = append(t.expectations, expectation{t.name("x"), says})
	return t.expectations[len(t.expectations)-1].name
}

func (t *translation) tableOf(kind string) string {
	for _, table := range t.tables {
		if table.kind == kind {
			return "refs." + table.name + ".of(item.source)"
		}
	}
	table := tableOf{name: t.name("t"), kind: kind, key: []string{"event.source", "event.tp", "event.id"}}
	t.tables = append(t.tables, table)
	return "refs." + table.name + ".of(item.source)"
}

// anyOf says that some event of the lists meets a condition.
func anyOf(lists []reach, variable, condition string) string {
	var found []string
	for _, r := range lists {
		if condition == "true" && !strings.Contains(r.list, "(") {
			found = append(found, r.list+".count >= 1")
			continue
		}
		found = append(found, fmt.Sprintf("%s.exists(%s, %s)", r.list, variable, condition))
	}
	return disjunctionOf(found...)
}

// inner are the variables of conditions within conditions, which no `where:` can read.
var inner = regexp.MustCompile(`\b[ejm]\d+\.`)

// holds says that a formula whose variables are given holds at a place.
func (t *translation) holds(f *mfotl, p place, k given) string {
	switch f.op {
	case isTrue:
		return "true"
	case not:
		return negationOf(t.holds(f.kids[0], p, k))
	case both:
		return conjunctionOf(t.holds(f.kids[0], p, k), t.holds(f.kids[1], p, k))
	case either:
		return disjunctionOf(t.holds(f.kids[0], p, k), t.holds(f.kids[1], p, k))
	case equals:
		return t.value(f.terms[0], k) + " == " + t.value(f.terms[1], k)
	case lessThan, atMost:
		return t.value(f.terms[0], k) + " " + string(f.op) + " " + t.value(f.terms[1], k)
	case substring:
		return fmt.Sprintf("%s.contains(%s)", t.value(f.terms[1], k), t.value(f.terms[0], k))
	case matches:
		return fmt.Sprintf("%s.matches(%s)", t.value(f.terms[0], k), strconv.Quote(patternOf(f.name)))
	}
	return t.some(f, p, k, nothingElse)
}

// some says that there are values of the variables that aren't given yet for which a
// formula holds at a place, and what else must hold of them.
func (t *translation) some(f *mfotl, p place, k given, also then) string {
	switch f.op {
	case predicate:
		return t.fact(f, p, p, k, func(e string) string { return e + ".tp == " + p.tp }, func(_ string, k given) string { return also(k) })
	case some:
		return t.some(f.kids[0], p, k, also)
	case sinceThen, untilThen:
		return t.run(f, p, k, also)
	case nextPoint, lastPoint:
		return t.step(f, p, k, also)
	case aggregate:
		return t.aggregated(f, p, k, also)
	}
	if k.all(f.free()) {
		return conjunctionOf(t.holds(f, p, k), also(k))
	}
	switch f.op {
	case both:
		return t.each(conjuncts(f), p, k, also)
	case either:
		return disjunctionOf(t.some(f.kids[0], p, k, also), t.some(f.kids[1], p, k, also))
	case equals:
		for i, side := range f.terms {
			if other := f.terms[1-i]; side.op == "var" && k[side.value] == "" && k.all(other.free()) {
				return also(k.and(side.value, t.value(other, k)))
			}
		}
	}
	panic(boundless)
}

func conjuncts(f *mfotl) []*mfotl {
	if f.op != both {
		return []*mfotl{f}
	}
	return slices.Concat(conjuncts(f.kids[0]), conjuncts(f.kids[1]))
}

// each takes the conjuncts in an order in which each has the values that it needs.
func (t *translation) each(all []*mfotl, p place, k given, also then) string {
	if len(all) == 0 {
		return also(k)
	}
	best := -1
	for i, f := range all {
		if k.all(f.free()) {
			best = i
			break
		}
		if t.binds(f, k) && (best < 0 || f.op == equals && all[best].op != equals) {
			best = i
		}
	}
	if best < 0 {
		panic(boundless)
	}
	rest := slices.Delete(slices.Clone(all), best, best+1)
	return t.some(all[best], p, k, func(k given) string { return t.each(rest, p, k, also) })
}

// binds tells whether a formula gives values to those of its variables that aren't given.
func (t *translation) binds(f *mfotl, k given) bool {
	if k.all(f.free()) {
		return true
	}
	switch f.op {
	case predicate:
		return true
	case equals:
		for i, side := range f.terms {
			if side.op == "var" && k.all(f.terms[1-i].free()) {
				return true
			}
		}
		return false
	case both:
		bound := k
		rest := conjuncts(f)
		for len(rest) > 0 {
			i := slices.IndexFunc(rest, func(g *mfotl) bool { return t.binds(g, bound) })
			if i < 0 {
				return false
			}
			for _, name := range rest[i].free() {
				bound = bound.and(name, "?")
			}
			rest = slices.Delete(rest, i, i+1)
		}
		return true
	case either:
		return t.binds(f.kids[0], k) && t.binds(f.kids[1], k) && k.all(difference(f.kids[0].free(), f.kids[1].free()))
	case some, nextPoint, lastPoint:
		return t.binds(f.kids[0], k)
	case sinceThen, untilThen:
		bound := k
		for _, name := range f.kids[1].free() {
			bound = bound.and(name, "?")
		}
		return t.binds(f.kids[1], k) && bound.all(f.kids[0].free())
	case aggregate:
		return true
	}
	return false
}

// difference are names that only one of the lists has.
func difference(a, b []string) []string {
	var only []string
	for _, name := range slices.Concat(a, b) {
		if !slices.Contains(a, name) || !slices.Contains(b, name) {
			only = append(only, name)
		}
	}
	return only
}

// fact says that there is a fact within reach of a place, at the time points that a
// condition on its event chooses, and what else must hold of it. Of the item's own place
// the expectation itself says so, if it can.
func (t *translation) fact(f *mfotl, from, reach place, k given, when func(e string) string, also func(string, given) string) string {
	args := t.s[f.name]
	if len(args) != len(f.terms) {
		panic("the signature has no such " + f.name)
	}
	e, more := t.name("e"), k
	conditions := []string{when(e)}
	for i, arg := range f.terms {
		field := e + "." + args[i][0]
		if arg.op == "var" && more[arg.value] == "" {
			more = more.and(arg.value, field)
			continue
		}
		conditions = append(conditions, field+" == "+t.value(arg, more))
	}
	return t.among(kindOf(f), from, reach, e, conditions, also(e, more))
}

// among says that an event of a kind meets some conditions and what else must hold.
func (t *translation) among(kind string, from, reach place, e string, conditions []string, rest string) string {
	pushed := make([]string, 0, len(conditions))
	for _, c := range conditions {
		if c != "true" {
			pushed = append(pushed, strings.ReplaceAll(c, e+".", "event."))
		}
	}
	if from.top && reach.lo > -unbounded && !inner.MatchString(strings.Join(pushed, " ")) {
		return anyOf(t.reaches(kind, reach.lo, reach.hi, pushed), e, rest)
	}
	return anyOf(t.reaches(kind, reach.lo, reach.hi, nil), e, conjunctionOf(append(conditions, rest)...))
}
