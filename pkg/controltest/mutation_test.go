package controltest_test

import (
	"fmt"
	"io/fs"
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
	{"no reason", regexp.MustCompile(`(?m)^(  [a-z_]+: [^{}\n]*\n)(?:  [a-z_]+: |$)`), ""},
}

// equivalent mutants say the same in other words; no test can tell them apart.
var equivalent = []string{
	"soc2/model/MC-11.yaml:17: less is at most: <", // a reason is asked for only when the assertion, its opposite, is false
}

// TestEveryMutantIsKilled changes the library's controls in every way above: a test
// beside the control must fail, or the compiler must refuse.
func TestEveryMutantIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	d, err := dictionary.Default()
	require.NoError(t, err)
	text, err := controls.FS.ReadFile(control.BoundaryFile)
	require.NoError(t, err)
	boundary, err := document.Parse(control.BoundaryFile, text)
	require.NoError(t, err)
	files, err := fs.Glob(controls.FS, "soc2/*/*_test.yaml")
	require.NoError(t, err)
	mutants, refused := 0, 0
	var survivors []string
	for _, test := range files {
		name := strings.Replace(test, "_test.yaml", ".yaml", 1)
		rules, err := controls.FS.ReadFile(name)
		require.NoError(t, err)
		cases, err := controls.FS.ReadFile(test)
		require.NoError(t, err)
		for _, m := range mutations {
			for _, at := range m.pattern.FindAllSubmatchIndex(rules, -1) {
				changed := string(rules[:at[2]]) + strings.ReplaceAll(m.to, "${1}", string(rules[at[2]:at[3]])) + string(rules[at[3]:])
				mutants++
				report, err := controltest.Run(t.Context(), controltest.Options{
					Files:    fstest.MapFS{name: {Data: []byte(changed)}, test: {Data: cases}},
					Boundary: boundary, Dictionary: d, Orders: 1, FailFast: true,
				})
				where := fmt.Sprintf("%s:%d: %s: %s", name, 1+strings.Count(string(rules[:at[2]]), "\n"), m.name, rules[at[2]:at[3]])
				switch {
				case err != nil:
					require.ErrorAs(t, err, new(document.Problems))
					refused++
				case report.Failed() == 0 && !slices.Contains(equivalent, where):
					survivors = append(survivors, where)
				}
			}
		}
	}
	t.Logf("%d mutants: %d refused, %d equivalent, %d survived", mutants, refused, len(equivalent), len(survivors))
	require.Empty(t, survivors)
}
