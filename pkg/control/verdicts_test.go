package control_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

// weekly reads the verdicts of CH-01.
const weekly = `id: CH-09
title: Somebody looks at unapproved deployments
criteria: [CC8.1]
population: {every: week, for_each: boundary.components}
expect:
  deploys:
    verdicts: CH-01
    on: {event.item.component: item.member}
    where: event.item.environment == "production" && event.outcome != "waived"
    between: "[0s, period)"
  looked: {event: change.reviewed, on: {event.source: item.member}, where: 'deploys.exists(d, d.time < event.time)', between: "[0s, period + 5d)"}
assert: deploys.deviations == 0 || looked.count >= 1
`

func loadStaged(t *testing.T, files map[string]string) (*control.Bundle, error) {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte(declared)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return control.Load(fsys, d)
}

// TestVerdictsAreEvidence: who reads verdicts is judged a stage later, wherever its file
// stands, and hangs on what is read.
func TestVerdictsAreEvidence(t *testing.T) {
	b, err := loadStaged(t, map[string]string{"A.yaml": weekly, "B.yaml": sound})
	require.NoError(t, err)
	require.Equal(t, 2, b.Stages())
	c, of := b.Control("CH-09"), b.Control("CH-01")
	require.Equal(t, 1, c.Stage)
	require.Equal(t, []*control.Control{of}, c.ReadVerdicts())
	require.Equal(t, []string{"deploy.completed"}, c.Expectations[0].Heard())
	require.Equal(t, []string{`["api"]`}, c.VerdictKeys(verdictOf(t, of, compliance.Pass, "api")))
	require.Empty(t, c.VerdictKeys(verdictOf(t, of, compliance.Pass, "")), "an empty key matches nothing")
}

// TestWhatIsReadIsMeant: another meaning of a control is another one of who reads its
// verdicts, and only of those.
func TestWhatIsReadIsMeant(t *testing.T) {
	before, err := loadStaged(t, map[string]string{"A.yaml": weekly, "B.yaml": sound})
	require.NoError(t, err)
	alone, err := loadStaged(t, map[string]string{"B.yaml": sound})
	require.NoError(t, err)
	require.Equal(t, alone.Control("CH-01").Hash, before.Control("CH-01").Hash, "who is read isn't changed by that")
	require.Equal(t, alone.Control("CH-01").Meaning, before.Control("CH-01").Meaning)
	require.NotEqual(t, alone.Control("CH-01").RouteHash(), before.Control("CH-01").RouteHash(), "its facts have another field")
	after, err := loadStaged(t, map[string]string{"A.yaml": weekly, "B.yaml": replaced(t, sound, "count >= 1", "count >= 2")})
	require.NoError(t, err)
	require.NotEqual(t, before.Control("CH-09").Hash, after.Control("CH-09").Hash)
	require.NotEqual(t, before.Control("CH-09").Meaning, after.Control("CH-09").Meaning)
	words, err := loadStaged(t, map[string]string{"A.yaml": weekly, "B.yaml": replaced(t, sound, "Deployments are approved", "Approved")})
	require.NoError(t, err)
	require.Equal(t, before.Control("CH-09").Hash, words.Control("CH-09").Hash)
}

// TestReadersAreRefused: each fault has its place.
func TestReadersAreRefused(t *testing.T) {
	circle := replaced(t, sound, "expect:\n", "expect:\n  weeks: {verdicts: CH-09, on: {event.item.member: item.change_id}, between: \"[0s, 1d]\"}\n")
	for _, fault := range []struct{ read, old, planted, want string }{
		{sound, "verdicts: CH-01", "verdicts: CH-02", `A.yaml:7:15: there is no control "CH-02" whose verdicts could be read (did you mean "CH-01"?)`},
		{sound, "verdicts: CH-01", "verdicts: [CH-01, CH-09]", `A.yaml:7:23: CH-09 reads its own verdicts; a control can only read those of others`},
		{circle, "CH-01", "CH-01", `B.yaml:10:21: these verdicts go round in a circle: CH-09 reads CH-01 reads CH-09; one of them has to be judged by events alone`},
		{sound, "verdicts: CH-01", "verdicts: CH-01\n    event: deploy.completed", `A.yaml:8:12: event: doesn't go with verdicts:; an expectation is about events or about verdicts`},
		{sound, "verdicts: CH-01", "verdicts: CH-01\n    clock: event.time\n    within: 1d", `A.yaml:8:12: clock: doesn't go with verdicts:; a verdict counts at its item's time`},
		{sound, "verdicts: CH-01", "verdicts: CH-01\n    links: {event.a: event.b}", `A.yaml:8:12: links: doesn't go with verdicts:; verdicts don't cause each other`},
		{sound, "assert:", "compensated_by:\n  CH-02: {on: {event.item.component: item.member}, between: \"[0s, 1d]\"}\nassert:", `A.yaml:13:3: there is no control "CH-02" whose verdicts could be read`},
		{sound, "assert:", "compensated_by:\n  CH-01: {on: {event.item.component: item.member}}\nassert:", `A.yaml:13:10: an expectation needs between:`},
		{sound, "event.outcome", "event.reason", `A.yaml:9:59: event has no field "reason"; it has control, item, outcome, time`},
		{sound, "event.item.environment", "event.item.environmen", `A.yaml:9:22: event.item has no field "environmen" (did you mean "environment"?)`},
		{sound, "event.item.component:", "event.item.part:", `A.yaml:8:10: event.item has no field "part"`},
		{sound, `event.item.environment == "production"`, "event.item.environment == 3", `A.yaml:9:35: a value of type string doesn't go with one of type integer`},
	} {
		_, err := loadStaged(t, map[string]string{"A.yaml": replaced(t, weekly, fault.old, fault.planted), "B.yaml": fault.read})
		problems := document.ProblemsOf(err)
		require.NotEmpty(t, problems, fault.want)
		require.Contains(t, problems[0].String(), fault.want)
	}
}

func replaced(t *testing.T, text, old, planted string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.Replace(text, old, planted, 1)
}

func verdictOf(t *testing.T, c *control.Control, outcome compliance.Outcome, component string) *compliance.Event {
	t.Helper()
	v := &compliance.Verdict{Item: compliance.Item{ID: "d-1", Time: 1}, Outcome: outcome}
	ev, ok := c.Verdict(v, control.View{"component": component, "environment": "production", "secret": "x"})
	require.True(t, ok)
	require.NotContains(t, ev.Data["item"], "secret")
	return ev
}
