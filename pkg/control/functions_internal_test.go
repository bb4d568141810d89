package control

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"github.com/stretchr/testify/require"
)

// What the page on writing controls says of functions is so, each example; and those that it
// names are there.
func TestFunctionsOfThePage(t *testing.T) {
	raw, err := os.ReadFile("../../docs/formats/controls.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(raw), "### Functions\n")
	section, _, found := strings.Cut(section, "\n### ")
	require.True(t, found)
	env, err := language()
	require.NoError(t, err)
	code := regexp.MustCompile("`([^`]+)`")
	examples, declared := 0, env.Functions()
	for line := range strings.Lines(section) {
		cells := strings.Split(line, " | ")
		if len(cells) != 3 || !strings.Contains(cells[1], "`") {
			continue
		}
		for _, name := range code.FindAllStringSubmatch(cells[1], -1) {
			if name[1] != "cel.bind" && name[1] != "sortBy" { // which are macros
				require.Contains(t, declared, name[1])
			}
		}
		for _, example := range code.FindAllStringSubmatch(cells[2], -1) {
			checked, issues := env.Compile(example[1])
			require.NoError(t, issues.Err(), example[1])
			program, err := env.Program(checked, cel.CostLimit(costLimit))
			require.NoError(t, err)
			v, _, err := program.Eval(map[string]any{})
			require.NoError(t, err, example[1])
			require.Equal(t, true, v.Value(), example[1])
			examples++
		}
	}
	require.Equal(t, 14, examples)
}
