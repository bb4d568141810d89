package peers_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A formula of metric first-order temporal logic as MonPoly writes it, read into what
// few operators suffice: the others are written out while it is read.

// operator is what a formula's node says.
type operator string

// The operators. ONCE and EVENTUALLY are since and until after `true`.
const (
	isTrue    operator = "true"
	predicate operator = "predicate"
	equals    operator = "="
	lessThan  operator = "<"
	atMost    operator = "<="
	matches   operator = "MATCHES"
	substring operator = "SUBSTRING"
	both      operator = "AND"
	either    operator = "OR"
	not       operator = "NOT"
	some      operator = "EXISTS"
	sinceThen operator = "SINCE"
	untilThen operator = "UNTIL"
	nextPoint operator = "NEXT"
	lastPoint operator = "PREVIOUS"
	aggregate operator = "<-"
)

// mfotl is a node of a formula.
type mfotl struct {
	op     operator
	name   string   // of the predicate, or of the aggregate: CNT, …
	terms  []*term  // the arguments, or both sides
	kids   []*mfotl // what it is made of
	vars   []string // that are bound, or that an aggregate groups by
	result string   // of an aggregate
	of     string   // what an aggregate aggregates
	order  []string // of a LET's variables, as its predicate names them
	lo, hi int64    // its interval, in seconds
}

// term is a value of a formula: a variable, a constant, or a function of others.
type term struct {
	op    string // "var", "int", "float", "string", or a function: + - * / MOD i2f …
	value string
	kids  []*term
}

// free are its free variables, in the order in which they first stand there; so MonPoly
// lists values.
func (f *mfotl) free() []string {
	var names []string
	add := func(more ...string) {
		for _, name := range more {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	add(f.order...)
	if f.op == aggregate {
		add(f.result)
		add(f.vars...)
		return names
	}
	for _, t := range f.terms {
		add(t.free()...)
	}
	kids := slices.Clone(f.kids)
	if f.op == sinceThen || f.op == untilThen {
		slices.Reverse(kids) // what a run ends at goes first
	}
	for _, kid := range kids {
		for _, name := range kid.free() {
			if f.op != some || !slices.Contains(f.vars, name) {
				add(name)
			}
		}
	}
	return names
}

func (t *term) free() []string {
	if t.op == "var" {
		return []string{t.value}
	}
	var names []string
	for _, kid := range t.kids {
		names = append(names, kid.free()...)
	}
	return names
}

// walk visits a formula and all that it is made of.
func (f *mfotl) walk(visit func(*mfotl)) {
	visit(f)
	for _, kid := range f.kids {
		kid.walk(visit)
	}
}

func truth() *mfotl                          { return &mfotl{op: isTrue} }
func negation(f *mfotl) *mfotl               { return &mfotl{op: not, kids: []*mfotl{f}} }
func pairOf(op operator, f, g *mfotl) *mfotl { return &mfotl{op: op, kids: []*mfotl{f, g}} }

func timed(op operator, lo, hi int64, kids ...*mfotl) *mfotl {
	return &mfotl{op: op, kids: kids, lo: lo, hi: hi}
}

// renamed is f with other names for its variables, bound ones included; what isn't told
// keeps its name.
func (f *mfotl) renamed(names map[string]*term) *mfotl {
	g := *f
	name := func(of string) string {
		if t := names[of]; t != nil && t.op == "var" {
			return t.value
		}
		return of
	}
	g.result, g.of = name(f.result), name(f.of)
	g.vars, g.terms, g.kids, g.order = nil, nil, nil, nil
	for _, v := range f.order {
		if t := names[v]; t == nil || t.op == "var" { // else it is a constant now
			g.order = append(g.order, name(v))
		}
	}
	for _, v := range f.vars {
		g.vars = append(g.vars, name(v))
	}
	for _, t := range f.terms {
		g.terms = append(g.terms, t.renamed(names))
	}
	for _, kid := range f.kids {
		g.kids = append(g.kids, kid.renamed(names))
	}
	return &g
}

func (t *term) renamed(names map[string]*term) *term {
	if t.op == "var" && names[t.value] != nil {
		return names[t.value]
	}
	u := *t
	u.kids = nil
	for _, kid := range t.kids {
		u.kids = append(u.kids, kid.renamed(names))
	}
	return &u
}

func variable(name string) *term { return &term{op: "var", value: name} }

// String writes a formula so that it reads the same.
func (f *mfotl) String() string {
	within := fmt.Sprintf("[%d,%d]", f.lo, f.hi)
	if f.hi == unbounded {
		within = fmt.Sprintf("[%d,*]", f.lo)
	}
	switch f.op {
	case isTrue:
		return "TRUE"
	case predicate:
		return f.name + "(" + written(f.terms) + ")"
	case equals, lessThan, atMost, substring:
		return fmt.Sprintf("(%s %s %s)", f.terms[0], f.op, f.terms[1])
	case matches:
		return fmt.Sprintf("(%s MATCHES r%q)", f.terms[0], f.name)
	case both, either:
		return fmt.Sprintf("(%s %s %s)", f.kids[0], f.op, f.kids[1])
	case not:
		return fmt.Sprintf("(NOT %s)", f.kids[0])
	case some:
		return fmt.Sprintf("(EXISTS %s. %s)", strings.Join(f.vars, ", "), f.kids[0])
	case nextPoint, lastPoint:
		return fmt.Sprintf("(%s%s %s)", f.op, within, f.kids[0])
	case aggregate:
		by := ""
		if len(f.vars) > 0 {
			by = "; " + strings.Join(f.vars, ",")
		}
		return fmt.Sprintf("(%s <- %s %s%s %s)", f.result, f.name, f.of, by, f.kids[0])
	}
	return fmt.Sprintf("(%s %s%s %s)", f.kids[0], f.op, within, f.kids[1])
}

func written(terms []*term) string {
	texts := make([]string, len(terms))
	for i, t := range terms {
		texts[i] = t.String()
	}
	return strings.Join(texts, ",")
}

// String writes a term.
func (t *term) String() string {
	switch {
	case t.op == "string":
		return strconv.Quote(t.value)
	case len(t.kids) == 0:
		return t.value
	case len(t.kids) == 1:
		return fmt.Sprintf("%s(%s)", t.op, t.kids[0])
	}
	return fmt.Sprintf("(%s %s %s)", t.kids[0], t.op, t.kids[1])
}
