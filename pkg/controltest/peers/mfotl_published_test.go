package peers_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/dictionary"
)

// casesIn are the formulas of a suite, with what MonPoly printed; some stand in files.
func casesIn(t *testing.T, file string) [][]string {
	t.Helper()
	text := read(t, file)
	cases := casePattern.FindAllStringSubmatch(text, -1)
	for _, m := range filePattern.FindAllStringSubmatch(text, -1) {
		if formula, err := os.ReadFile(filepath.Join(filepath.Dir(file), m[1])); err == nil {
			cases = append(cases, []string{m[0], string(formula), m[2]})
		}
	}
	return cases
}

// translatedRow compares what a formula is translated to, or says why it isn't.
func translatedRow(t *testing.T, formula, text string, s signature, d *dictionary.Dictionary, log []timePoint) peerRow {
	t.Helper()
	for _, refusal := range []string{notMonitorable, "negative or empty interval", "Type error"} {
		if strings.Contains(text, refusal) {
			return peerRow{rule: formula + ": MonPoly refuses it, " + refusal, as: "-"}
		}
	}
	yaml, err := translate(formula, s)
	if err != nil {
		return peerRow{rule: formula + ": " + err.Error(), as: "-"}
	}
	row := translated(t, formula, yaml, d).monitored(t, s, d, log, said(text), compliance.Pass)
	row.as = "translated"
	return row
}

// violationsRow compares what the violations of a policy are translated to.
func violationsRow(t *testing.T, policy string, s signature, d *dictionary.Dictionary, log []timePoint, want map[int][]string) peerRow {
	t.Helper()
	f := parsed(t, policy).violated()
	yaml, err := f.controls(policy, s)
	require.NoError(t, err)
	row := translated(t, policy, yaml, d).monitored(t, s, d, log, want, compliance.Pass)
	row.as = "translated"
	return row
}

// translated holds what a formula is translated to, and what its text means, to its
// definition.
func (m *monitor) translated(t *testing.T, s signature, d *dictionary.Dictionary, values []string, gaps []int64) {
	t.Helper()
	yaml, err := translate(m.formula, s)
	require.NoError(t, err, m.formula)
	p, f := translated(t, m.formula, yaml, d), parsed(t, m.formula)
	for seed := range uint64(2) {
		log := randomLog(rand.New(rand.NewPCG(seed, 7)), s, m.unit, values, gaps)
		got := satisfied(p.judged(t, s.events(t, d, log), 2), compliance.Pass)
		for tp := range log {
			want, meant, found := m.at(log, tp), f.at(log, tp), at(got, tp)
			slices.Sort(want)
			slices.Sort(meant)
			slices.Sort(found)
			require.Equal(t, want, meant, "%s, read as %s, at %d of %v", m.formula, f, tp, log)
			require.Equal(t, want, found, "%s at %d of %v:\n%s", m.formula, tp, log, yaml)
		}
	}
}

// TestFormulasAreReadAsMonPolyReadsThem: what holds together more tightly, as MonPoly prints
// it after reading, and as its grammar says.
func TestFormulasAreReadAsMonPolyReadsThem(t *testing.T) {
	for text, want := range map[string]string{
		"NOT b(x) UNTIL [0,5] c(x)":                           "((NOT b(x)) UNTIL[0,5] c(x))",
		"NOT (NEXT[0,0] s() OR NEXT[0,0] r()) SINCE r()":      "((NOT (NEXT[0,0] (s() OR (NEXT[0,0] r())))) SINCE[0,*] r())",
		"ONCE[0,1d) P(x) AND Q(x)":                            "(TRUE SINCE[0,86399] (P(x) AND Q(x)))",
		"P(x) AND ONCE Q(x) SINCE R(x)":                       "((P(x) AND (TRUE SINCE[0,*] Q(x))) SINCE[0,*] R(x))",
		"P() UNTIL[1,2] Q() UNTIL(0,3] R()":                   "(P() UNTIL[1,2] (Q() UNTIL[1,3] R()))",
		"P() OR Q() AND R() IMPLIES S()":                      "((NOT (P() OR (Q() AND R()))) OR S())",
		"P(x) AND NOT x = y + 2 * z":                          "(P(x) AND (NOT (x = (y + (2 * z)))))",
		"P(x) AND (1 + x) > y":                                "(P(x) AND (y < (1 + x)))",
		"EXISTS y. R(x,y) AND Q(y)":                           "(EXISTS y~1. (R(x,y~1) AND Q(y~1)))",
		"LET A(x) = P(x) IN LET A(x) = A(x) AND Q(x) IN A(y)": "(P(y) AND Q(y))",
	} {
		require.Equal(t, want, parsed(t, text).String(), text)
	}
	for _, text := range []string{"P(x", "P(x) Q(x)", "ONCE[3,1] P(x)", "ONCE (0,0) P(x)", `P(x) AND x MATCHES r"a" (y)`, "P(x) AND", "MATCHF P(x)", "x <- CNT"} {
		_, err := parseFormula(text)
		require.ErrorIs(t, err, errUnread, text)
	}
}
