package control_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/document"
)

// problemsOf loads a control's text and gives what is wrong with it.
func problemsOf(t testing.TB, text string) []string {
	t.Helper()
	_, err := load(t, map[string]string{"C.yaml": text})
	if err == nil {
		return nil
	}
	var problems document.Problems
	require.ErrorAs(t, err, &problems)
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return lines
}

// TestPlaces: the ^ stands below what the compiler must point at, in every style
// that YAML has for a text.
func TestPlaces(t *testing.T) {
	const head = "id: CH-01\ntitle: T\ncriteria: [CC8.1]\npopulation: {event: deploy.completed}\n"
	for name, text := range map[string]string{
		"plain":          "assert: item.authr == \"a\"\n            ^\n",
		"flow":           "reasons: {x: item.author == \"\", y: item.authr == \"a\"}\n                                       ^\nassert: \"true\"\n",
		"double quoted":  "assert: \"item.author == \\\"a\\\" || item.authr == 'b'\"\n                                     ^\n",
		"single quoted":  "assert: 'item.author == ''a'' || item.authr == ''b'''\n                                     ^\n",
		"literal":        "assert: |\n    item.author == \"a\" &&\n      item.authr == \"b\"\n          ^\n",
		"folded":         "assert: >-\n  item.author == \"a\" &&\n  item.commit == \"b\" &&\n  item.authr == \"c\"\n      ^\n",
		"plain, folded":  "assert: item.author == \"a\" &&\n    item.authr == \"b\"\n        ^\n",
		"beyond ASCII":   "assert: item.author == \"größer\" && item.authr == \"b\"\n                                       ^\n",
		"syntax, folded": "assert: >-\n  item.author == \"a\" &&\n  ) == 1\n  ^\n",
		"unknown name":   "assert: |\n  item.author == \"a\" ||\n\n    itm.author == \"b\"\n    ^\n",
	} {
		t.Run(name, func(t *testing.T) {
			line, column, kept := 0, 0, []string{}
			for l := range strings.SplitSeq(head+text, "\n") {
				if strings.Trim(l, " ") == "^" {
					line, column = len(kept), len(l)
					continue
				}
				kept = append(kept, l)
			}
			_, err := load(t, map[string]string{"C.yaml": strings.Join(kept, "\n")})
			var problems document.Problems
			require.ErrorAs(t, err, &problems)
			require.Equal(t, []int{line, column}, []int{problems[0].Line, problems[0].Column}, "%v", problems)
		})
	}
}
