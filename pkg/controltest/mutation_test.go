package controltest_test

import (
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// mutations change one place of a control each.
var mutations = []struct {
	name    string
	pattern *regexp.Regexp
	to      string
}{
	{"open the start", regexp.MustCompile(`between: "(\[)`), "("},
	{"close the start", regexp.MustCompile(`between: "(\()`), "["},
	{"open the end", regexp.MustCompile(`between: "[^"]*(\])"`), ")"},
	{"close the end", regexp.MustCompile(`between: "[^"]*(\))"`), "]"},
	{"start a millisecond earlier", regexp.MustCompile(`between: ".(-\d+[dhm])`), "${1}1ms"},
	{"start a millisecond later", regexp.MustCompile(`between: ".(0s|15m),`), "1ms"},
	{"end a millisecond later", regexp.MustCompile(`between: "[^"]*, (?:period \+ )?(\d+[dhms])[\])]`), "${1}1ms"},
	{"end with a millisecond more", regexp.MustCompile(`between: "[^"]*, ((?:period|item.time))[\])]`), "${1} + 1ms"},
	{"remedy a millisecond longer", regexp.MustCompile(`remedy_until: (\d+d)`), "${1}1ms"},
	{"no remedy", regexp.MustCompile(`(    remedy_until: .*\n)`), ""},
	{"equal is different", regexp.MustCompile(`(==)`), "!="},
	{"different is equal", regexp.MustCompile(`(!=)`), "=="},
	{"at least is more", regexp.MustCompile(`(>=)`), ">"},
	{"less is at most", regexp.MustCompile(` (<) `), "<="},
	{"drop what stands before and", regexp.MustCompile(`(?m)(?:: |^  )([^:&\n]+ && )`), ""},
	{"drop what stands after and", regexp.MustCompile(`( && [^&\n]+)`), ""},
	{"and is or", regexp.MustCompile(`(&&)`), "||"},
	{"any is all", regexp.MustCompile(`(\.exists\()`), ".all("},
	{"all is any", regexp.MustCompile(`(\.all\()`), ".exists("},
	{"last is first", regexp.MustCompile(`pick: (last)`), "first"},
	{"not the latest", regexp.MustCompile(`(    latest: .*\n)`), ""},
	{"no unless", regexp.MustCompile(`(    unless:\n(?:      .*\n)+)`), ""},
	{"no where", regexp.MustCompile(`(    where: .*\n)`), ""},
	{"everything", regexp.MustCompile(`(  where: .*\n)  item`), ""},
	{"another number", regexp.MustCompile(`(?:least_permille: |min_scores: |max: )(\d+)`), "${1}1"},
	{"one less", regexp.MustCompile(`(?:min_scores: |max: )(\d+)`), "19"},
	{"another list", regexp.MustCompile(`(, "sev2")`), ""},
	{"no having", regexp.MustCompile(`(  having: .*\n)`), ""},
	{"nothing cancels", regexp.MustCompile(`(cancelled_by: .*\n)`), ""},
	{"no cap", regexp.MustCompile(`cap: (\d+h)`), "400d"},
	{"another width", regexp.MustCompile(`bucket\(event.time, "(1h)"\)`), "30m"},
	{"another day", regexp.MustCompile(`(\d)bd`), "${1}0"},
	{"in UTC", regexp.MustCompile(`zone: (Europe/Berlin), calendar`), "UTC"},
	{"together", regexp.MustCompile(`count: (part)`), "item"},
	{"another burst", regexp.MustCompile(`burst: (3)`), "2"},
	{"waivable", regexp.MustCompile(`waivable: (false)`), "true"},
	{"no alternative", regexp.MustCompile(`((?m)^  - when: .*\n(?:    .*\n)*)`), ""},
	{"no reason", regexp.MustCompile(`(?m)^(  [a-z_]+: [^{}\n]*\n)(?:  [a-z_]+: |$)`), ""},
}

// bounds are the mutations of intervals' ends, which the library's tests stand for.
var bounds = regexp.MustCompile(`millisecond|(open|close) the (start|end)`)

// equivalent mutants say the same in other words; no test can tell them apart.
var equivalent = []string{
	"soc2/model/MC-11.yaml:17: less is at most: <", // a reason is asked for only when the assertion, its opposite, is false
	// what can't be computed for a reason is not the reason
	"LG-06.yaml:16: drop what stands before and: has(item.emergency) && ",
}

// TestEveryMutantIsKilled changes the library's controls, and those that show the
// language, in every way above: a test beside the control must fail, or the compiler
// must refuse.
func TestEveryMutantIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	d, err := dictionary.Default()
	require.NoError(t, err)
	for _, from := range []struct {
		files  fs.FS
		glob   string
		except *regexp.Regexp
	}{{controls.FS, "soc2/*/*_test.yaml", nil}, {os.DirFS("testdata/language"), "*_test.yaml", bounds}} {
		text, err := fs.ReadFile(from.files, control.BoundaryFile)
		require.NoError(t, err)
		boundary, err := document.Parse(control.BoundaryFile, text)
		require.NoError(t, err)
		tests, err := fs.Glob(from.files, from.glob)
		require.NoError(t, err)
		mutants, refused := 0, 0
		var survivors []string
		for _, test := range tests {
			name := strings.Replace(test, "_test.yaml", ".yaml", 1)
			rules, err := fs.ReadFile(from.files, name)
			require.NoError(t, err)
			cases, err := fs.ReadFile(from.files, test)
			require.NoError(t, err)
			for _, m := range mutantsOf(name, string(rules)) {
				if from.except != nil && from.except.MatchString(m.where) {
					continue
				}
				mutants++
				report, err := controltest.Run(t.Context(), controltest.Options{
					Files:    fstest.MapFS{name: {Data: []byte(m.text)}, test: {Data: cases}},
					Boundary: boundary, Dictionary: d, Orders: 1, FailFast: true,
				})
				switch {
				case err != nil:
					require.ErrorAs(t, err, new(document.Problems))
					refused++
				case report.Failed() == 0 && !slices.Contains(equivalent, m.where):
					survivors = append(survivors, m.where)
				}
			}
		}
		t.Logf("%s: %d mutants: %d refused, %d survived", from.glob, mutants, refused, len(survivors))
		require.Empty(t, survivors)
	}
}

// mutant is a control with one place changed, and where that is.
type mutant struct{ where, text string }

func mutantsOf(name, rules string) (list []mutant) {
	for _, m := range mutations {
		for _, at := range m.pattern.FindAllStringSubmatchIndex(rules, -1) {
			old := rules[at[2]:at[3]]
			list = append(list, mutant{
				where: fmt.Sprintf("%s:%d: %s: %s", name, 1+strings.Count(rules[:at[2]], "\n"), m.name, old),
				text:  rules[:at[2]] + strings.ReplaceAll(m.to, "${1}", old) + rules[at[3]:],
			})
		}
	}
	return list
}
