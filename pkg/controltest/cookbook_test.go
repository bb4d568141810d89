package controltest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/document"
)

const cookbook = "../../docs/examples/controls"

// TestTheCookbook: every recipe passes its tests, and they reach each outcome and
// reason; most changes of it are noticed.
func TestTheCookbook(t *testing.T) {
	report := mutated(t, os.DirFS(cookbook))
	requireWhole(t, report)
	require.Len(t, report.Coverage, 24)
	score := report.Score("")
	t.Logf("mutants %+v", score)
	require.GreaterOrEqual(t, score.Percent(), 80)
}

// TestThePageForAuthors: what the page quotes is what the files say, each recipe says
// when to use it and how it is gamed, and the control that grows is sound at every
// step and passes its test.
func TestThePageForAuthors(t *testing.T) {
	page, err := os.ReadFile("../../docs/control-authors.md")
	require.NoError(t, err)
	recipes := map[string]bool{}
	files, boundary := fstest.MapFS{}, []byte(nil)
	for _, m := range regexp.MustCompile("(?s)```(yaml|yaml test|yaml boundary)\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		name := regexp.MustCompile(`^id: ([A-Z]+-\d\d)\n`).FindStringSubmatch(m[2])
		switch {
		case m[1] == "yaml boundary":
			boundary = []byte(m[2])
		case m[1] == "yaml test":
			files["MY-03_test.yaml"] = &fstest.MapFile{Data: []byte(m[2])}
		case strings.HasPrefix(name[1], "CK-"):
			file, err := os.ReadFile(filepath.Join(cookbook, name[1]+".yaml"))
			require.NoError(t, err)
			require.Equal(t, string(file), m[2], "the page quotes %s otherwise than it is", name[1])
			recipes[name[1]] = true
		default:
			files[name[1]+".yaml"] = &fstest.MapFile{Data: []byte(m[2])}
		}
	}
	require.Len(t, files, 4)
	doc, err := document.Parse(control.BoundaryFile, boundary)
	require.NoError(t, err)
	report, err := controltest.Run(t.Context(), controltest.Options{Files: files, Boundary: doc, Dictionary: dictionaryOf(t), Seed: 1})
	require.NoError(t, err)
	require.Len(t, report.Cases, 4)
	require.Zero(t, report.Failed(), "%v", report.Cases)
	for _, c := range report.Coverage {
		if c.Control == "MY-03" {
			require.Empty(t, c.Missing)
		}
	}

	all, err := filepath.Glob(filepath.Join(cookbook, "CK-??.yaml"))
	require.NoError(t, err)
	require.Len(t, recipes, len(all), "the page doesn't quote every recipe")
	sections := strings.Split(string(page), "\n### ")[1:]
	require.Len(t, sections, len(all))
	for _, s := range sections {
		head, _, _ := strings.Cut(s, "\n")
		require.Contains(t, s, "\nUse it when ", head)
		require.Contains(t, s, "| how it is gamed | what closes that |", head)
		require.GreaterOrEqual(t, strings.Count(s, "\n| "), 4, "%s says of few ways how it is gamed", head)
		require.Contains(t, string(page), "(#"+anchor(head)+")", "nothing leads to %s", head)
	}
	for _, m := range regexp.MustCompile(`\(#([a-z0-9-]+)\)`).FindAllStringSubmatch(string(page), -1) {
		found := false
		for _, s := range sections {
			head, _, _ := strings.Cut(s, "\n")
			found = found || anchor(head) == m[1]
		}
		require.True(t, found, "#%s leads nowhere", m[1])
	}
}

// anchor is what a heading is called in a link.
func anchor(heading string) string {
	text := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(heading), "")
	return strings.ReplaceAll(text, " ", "-")
}
