package control_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// later is the sound control as it is from August on.
var later = strings.Replace(sound, "severity: high\n", "severity: high\neffective_from: 2026-08-01T00:00:00Z\n", 1)

func TestVersionsStandSideBySide(t *testing.T) {
	changed := strings.Replace(later, "[-30d, 0s]", "[-60d, 0s]", 1)
	b, err := load(t, map[string]string{"CH-01@2026-08.yaml": changed, "CH-01.yaml": sound})
	require.NoError(t, err)
	require.Len(t, b.Controls, 1)
	last := b.Control("CH-01")
	require.Len(t, last.Versions, 2)
	first, august := last.Versions[0], instant(t, "2026-08-01T00:00:00Z")
	require.Same(t, last, last.Versions[1])
	require.Equal(t, []compliance.Instant{instant(t, "2026-07-01T00:00:00Z"), august, august, compliance.Never},
		[]compliance.Instant{first.From, first.Until, last.From, last.Until}, "the first begins with the bundle")
	for at, version := range map[compliance.Instant]*control.Control{compliance.Ever: first, first.From: first, august - 1: first, august: last, compliance.Never: last} {
		require.Same(t, version, first.At(at), at)
	}
	require.NotEqual(t, first.Meaning, last.Meaning)

	alone, err := load(t, map[string]string{"CH-01.yaml": sound})
	require.NoError(t, err)
	require.Equal(t, alone.Control("CH-01").Hash, first.Hash, "when it takes effect is no part of a rule")
	require.Equal(t, alone.Control("CH-01").Hash, alone.Control("CH-01").RouteHash())
	require.NotEqual(t, first.Hash, last.RouteHash(), "facts are routed for both")
	require.NotEqual(t, alone.Hash, b.Hash)
	ev := &compliance.Event{Source: "/vcs", ID: "p", Type: "change.pushed", Time: august, Data: map[string]any{"change_id": "c"}}
	require.Len(t, b.Route(ev), 1, "one join key, one route")

	words, err := load(t, map[string]string{"CH-01@2026-08.yaml": later, "CH-01.yaml": sound})
	require.NoError(t, err)
	require.Equal(t, words.Control("CH-01").Versions[0].Meaning, words.Control("CH-01").Meaning)
}

func TestWhatIsNoVersion(t *testing.T) {
	for fault, second := range map[string]string{
		"the control CH-01 stands in a/CH-01.yaml too; versions of a control differ in effective_from:": sound,
		"the version of CH-01 in a/CH-01.yaml has another correct_until; ":                              later + "lateness: {correct_until: 1d}\n",
		"the version of CH-01 in a/CH-01.yaml makes its items otherwise, ": `id: CH-01
title: Each month
criteria: [CC8.1]
effective_from: 2026-08-01T00:00:00Z
population: {every: month, for_each: boundary.systems}
assert: item.member != ""
`,
		"the version of CH-01 in a/CH-01.yaml has another clock in its population; ": strings.Replace(later, "item: event.deploy_id", "item: event.deploy_id\n  clock: event.time\n  within: 1d", 1),
	} {
		_, err := load(t, map[string]string{"a/CH-01.yaml": sound, "b/CH-01.yaml": second})
		require.ErrorContains(t, err, "b/CH-01.yaml:1:1: "+fault)
	}
}
