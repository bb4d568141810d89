package notifier_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/settings"
	"assay.example/assay/services/notifier"
)

func guide(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/notifications.md")
	require.NoError(t, err)
	return string(page)
}

// The guide's configuration is a good one.
func TestGuidesConfigurationIsGood(t *testing.T) {
	_, rest, ok := strings.Cut(guide(t), "```yaml\n")
	require.True(t, ok)
	text, _, _ := strings.Cut(rest, "```")
	file := filepath.Join(t.TempDir(), "assay.yaml")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
	cfg := struct {
		Notifier notifier.Config `yaml:"notifier"`
	}{notifier.Default()}
	s, err := settings.Load(&cfg, settings.Source{File: file, Prefix: "ASSAY_"})
	require.NoError(t, err)
	require.NoError(t, s.Validate())
	require.Len(t, cfg.Notifier.Targets, 4)
}

// Each test that the guide names for a guarantee is there.
func TestGuideNamesTestsThatExist(t *testing.T) {
	var all strings.Builder
	require.NoError(t, filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	}))
	named := regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllStringSubmatch(guide(t), -1)
	require.Greater(t, len(named), 30)
	for _, n := range named {
		require.Contains(t, all.String(), "func "+n[1]+"(")
	}
}
