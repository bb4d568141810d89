package controltest_test

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/document"
)

// bounds are the mutations of intervals' ends, which the library's tests stand for.
var bounds = regexp.MustCompile(`a millisecond (earlier|later|longer)|(open|close) the (start|end)`)

// TestEveryMutantIsKilled changes the library's controls, and those that show the
// language, in every way that there is: a test beside the control must fail, or the
// compiler must refuse, or the file must say that it is the same.
func TestEveryMutantIsKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, from := range []struct {
		name   string
		files  fs.FS
		except *regexp.Regexp
		least  int
	}{
		{"library", controls.FS, regexp.MustCompile("^$"), 280},
		{"language", os.DirFS("testdata/language"), bounds, 130},
	} {
		report := mutated(t, from.files)
		require.Zero(t, report.Failed())
		var survivors []string
		for _, m := range report.Mutants {
			if m.Fate == controltest.Survived && !from.except.MatchString(m.Change) {
				survivors = append(survivors, m.String())
			}
		}
		t.Logf("%s: %+v", from.name, report.Score(""))
		require.Greater(t, len(report.Mutants), from.least)
		require.Empty(t, survivors)
	}
}

func mutated(t *testing.T, files fs.FS) *controltest.Report {
	t.Helper()
	text, err := fs.ReadFile(files, control.BoundaryFile)
	require.NoError(t, err)
	boundary, err := document.Parse(control.BoundaryFile, text)
	require.NoError(t, err)
	report, err := controltest.Run(t.Context(), controltest.Options{
		Files: files, Boundary: boundary, Dictionary: dictionaryOf(t), Orders: 1, Mutants: true,
	})
	require.NoError(t, err)
	return report
}

const weak = `id: GA-01
title: Severe incidents && worse are acknowledged
criteria: [CC7.3]
params: {least: 1}
population:
  event: incident.opened
  where: >-
    event.severity in ["sev1", "sev2"] &&
    event.service != "a && b"
  item: event.incident_id
expect:
  ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, between: "[0s, 15m]"}
assert: ack.count >= params.least
reasons: {nobody: ack.count < params.least} # equivalent: less is at most
`

const weakTest = `start: 2026-07-01T09:00:00Z
cases:
  - name: a person in time
    events:
      - {at: 0s, id: open, type: incident.opened, source: /p, data: {incident_id: i-1, severity: sev1, service: assist}}
      - {at: 5m, id: ack, type: incident.acknowledged, source: /p, data: {incident_id: i-1, responder: ann, responder_kind: human}}
    expect:
      - {at: 1h, items: {i-1: {outcome: pass}}}
`

// TestMutantsOfANamedCondition: where a condition is meant again, it is changed by itself.
func TestMutantsOfANamedCondition(t *testing.T) {
	named := strings.Replace(strings.Replace(weak, "assert: ack", "assert: &enough ack", 1), "{nobody: ack.count < params.least}", "{enough: *enough}", 1)
	report := mutated(t, fstest.MapFS{
		"boundary.yaml": {Data: []byte("boundary: {}")}, "GA-01.yaml": {Data: []byte(named)}, "GA-01_test.yaml": {Data: []byte(weakTest)},
	})
	var fates []controltest.Fate
	for _, m := range report.Mutants {
		if m.String() == "GA-01.yaml:13:27: at least is more: >=" {
			fates = append(fates, m.Fate)
		}
	}
	require.Equal(t, []controltest.Fate{controltest.Killed, controltest.Survived}, fates)
}

// TestMutants: what a weak test lets through is said, with its place, and nothing in
// texts is taken for code.
func TestMutants(t *testing.T) {
	report := mutated(t, fstest.MapFS{
		"boundary.yaml": {Data: []byte("boundary: {}")}, "GA-01.yaml": {Data: []byte(weak)}, "GA-01_test.yaml": {Data: []byte(weakTest)},
	})
	fates := map[controltest.Fate][]string{}
	for _, m := range report.Mutants {
		require.Equal(t, "GA-01", m.Control)
		require.Equal(t, m.Fate == controltest.Killed, m.By != "")
		fates[m.Fate] = append(fates[m.Fate], m.String())
	}
	require.Equal(t, []string{
		"GA-01.yaml:4:17: one more: 1",
		"GA-01.yaml:9:19: different is equal: !=",
		"GA-01.yaml:13:19: at least is more: >=",
	}, fates[controltest.Killed])
	require.Equal(t, []string{
		"GA-01.yaml:4:17: one less: 1",
		"GA-01.yaml:7:3: no where: where",
		"GA-01.yaml:8:40: and is or: &&",
		`GA-01.yaml:8:5: drop what stands before and: event.severity in ["sev1", "sev2"]`,
		`GA-01.yaml:8:40: drop what stands after and: event.service != "a && b"`,
		`GA-01.yaml:8:30: a shorter list: , "sev2"`,
		"GA-01.yaml:12:92: open the start: [0s, 15m]",
		"GA-01.yaml:12:100: open the end: [0s, 15m]",
		"GA-01.yaml:12:93: start a millisecond earlier: [0s, 15m]",
		"GA-01.yaml:12:93: start a millisecond later: [0s, 15m]",
		"GA-01.yaml:12:97: end a millisecond earlier: [0s, 15m]",
		"GA-01.yaml:12:97: end a millisecond later: [0s, 15m]",
		"GA-01.yaml:14:11: no such reason: nobody",
	}, fates[controltest.Survived])
	require.Equal(t, []string{"GA-01.yaml:14:29: less is at most: <"}, fates[controltest.Equivalent])
	require.Empty(t, fates[controltest.Refused])
	require.Equal(t, controltest.Score{Killed: 3, Survived: 13, Equivalent: 1}, report.Score("GA-01"))
	require.Equal(t, 18, report.Score("").Percent())
	require.True(t, strings.HasPrefix(report.Mutants[0].Place, "GA-01.yaml:"))
}
