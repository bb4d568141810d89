package peers_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// formulas makes formulas of the fragment at random: each value is bound by a fact.
type formulas struct {
	random *rand.Rand
	fresh  int
}

func (g *formulas) one(of int) bool { return g.random.IntN(of) == 0 }

func (g *formulas) pick(names []string) string { return names[g.random.IntN(len(names))] }

func (g *formulas) variable() string {
	g.fresh++
	return fmt.Sprintf("z%d", g.fresh)
}

// binding is a formula that gives values to just these variables, at most two.
func (g *formulas) binding(vars []string, depth int) *mfotl {
	if depth == 0 {
		return g.fact(vars)
	}
	switch g.random.IntN(10) {
	case 0:
		return pairOf(both, g.binding(vars, depth-1), g.binding(g.some(vars), depth-1))
	case 1, 2:
		return pairOf(both, g.binding(vars, depth-1), g.condition(g.some(vars), depth-1))
	case 3:
		return pairOf(either, g.binding(vars, depth-1), g.binding(vars, depth-1))
	case 4:
		if len(vars) < 2 {
			z := g.variable()
			return &mfotl{op: some, vars: []string{z}, kids: []*mfotl{g.binding(append(slices.Clone(vars), z), depth-1)}}
		}
		return pairOf(both, g.binding(vars[:1], depth-1), g.binding(vars[1:], depth-1))
	case 5:
		op := operator(g.pick([]string{string(nextPoint), string(lastPoint)}))
		lo, hi := g.interval(false)
		return timed(op, lo, hi, g.binding(vars, depth-1))
	case 6:
		return g.least(vars, depth)
	}
	return g.run(vars, depth)
}

// some are some of the names.
func (g *formulas) some(vars []string) []string {
	return slices.DeleteFunc(slices.Clone(vars), func(string) bool { return g.one(2) })
}

func (g *formulas) fact(vars []string) *mfotl {
	fact := func(name string, args ...string) *mfotl {
		f := &mfotl{op: predicate, name: name}
		for _, arg := range args {
			f.terms = append(f.terms, variable(arg))
		}
		return f
	}
	switch {
	case len(vars) == 0:
		return fact("T")
	case len(vars) == 2 && g.one(2):
		return fact("R", vars[1], vars[0])
	case len(vars) == 2:
		return fact("R", vars...)
	case g.one(6):
		return fact("R", vars[0], vars[0])
	case g.one(6):
		f := fact("R", vars[0])
		f.terms = append(f.terms, &term{op: "int", value: "1"})
		return f
	}
	return fact(g.pick([]string{"P", "Q"}), vars...)
}

// condition is one on variables that are bound elsewhere.
func (g *formulas) condition(vars []string, depth int) *mfotl {
	switch {
	case len(vars) > 0 && g.one(3):
		op := operator(g.pick([]string{string(equals), string(lessThan), string(atMost)}))
		return &mfotl{op: op, terms: []*term{variable(g.pick(vars)), g.term(vars)}}
	case g.one(4):
		return g.binding(vars, depth)
	}
	return negation(g.binding(vars, depth))
}

func (g *formulas) term(vars []string) *term {
	one := &term{op: "int", value: strconv.Itoa(g.random.IntN(3))}
	switch g.random.IntN(3) {
	case 0:
		return one
	case 1:
		return variable(g.pick(vars))
	}
	return &term{op: g.pick([]string{"+", "-", "*"}), kids: []*term{variable(g.pick(vars)), one}}
}

// run is SINCE or UNTIL, or what they mean without a condition.
func (g *formulas) run(vars []string, depth int) *mfotl {
	first := truth()
	if g.one(2) {
		first = g.condition(g.some(vars), depth-1)
	}
	op := operator(g.pick([]string{string(sinceThen), string(untilThen)}))
	lo, hi := g.interval(op == sinceThen)
	return timed(op, lo, hi, first, g.binding(vars, depth-1))
}

// least is an aggregate, whose result is the first of the variables.
func (g *formulas) least(vars []string, depth int) *mfotl {
	if len(vars) == 0 {
		z := g.variable()
		count := &mfotl{op: aggregate, name: "CNT", result: z, of: "y", kids: []*mfotl{g.binding([]string{"y"}, 0)}}
		return &mfotl{op: some, vars: []string{z}, kids: []*mfotl{pairOf(both, count, &mfotl{op: atMost, terms: []*term{{op: "int", value: "2"}, variable(z)}})}}
	}
	z := g.variable()
	inside := append([]string{z}, vars[1:]...)
	f := &mfotl{op: aggregate, name: g.pick([]string{"MIN", "MAX"}), result: vars[0], of: z, vars: slices.Clone(vars[1:])}
	f.kids = []*mfotl{g.binding(inside, depth-1)}
	return f
}

func (g *formulas) interval(open bool) (lo, hi int64) {
	if open && g.one(6) {
		return int64(g.random.IntN(2)), unbounded
	}
	lo = int64(g.random.IntN(3))
	return lo, lo + int64(g.random.IntN(3))
}

// TestFormulasAtRandom translates formulas at random, and holds the oracle and the engine
// to what they mean on logs at random. ASSAY_TEST_FORMULAS says
// which and how many, as in 1000+500.
func TestFormulasAtRandom(t *testing.T) {
	first, count := 0, 60
	if _, err := fmt.Sscanf(os.Getenv("ASSAY_TEST_FORMULAS"), "%d+%d", &first, &count); err == nil {
		t.Logf("formulas %d to %d", first, first+count-1)
	}
	s := parseSignature(operatorsSignature)
	d := s.dictionary(t)
	refused, said, held, beside := map[string]int{}, 0, 0, newMonpoly(t, operatorsSignature)
	for seed := first; seed < first+count; seed++ {
		g := &formulas{random: rand.New(rand.NewPCG(uint64(seed), 11))}
		f := g.binding([][]string{nil, {"x"}, {"x"}, {"x", "y"}}[g.random.IntN(4)], 1+g.random.IntN(3))
		text := f.String()
		read, err := parseFormula(text)
		require.NoError(t, err, text)
		beside.compare(t, text, read, randomOperators(g.random, s))
		yaml, err := read.controls(text, s)
		if err != nil {
			require.ErrorIs(t, err, errUnsaid, text)
			refused[err.Error()]++
			continue
		}
		said++
		held += tryFormula(t, g.random, read, fmt.Sprintf("formula %d: %s", seed, text), yaml, s, d)
	}
	t.Logf("%d of %d formulas were said; they hold %d times. Not said: %v", said, count, held, refused)
	t.Log(beside)
	require.Greater(t, said, count/2)
	require.Greater(t, held, count, "these logs try little")
}

func randomOperators(random *rand.Rand, s signature) []timePoint {
	return randomLog(random, s, 1, []string{"0", "1", "2"}, []int64{0, 0, 1, 1, 2, 3, 5})
}

// tryFormula compares a control with its formula on two logs.
func tryFormula(t *testing.T, random *rand.Rand, f *mfotl, text string, yaml []string, s signature, d *dictionary.Dictionary) (held int) {
	t.Helper()
	p := translated(t, text, yaml, d)
	for range 2 {
		log := randomOperators(random, s)
		got := satisfied(p.judged(t, s.events(t, d, log), 2), compliance.Pass)
		for tp := range log {
			want, found := f.at(log, tp), at(got, tp)
			held += len(want)
			slices.Sort(want)
			slices.Sort(found)
			require.Equal(t, want, found, "%s\nat time point %d of %v\n%s", text, tp, log, strings.Join(yaml, "\n"))
		}
	}
	return held
}

// TestPoliciesAtRandom: policies that MonPoly's authors published without verdicts, by the
// values that violate them, and formulas that were once translated wrongly.
func TestPoliciesAtRandom(t *testing.T) {
	const manager = "ONCE[0,10] (EXISTS m. (NOT mgr_F(m,a) SINCE mgr_S(m,a)) AND approve(m,f))"
	for _, policy := range []struct{ formula, signature string }{
		{
			"publish(a,f) IMPLIES (NOT acc_F(a) SINCE acc_S(a)) AND " + manager,
			"publish(int,int) approve(int,int) mgr_S(int,int) mgr_F(int,int) acc_S(int) acc_F(int)",
		},
		{
			"publish(a,f) IMPLIES ONCE[0,7] EXISTS m. (NOT mgr_F(m,a) SINCE[0,*] mgr_S(m,a)) AND approve(m,f)",
			"publish(int,int) approve(int,int) mgr_S(int,int) mgr_F(int,int)",
		},
		{"approve(r) IMPLIES EVENTUALLY[0,14] publish(r)", "approve(int) publish(int)"},
		{"publish(r) IMPLIES ONCE[0,7] approve(r)", "approve(int) publish(int)"},
		{"NOT ((trans(c,t,a) AND 1 < a) AND NOT EVENTUALLY[0,6) report(t))", "trans(int,int,int) report(int)"},
		{"NOT (trans(c,t,a) AND 1 < a AND NOT ONCE[2,21) (EXISTS e. auth(e,t)))", "trans(int,int,int) auth(int,int)"},
		{
			"(EXISTS t'. trans(c,t,a) AND (ONCE[0,30] (EXISTS a'. trans(c,t',a')) AND EVENTUALLY[0,5] report(t')) AND NOT t = t') IMPLIES EVENTUALLY[0,2] report(t)",
			"trans(int,int,int) report(int)",
		},
		{
			"trans(?c,?t,?a) AND (ONCE[0,30] EXISTS ?t'. EXISTS ?a'. NOT ?t = ?t' AND trans(?c,?t',?a') AND EVENTUALLY[0,5] report(?t')) IMPLIES EVENTUALLY[0,2] report(?t)",
			"trans(int,int,int) report(int)",
		},
		{"FORALL a . FORALL b . FORALL c . FORALL d . (ONCE[0,*) ((ONCE[0,*) A(a,b)) AND B(a,c))) IMPLIES NOT C(a,d)", "A(int,int) B(int,int) C(int,int)"},
		{"NOT (P(x1,x2) AND (NOT (Q(x1) SINCE[0,*] P(x2,x1))))", "P(int,int) Q(int)"},
		{"NOT (EXISTS x1 . (((P() SINCE (ONCE Q())) AND (x1=24))))", "P() Q()"},
		{"NOT (NOT P() AND (ONCE[0,*] Q(x1)))", "P() Q(int)"},
		{"NOT (P(a) UNTIL[10,20] Q(a,b))", "P(int) Q(int,int)"},
		{"NOT ((x <- MAX z R(z,1)) OR (NEXT[2,2] R(x,1)))", operatorsSignature},
		{"NOT ((ONCE[1,1] (NEXT[2,2] P(x))) OR (EVENTUALLY[2,3] (P(x) AND (NOT T()))))", operatorsSignature},
		{"NOT ((R(x,x) AND R(y,y) AND y < 2) OR (EVENTUALLY[2,3] R(y,x)))", operatorsSignature},
		{"NOT (P(x) AND EVENTUALLY[0,3] (Q(x) AND NOT EVENTUALLY[1,2] (EXISTS y. Q(y))))", "P(int) Q(int)"}, // not decided too early
		{"NOT (P(x) AND EVENTUALLY[0,3] (Q(x) AND NOT EVENTUALLY[0,2] (EXISTS y. R(x,y))))", "P(int) Q(int) R(int,int)"},
		{"NOT (R(x,y) OR R(y,x))", operatorsSignature},
		{"NOT ((EVENTUALLY[0,2] R(x,y)) OR EVENTUALLY[1,3] R(y,x))", operatorsSignature},
	} {
		t.Run(policy.formula, func(t *testing.T) {
			s := parseSignature(policy.signature)
			f := parsed(t, policy.formula).violated()
			yaml, err := f.controls(policy.formula, s)
			require.NoError(t, err)
			held := 0
			for seed := range uint64(2) {
				held += tryFormula(t, rand.New(rand.NewPCG(seed, 13)), f, policy.formula, yaml, s, s.dictionary(t))
			}
			require.Positive(t, held, "these logs try little")
		})
	}
}
