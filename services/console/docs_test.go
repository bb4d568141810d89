package console_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/console"
)

func document(t *testing.T, name string) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/" + name)
	require.NoError(t, err)
	return string(page)
}

// Each test that the documents name for a guarantee is there.
func TestDocsNameTestsThatExist(t *testing.T) {
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	}))
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`")
	for _, name := range []string{"api.md", "access.md"} {
		tests := named.FindAllStringSubmatch(document(t, name), -1)
		require.Greater(t, len(tests), 10, name)
		for _, test := range tests {
			require.Contains(t, all.String(), "func "+test[1]+"(", name)
		}
	}
}

// The configuration of the document is a good one.
func TestDocsConfigurationIsGood(t *testing.T) {
	_, rest, ok := strings.Cut(document(t, "access.md"), "```yaml\n")
	require.True(t, ok)
	text, _, _ := strings.Cut(rest, "```")
	file := filepath.Join(t.TempDir(), "assay.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	cfg := struct {
		Console console.Config `yaml:"console"`
	}{console.Default()}
	s, err := settings.Load(&cfg, settings.Source{File: file, Prefix: "ASSAY_", Hidden: []string{"console.clickhouse", "console.demo"}})
	require.NoError(t, err)
	require.NoError(t, s.Validate())
	require.Len(t, cfg.Console.Users, 2)
}

// The document's table is the API's description, and its examples are answered.
func TestDocsListTheRoutes(t *testing.T) {
	r := reading(t).start()
	page := document(t, "api.md")
	rows := regexp.MustCompile("(?m)^\\| `(/api/v1/[^`]*)` \\|.*\\| `(\\w+)` \\|$").FindAllStringSubmatch(page, -1)
	var listed, described []string
	for _, row := range rows {
		listed = append(listed, row[1])
	}
	for _, route := range r.routes() {
		described = append(described, route.path)
	}
	slices.Sort(listed)
	require.Equal(t, described, listed)

	examples := regexp.MustCompile(`"\$ASSAY(/api/v1/[^"]*)" -H "Authorization: Bearer \$TOKEN"`).FindAllStringSubmatch(page, -1)
	require.GreaterOrEqual(t, len(examples), 5)
	for _, e := range examples {
		a := r.get(e[1], r.as("engineer"))
		require.Equal(t, http.StatusOK, a.status, "%s: %s", e[1], a.body)
	}
}

// The document's table of roles is what roles may.
func TestDocsListTheRoles(t *testing.T) {
	r := reading(t).start()
	page := document(t, "access.md")
	for _, role := range []string{"engineer", "approver", "auditor", "admin"} {
		me := r.get("/api/v1/me", r.as(role)).body
		_, list, ok := strings.Cut(me, `"may":`)
		require.True(t, ok)
		column := 2 + slices.Index([]string{"engineer", "approver", "auditor", "admin"}, role)
		rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|.*\\|$").FindAllStringSubmatch(page, -1)
		require.Len(t, rows, 12)
		for _, row := range rows {
			says := strings.TrimSpace(strings.Split(strings.Trim(row[0], "|"), "|")[column])
			require.Equal(t, strings.Contains(list, `"`+row[1]+`"`), says == "yes", "%s, %s", role, row[1])
		}
	}
}
