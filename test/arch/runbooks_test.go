package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var (
	metricName  = regexp.MustCompile(`\bassay_[a-z_]+[a-z]\b`)
	commandName = regexp.MustCompile("`assay ([a-z]+)")
	testName    = regexp.MustCompile("`[a-z]+\\.(Test[A-Za-z0-9_]+)`")
)

// TestRunbooks: every metric, command and test that a runbook names is there.
func TestRunbooks(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "runbooks.md"))
	require.NoError(t, err)
	code, commands, tests := texts(t)
	for _, name := range unique(metricName.FindAllString(string(text), -1)) {
		short := strings.TrimPrefix(name, "assay_evaluator_") // which are made with their prefix apart
		require.True(t, strings.Contains(code, `"`+name+`"`) || strings.Contains(code, `"`+short+`"`), "there is no metric %s", name)
	}
	for _, m := range commandName.FindAllStringSubmatch(string(text), -1) {
		require.Contains(t, commands, m[1], "there is no command assay %s", m[1])
	}
	found := testName.FindAllStringSubmatch(string(text), -1)
	require.NotEmpty(t, found)
	for _, m := range found {
		require.Contains(t, tests, "func "+m[1]+"(", "there is no test %s", m[1])
	}
}

func unique(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// texts are the program's text, the names of its commands, and its tests' text.
func texts(t *testing.T) (code string, commands []string, tests string) {
	t.Helper()
	use := regexp.MustCompile(`Use:\s+"([a-z]+)`)
	var program, tested strings.Builder
	for _, name := range trackedFiles(t) {
		if filepath.Ext(name) != ".go" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		require.NoError(t, err)
		if strings.HasSuffix(name, "_test.go") {
			tested.Write(text)
			continue
		}
		program.Write(text)
		for _, m := range use.FindAllSubmatch(text, -1) {
			commands = append(commands, string(m[1]))
		}
	}
	return program.String(), commands, tested.String()
}
