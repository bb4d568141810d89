package control_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
)

// problemsOf loads a control's text and gives what is wrong with it.
func problemsOf(t testing.TB, text string) []string {
	t.Helper()
	_, err := load(t, map[string]string{"C.yaml": text})
	if err == nil {
		return nil
	}
	var problems control.Problems
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
			var problems control.Problems
			require.ErrorAs(t, err, &problems)
			require.Equal(t, []int{line, column}, []int{problems[0].Line, problems[0].Column}, "%v", problems)
		})
	}
}

func TestDocuments(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "f.yaml:1:1: the file is empty",
		"# nothing\n":                    "f.yaml:1:1: the file is empty",
		"id: a\n---\nid: b\n":            "f.yaml:2:1: a second document begins here; a file holds one",
		"a: b\n\tc: d\n":                 "f.yaml:2:1: this is no YAML: found a tab character that violates indentation",
		"a: {x: y\n":                     "f.yaml:1:1: this is no YAML: did not find expected ',' or '}'",
		"a: &a [*a]\n":                   "f.yaml:1:8: the alias *a stands inside of what it means",
		"a: &a {b: &b {c: *a, d: *b}}\n": "f.yaml:1:18: the alias *a stands inside of what it means",
		"a: \xff\n":                      "f.yaml:1:1: this is no YAML: invalid leading UTF-8 octet",
		"a: *b\n":                        "f.yaml:1:1: this is no YAML: unknown anchor 'b' referenced",
		laughs():                         "f.yaml:1:1: the file has more than 100000 parts once its aliases are expanded",
	} {
		_, err := control.Parse("f.yaml", []byte(text))
		require.Error(t, err, text)
		require.Equal(t, want, strings.Split(err.Error(), "\n")[0], text)
	}
	doc, err := control.Parse("f.yaml", []byte("a: &a [1]\nb: [*a, *a]\n"))
	require.NoError(t, err)
	require.Equal(t, "f.yaml", doc.File)
}

// laughs is a file of nine lines that means ten to the ninth parts.
func laughs() string {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for n := 1; n < 9; n++ {
		list := strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", n-1), 10), ", ")
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", n, n, list)
	}
	return b.String()
}
