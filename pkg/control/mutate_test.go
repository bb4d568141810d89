package control_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// TestMutatedControls aims at the compiler what bytes at random never reach: sound
// files in which a node or two is exchanged for another, of any kind.
func TestMutatedControls(t *testing.T) {
	d, err := dictionary.Default()
	require.NoError(t, err)
	boundary, err := controls.FS.ReadFile(control.BoundaryFile)
	require.NoError(t, err)
	bases := []string{sound, scheduled, expanded}
	for _, name := range []string{"change/CH-05a", "model/MC-05", "model/MC-11", "incident/IN-01"} {
		text, err := controls.FS.ReadFile("soc2/" + name + ".yaml")
		require.NoError(t, err)
		bases = append(bases, string(text))
	}
	worlds := slices.Repeat([][]byte{boundary}, len(bases))
	language, err := filepath.Glob("../controltest/testdata/language/LG-??.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, language)
	own, err := os.ReadFile("../controltest/testdata/language/boundary.yaml")
	require.NoError(t, err)
	for _, name := range language {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		bases, worlds = append(bases, string(text)), append(worlds, own)
	}
	loaded, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var doc yaml.Node
		base := rapid.IntRange(0, len(bases)-1).Draw(rt, "base")
		require.NoError(rt, yaml.Unmarshal([]byte(bases[base]), &doc))
		for range rapid.IntRange(1, 3).Draw(rt, "mutations") {
			mutate(rt, &doc)
		}
		text, err := yaml.Marshal(&doc)
		require.NoError(rt, err)
		b, err := control.LoadWith(fstest.MapFS{"C.yaml": {Data: text}}, worlds[base], d)
		if err == nil {
			loaded++
			requireBounded(rt, b.Controls[0])
			return
		}
		refused++
		require.ErrorAs(rt, err, new(document.Problems), "%s", text)
		lines := strings.Count(string(text), "\n") + 1
		for _, p := range err.(document.Problems) { //nolint:errorlint // just asserted
			require.True(rt, 0 < p.Line && p.Line <= lines && p.Column > 0, "%v\n%s", p, text)
		}
	})
	t.Logf("%d loaded, %d refused", loaded, refused)
}

func mutate(rt *rapid.T, doc *yaml.Node) {
	var all []*yaml.Node
	var walk func(*yaml.Node)
	walk = func(n *yaml.Node) {
		for _, child := range n.Content {
			all = append(all, child)
			walk(child)
		}
	}
	walk(doc)
	n := rapid.SampledFrom(all).Draw(rt, "node")
	other := rapid.SampledFrom(all).Draw(rt, "other")
	switch rapid.IntRange(0, 6).Draw(rt, "how") {
	case 0:
		*n = yaml.Node{Kind: yaml.ScalarNode, Value: rapid.SampledFrom([]string{
			"", "x", "3", "-1", "true", "event", "event.", "item.x.y", "[0s, 1s]", "period", "null", "~", "a.count >= 1", "boundary.systems", "refs.providers", "*", "t.*", "last", "00:00", "2bd", "[-1bd, 2bd]", "[0s, item.time + span(\"1d\")]", "bucket(event.time, '')", "part", "event.x == part.y",
		}).Draw(rt, "text")}
	case 1:
		*n = yaml.Node{Kind: yaml.SequenceNode}
	case 2:
		*n = yaml.Node{Kind: yaml.MappingNode}
	case 3:
		*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: ""}
	case 4:
		if !within(other, n) && !within(n, other) {
			*n = *other
		}
	case 5:
		if n.Kind == yaml.ScalarNode && len(n.Value) > 1 {
			cut := rapid.IntRange(0, len(n.Value)-1).Draw(rt, "cut")
			n.Value = n.Value[:cut] + n.Value[cut+1:]
		}
	case 6:
		if n.Kind == yaml.MappingNode && len(n.Content) > 2 {
			i := 2 * rapid.IntRange(0, len(n.Content)/2-1).Draw(rt, "pair")
			n.Content = append(n.Content[:i:i], n.Content[i+2:]...)
		}
	}
}

func within(n, outer *yaml.Node) bool {
	if n == outer {
		return true
	}
	for _, child := range outer.Content {
		if within(n, child) {
			return true
		}
	}
	return false
}
