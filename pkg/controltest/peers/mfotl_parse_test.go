package peers_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// errUnread is why a formula can't be read: its text, or what isn't of the fragment.
var errUnread = errors.New("it can't be read")

var tokenPattern = regexp.MustCompile(`^\s*(r?"[^"]*"|<-|<=|>=|[?A-Za-z_][A-Za-z0-9_']*|\d+\.\d*|\d+|[^\s])`)

// reading is a text that is read; the first fault stops it, by a panic that parse catches.
type reading struct {
	tokens []string
	next   int
	fresh  int
	lets   map[string]let
}

// let is a predicate that stands for a formula.
type let struct {
	args []string
	body *mfotl
}

// parseFormula reads a formula as MonPoly's grammar does.
func parseFormula(text string) (f *mfotl, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			f, err = nil, fmt.Errorf("%w: %v", errUnread, fault)
		}
	}()
	r := &reading{lets: map[string]let{}}
	for rest := strings.TrimSpace(text); rest != ""; {
		m := tokenPattern.FindStringSubmatch(rest)
		r.tokens = append(r.tokens, m[1])
		rest = strings.TrimSpace(rest[len(m[0]):])
	}
	f = r.formula(loosest)
	if r.next < len(r.tokens) {
		panic("after its end stands " + r.peek())
	}
	return f, nil
}

func parsed(t *testing.T, text string) *mfotl {
	t.Helper()
	f, err := parseFormula(text)
	require.NoError(t, err, text)
	return f
}

func (r *reading) peek() string {
	if r.next < len(r.tokens) {
		return r.tokens[r.next]
	}
	return "its end"
}

func (r *reading) take() string {
	token := r.peek()
	r.next++
	return token
}

func (r *reading) is(token string) bool {
	if r.peek() != token {
		return false
	}
	r.next++
	return true
}

func (r *reading) must(token string) {
	if got := r.take(); got != token {
		panic(fmt.Sprintf("%s is wanted, not %s", token, got))
	}
}

// How tightly operators hold together. Behind a temporal operator or a quantifier all
// belongs to it, up to a SINCE or UNTIL.
const (
	loosest = iota
	unary
	equivalence
	implication
	disjunction
	conjunction
	tightest
)

func (r *reading) formula(least int) *mfotl {
	f := r.prefix()
	for {
		switch token := r.peek(); {
		case (token == "SINCE" || token == "UNTIL") && least <= loosest:
			r.next++
			lo, hi := r.interval()
			f = timed(operator(token), lo, hi, f, r.formula(loosest)) // from the right
		case token == "EQUIV" && least <= equivalence:
			r.next++
			g := r.formula(implication)
			f = pairOf(both, pairOf(either, negation(f), g), pairOf(either, negation(g), f))
		case token == "IMPLIES" && least <= implication:
			r.next++
			f = pairOf(either, negation(f), r.formula(implication))
		case token == "OR" && least <= disjunction:
			r.next++
			f = pairOf(either, f, r.formula(conjunction))
		case token == "AND" && least <= conjunction:
			r.next++
			f = pairOf(both, f, r.formula(tightest))
		default:
			return f
		}
	}
}

func (r *reading) prefix() *mfotl {
	switch token := r.peek(); token {
	case "NOT":
		r.next++
		return negation(r.formula(tightest))
	case "EXISTS", "FORALL":
		return r.quantified(r.take())
	case "NEXT", "PREVIOUS":
		r.next++
		lo, hi := r.interval()
		return timed(operator(token), lo, hi, r.formula(unary))
	case "ONCE", "EVENTUALLY", "PAST_ALWAYS", "ALWAYS":
		r.next++
		return r.temporal(token)
	case "LET":
		return r.let()
	case "TRUE", "FALSE":
		r.next++
		if token == "FALSE" {
			return negation(truth())
		}
		return truth()
	case "LETPAST", "MATCHF", "MATCHP":
		panic(token + " isn't of the fragment")
	case "(":
		return r.bracket()
	}
	if r.next+1 < len(r.tokens) && r.tokens[r.next+1] == "<-" {
		return r.aggregate()
	}
	return r.atom()
}

func (r *reading) temporal(token string) *mfotl {
	lo, hi := r.interval()
	f := r.formula(unary)
	op := untilThen
	if token == "ONCE" || token == "PAST_ALWAYS" {
		op = sinceThen
	}
	if strings.HasSuffix(token, "ALWAYS") {
		return negation(timed(op, lo, hi, truth(), negation(f)))
	}
	return timed(op, lo, hi, truth(), f)
}

// bracket is a formula in brackets, or a comparison that begins with a term in some.
func (r *reading) bracket() *mfotl {
	start := r.next
	f := func() (f *mfotl) {
		defer func() {
			if recover() != nil {
				f = nil
			}
		}()
		r.must("(")
		f = r.formula(loosest)
		r.must(")")
		if slices.Contains([]string{"=", "<", "<=", ">", ">=", "+", "-", "*", "/"}, r.peek()) {
			return nil
		}
		return f
	}()
	if f != nil {
		return f
	}
	r.next = start
	return r.comparison()
}

// quantified gives the bound variables names of their own.
func (r *reading) quantified(token string) *mfotl {
	names, fresh := map[string]*term{}, []string{}
	for {
		old := r.take()
		fresh = append(fresh, r.unused(old))
		names[old] = variable(fresh[len(fresh)-1])
		if !r.is(",") {
			break
		}
	}
	r.must(".")
	f := r.formula(unary).renamed(names)
	if token == "FORALL" {
		return negation(&mfotl{op: some, vars: fresh, kids: []*mfotl{negation(f)}})
	}
	return &mfotl{op: some, vars: fresh, kids: []*mfotl{f}}
}

func (r *reading) unused(name string) string {
	r.fresh++
	return fmt.Sprintf("%s~%d", name, r.fresh)
}

func (r *reading) let() *mfotl {
	r.must("LET")
	name := r.take()
	l := let{}
	for _, arg := range r.arguments() {
		l.args = append(l.args, arg.value)
	}
	r.must("=")
	l.body = r.formula(loosest)
	r.must("IN")
	outer, shadowed := r.lets[name]
	r.lets[name] = l
	f := r.formula(loosest)
	if delete(r.lets, name); shadowed {
		r.lets[name] = outer
	}
	return f
}

func (r *reading) aggregate() *mfotl {
	f := &mfotl{op: aggregate, result: r.take()}
	r.must("<-")
	f.name, f.of = r.take(), r.take()
	if r.is(";") {
		f.vars = append(f.vars, r.take())
		for r.is(",") {
			f.vars = append(f.vars, r.take())
		}
	}
	body, names := r.formula(loosest), map[string]*term{}
	for _, name := range body.free() {
		if !slices.Contains(f.vars, name) { // it is the aggregate's own
			names[name] = variable(r.unused(name))
		}
	}
	if own := names[f.of]; own != nil {
		f.of = own.value
	}
	f.kids = []*mfotl{body.renamed(names)}
	return f
}

func (r *reading) arguments() []*term {
	r.must("(")
	terms := []*term{}
	for !r.is(")") {
		terms = append(terms, r.sum())
		if !r.is(",") && r.peek() != ")" {
			panic("in arguments stands " + r.peek())
		}
	}
	return terms
}

var functions = []string{"f2i", "i2f", "i2s", "s2i", "f2s", "s2f"}

// atom is a predicate or a comparison.
func (r *reading) atom() *mfotl {
	if r.next+1 >= len(r.tokens) || r.tokens[r.next+1] != "(" || slices.Contains(functions, r.peek()) {
		return r.comparison()
	}
	name := r.take()
	args := r.arguments()
	if l, is := r.lets[name]; is {
		return r.unfolded(l, args)
	}
	f := &mfotl{op: predicate, name: name, terms: args}
	var unnamed []string
	for _, arg := range args {
		if strings.HasPrefix(arg.value, "_~") {
			unnamed = append(unnamed, arg.value)
		}
	}
	if len(unnamed) > 0 {
		return &mfotl{op: some, vars: unnamed, kids: []*mfotl{f}}
	}
	return f
}

// unfolded is what a predicate stands for, with other names for its own variables.
func (r *reading) unfolded(l let, args []*term) *mfotl {
	if len(args) != len(l.args) {
		panic("a LET has other arguments")
	}
	names, own := map[string]*term{}, []string{}
	l.body.walk(func(f *mfotl) {
		for _, name := range slices.Concat(f.free(), f.vars, []string{f.of}) {
			if name != "" && names[name] == nil {
				names[name] = variable(r.unused(name))
			}
		}
	})
	f := l.body.renamed(names)
	for i, arg := range l.args {
		if names[arg] == nil { // its body doesn't speak of it
			continue
		}
		if args[i].op != "var" && !f.binds(names[arg].value) || args[i].op == "var" && !strings.HasPrefix(args[i].value, "_~") {
			f = f.renamed(map[string]*term{names[arg].value: args[i]})
			continue
		}
		own = append(own, names[arg].value)
		if args[i].op != "var" {
			f = pairOf(both, f, &mfotl{op: equals, terms: []*term{names[arg], args[i]}})
		}
	}
	if len(own) > 0 {
		f = &mfotl{op: some, vars: own, kids: []*mfotl{f}}
	}
	ordered := *f
	for _, arg := range args {
		if arg.op == "var" && slices.Contains(f.free(), arg.value) {
			ordered.order = append(ordered.order, arg.value)
		}
	}
	return &ordered
}

// binds tells whether a variable is an aggregate's result or group, so that no constant can
// stand in its place.
func (f *mfotl) binds(name string) bool {
	found := false
	f.walk(func(g *mfotl) {
		found = found || g.op == aggregate && (g.result == name || slices.Contains(g.vars, name))
	})
	return found
}

func (r *reading) comparison() *mfotl {
	left := r.sum()
	switch op := r.take(); op {
	case "=", "<", "<=", "SUBSTRING":
		return &mfotl{op: operator(op), terms: []*term{left, r.sum()}}
	case ">":
		return &mfotl{op: lessThan, terms: []*term{r.sum(), left}}
	case ">=":
		return &mfotl{op: atMost, terms: []*term{r.sum(), left}}
	case "MATCHES":
		f := &mfotl{op: matches, terms: []*term{left}, name: strings.Trim(strings.TrimPrefix(r.take(), "r"), `"`)}
		if r.peek() == "(" {
			for _, part := range r.arguments() {
				if !strings.HasPrefix(part.value, "_~") {
					panic(capturing)
				}
			}
		}
		return f
	default:
		panic("a comparison is wanted, not " + op)
	}
}

func (r *reading) sum() *term {
	t := r.product()
	for r.peek() == "+" || r.peek() == "-" {
		t = &term{op: r.take(), kids: []*term{t, r.product()}}
	}
	return t
}

func (r *reading) product() *term {
	t := r.factor()
	for r.peek() == "*" || r.peek() == "/" || r.peek() == "MOD" {
		t = &term{op: r.take(), kids: []*term{t, r.factor()}}
	}
	return t
}

func (r *reading) factor() *term {
	token := r.take()
	switch {
	case token == "(":
		t := r.sum()
		r.must(")")
		return t
	case token == "-":
		return &term{op: "-", kids: []*term{{op: "int", value: "0"}, r.factor()}}
	case slices.Contains(functions, token):
		r.must("(")
		t := &term{op: token, kids: []*term{r.sum()}}
		r.must(")")
		return t
	case strings.HasPrefix(token, `"`):
		return &term{op: "string", value: strings.Trim(token, `"`)}
	case token[0] >= '0' && token[0] <= '9' && strings.Contains(token, "."):
		return &term{op: "float", value: token}
	case token[0] >= '0' && token[0] <= '9':
		return &term{op: "int", value: token}
	case token == "_":
		return variable(r.unused("_"))
	case regexp.MustCompile(`^[?A-Za-z_][\w']*$`).MatchString(token):
		return variable(token)
	}
	panic("a value is wanted, not " + token)
}

var unitsOf = map[string]int64{"s": 1, "m": 60, "h": 3600, "d": 86400}

// interval reads [a,b] with either end open; without one it is all.
func (r *reading) interval() (lo, hi int64) {
	open := r.peek()
	if open != "[" && open != "(" || r.next+2 >= len(r.tokens) || open == "(" && r.bound(1) < 0 {
		return 0, unbounded
	}
	r.next++
	lo = r.duration()
	if open == "(" {
		lo++
	}
	r.must(",")
	if r.is("*") {
		hi = unbounded
	} else {
		hi = r.duration()
	}
	if end := r.take(); end == ")" && hi != unbounded {
		hi--
	}
	if lo > hi || lo < 0 {
		panic(emptyInterval)
	}
	return lo, hi
}

// bound tells how far a bracket's first bound reaches, to know an interval from a formula.
func (r *reading) bound(after int) int {
	i := r.next + after
	if r.tokens[i] == "-" {
		i++
	}
	if _, err := strconv.Atoi(r.tokens[i]); err != nil {
		return -1
	}
	for i++; i < len(r.tokens); i++ {
		if r.tokens[i] == "," {
			return i
		}
		if unitsOf[r.tokens[i]] == 0 {
			return -1
		}
	}
	return -1
}

func (r *reading) duration() int64 {
	sign := int64(1)
	if r.is("-") {
		sign = -1
	}
	n, err := strconv.ParseInt(r.take(), 10, 64)
	if err != nil {
		panic("a bound of an interval is wanted")
	}
	if unit := unitsOf[r.peek()]; unit != 0 {
		r.next++
		n *= unit
	}
	return sign * n
}

// Why a formula isn't of the fragment.
const (
	capturing     = "it asks for a part of a text that a pattern captures"
	emptyInterval = "its interval is negative or empty"
)
