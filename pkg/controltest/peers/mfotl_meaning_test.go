package peers_test

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// meaning is a formula by definition, over the values that its log and it can have.
func (f *mfotl) meaning(values []string) formula {
	kid := func(i int) formula { return f.kids[i].meaning(values) }
	switch f.op {
	case isTrue:
		return always(true)
	case predicate:
		return f.factMeaning()
	case equals, lessThan, atMost:
		return compared(func(v map[string]string) bool {
			return f.compares(f.terms[0].valueOf(v), f.terms[1].valueOf(v))
		})
	case substring:
		return compared(func(v map[string]string) bool { return strings.Contains(f.terms[1].valueOf(v), f.terms[0].valueOf(v)) })
	case matches:
		pattern := regexp.MustCompile(patternOf(f.name))
		return compared(func(v map[string]string) bool { return pattern.MatchString(f.terms[0].valueOf(v)) })
	case both:
		return and(kid(0), kid(1))
	case either:
		return or(kid(0), kid(1))
	case not:
		return negated(kid(0))
	case some:
		return existing(f.vars, values, kid(0))
	case nextPoint:
		return next(f.lo, f.hi, kid(0))
	case lastPoint:
		return previous(f.lo, f.hi, kid(0))
	case sinceThen:
		return since(f.lo, f.hi, kid(0), kid(1))
	case untilThen:
		return until(f.lo, f.hi, kid(0), kid(1))
	}
	return f.aggregateMeaning(values)
}

func (f *mfotl) factMeaning() formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		return slices.ContainsFunc(log[i].facts[f.name], func(tuple []string) bool {
			for k, t := range f.terms {
				if tuple[k] != t.valueOf(v) {
					return false
				}
			}
			return true
		})
	}
}

// compares compares whole numbers as such, and what isn't one as a text. What has no
// value, a division by zero, compares with nothing.
func (f *mfotl) compares(a, b string) bool {
	x, errX := strconv.Atoi(a)
	y, errY := strconv.Atoi(b)
	order := strings.Compare(a, b)
	if errX == nil && errY == nil {
		order = x - y
	}
	return a != "" && b != "" && (order == 0 && f.op != lessThan || order < 0 && f.op != equals)
}

// existing holds if f does for some values of the variables.
func existing(vars, values []string, f formula) formula {
	return func(log []timePoint, i int, v map[string]string) bool {
		found := false
		inner := with(v, "", "")
		assign(values, vars, inner, func(v map[string]string) { found = found || f(log, i, v) })
		return found
	}
}

// aggregateMeaning holds of the aggregate over the group that the variables name.
func (f *mfotl) aggregateMeaning(values []string) formula {
	body := f.kids[0]
	var own []string
	for _, name := range body.free() {
		if !slices.Contains(f.vars, name) {
			own = append(own, name)
		}
	}
	holds := body.meaning(values)
	return func(log []timePoint, i int, v map[string]string) bool {
		var of []int
		assign(values, own, with(v, "", ""), func(v map[string]string) {
			if holds(log, i, v) {
				of = append(of, number(v[f.of]))
			}
		})
		return (len(of) > 0 || len(f.vars) == 0) && v[f.result] == aggregated(f.name, of)
	}
}

// aggregated is the aggregate of whole numbers; that of none is 0, by MonPoly's convention.
func aggregated(name string, of []int) string {
	sum := 0
	for _, n := range of {
		sum += n
	}
	switch {
	case name == "CNT":
		return strconv.Itoa(len(of))
	case len(of) == 0:
		return "0"
	case name == "MIN":
		return strconv.Itoa(slices.Min(of))
	case name == "MAX":
		return strconv.Itoa(slices.Max(of))
	case name == "SUM":
		return strconv.Itoa(sum)
	case name == "AVG" && sum%len(of) == 0:
		return strconv.Itoa(sum / len(of))
	}
	return "?" // no whole number
}

// valueOf is a term's value as a text, empty if it has none.
func (t *term) valueOf(v map[string]string) string {
	switch t.op {
	case "var":
		return v[t.value]
	case "int", "float", "string":
		return t.value
	case "i2s":
		return t.kids[0].valueOf(v)
	case "s2i":
		return strconv.Itoa(number(t.kids[0].valueOf(v)))
	}
	a, errA := strconv.Atoi(t.kids[0].valueOf(v))
	b, errB := strconv.Atoi(t.kids[len(t.kids)-1].valueOf(v))
	switch {
	case errA != nil || errB != nil || b == 0 && (t.op == "/" || t.op == "MOD"):
		return ""
	case t.op == "+":
		return strconv.Itoa(a + b)
	case t.op == "-":
		return strconv.Itoa(a - b)
	case t.op == "*":
		return strconv.Itoa(a * b)
	case t.op == "/":
		return strconv.Itoa(a / b)
	}
	return strconv.Itoa(a % b)
}

// values are those of a log, of the formula, and what the formula computes from them.
func (f *mfotl) values(log []timePoint) []string {
	base := domain(log)
	f.walk(func(g *mfotl) {
		for _, t := range g.terms {
			if t.op == "int" || t.op == "string" {
				base = append(base, t.value)
			}
		}
		if g.op == aggregate {
			base = append(base, "0", "1", "2", "3", "4", "5", "6") // more than these tests count
		}
	})
	slices.Sort(base)
	base = slices.Compact(base)
	all := slices.Clone(base)
	f.walk(func(g *mfotl) {
		for _, t := range g.terms {
			if g.op == equals && len(t.kids) > 0 {
				assign(base, t.free(), map[string]string{}, func(v map[string]string) { all = append(all, t.valueOf(v)) })
			}
		}
	})
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(s string) bool { return s == "" })
}

// at names the values for which the formula holds at a time point.
func (f *mfotl) at(log []timePoint, i int) []string {
	values := f.values(log)
	holds, vars := f.meaning(values), f.free()
	var names []string
	assign(values, vars, map[string]string{}, func(v map[string]string) {
		if !holds(log, i, v) {
			return
		}
		listed := make([]string, len(vars))
		for k, name := range vars {
			listed[k] = v[name]
		}
		names = append(names, itemName(i, listed))
	})
	return names
}

// itemName is the name of an item: a time point and the values that it speaks of.
func itemName(tp int, values []string) string {
	if len(values) == 0 {
		return strconv.Itoa(tp)
	}
	return strconv.Itoa(tp) + ":" + strings.Join(values, ",")
}

// patternOf writes a pattern of OCaml's Str, whose plain brackets and bars are letters.
func patternOf(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		c := pattern[i]
		switch {
		case c == '\\' && i+1 < len(pattern) && strings.IndexByte("()|", pattern[i+1]) >= 0:
			i++
			b.WriteByte(pattern[i])
		case strings.IndexByte("()|{}", c) >= 0:
			b.WriteString(`\` + string(c))
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
