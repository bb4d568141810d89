package controltest_test

import (
	"context"
	"encoding/xml"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/controltest"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
)

const rules = `id: GA-01
title: Incidents are acknowledged
criteria: [CC7.3]
population: {event: incident.opened, item: event.incident_id}
expect:
  ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, between: "[0s, 15m]", remedy_until: 1d}
assert: ack.count >= 1
reasons: {nobody: ack.count == 0}
`

const head = `start: 2026-07-20T12:00:00Z
defaults:
  incident.opened: {source: /pager, data: {incident_id: i-1, severity: sev1, service: assist}}
  incident.acknowledged: {source: /pager, data: {incident_id: i-1, responder: alice, responder_kind: human}}
cases:
`

func options(t *testing.T, cases string) controltest.Options {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	boundary, err := document.Parse("boundary.yaml", []byte("effective_from: 2026-07-01T00:00:00Z\nsources: {/pager: {types: [incident.*], max_gap: 3h}}\n"))
	require.NoError(t, err)
	return controltest.Options{
		Files:    fstest.MapFS{"GA-01.yaml": {Data: []byte(rules)}, "GA-01_test.yaml": {Data: []byte(cases)}},
		Boundary: boundary, Dictionary: d, Orders: 3, Seed: 1,
	}
}

func failures(t *testing.T, cases string) []string {
	t.Helper()
	report, err := controltest.Run(t.Context(), options(t, cases))
	require.NoError(t, err)
	var all []string
	for _, c := range report.Cases {
		all = append(all, c.Failures...)
	}
	return all
}

// TestDifferencesAreFound: each field that a case names is compared, and the diff
// shows it alone.
func TestDifferencesAreFound(t *testing.T) {
	const events = `  - name: a
    events:
      - {at: 0s, id: open, type: incident.opened}
      - {at: 20m, id: ack, type: incident.acknowledged}
    expect: [{at: 1h, items: {i-1: {`
	right := "outcome: deviation, reason: nobody, evidence: [open, ack], revision: 1, remediated_at: 20m"
	require.Empty(t, failures(t, head+events+right+"}}}]\n"))
	for wrong, diff := range map[string]string{
		"outcome: pass":                   "  - outcome: pass\n  + outcome: deviation",
		`reason: ""`:                      "  - reason: \"\"\n  + reason: nobody",
		"evidence: [open]":                "  - evidence: [open]\n  + evidence: [open, ack]",
		"evidence: [ack, open]":           "  - evidence: [ack, open]\n  + evidence: [open, ack]",
		"evidence: []":                    "  - evidence: []\n  + evidence: [open, ack]",
		"revision: 2":                     "  - revision: 2\n  + revision: 1",
		"remediated_at: 19m":              "  - remediated_at: 2026-07-20T12:19:00Z (19m)\n  + remediated_at: 2026-07-20T12:20:00Z (20m)",
		"remediated_at: none":             "  - remediated_at: none\n  + remediated_at: 2026-07-20T12:20:00Z (20m)",
		"outcome: deviation, revision: 7": "    outcome: deviation\n  - revision: 7\n  + revision: 1",
	} {
		got := failures(t, head+events+wrong+"}}}]\n")
		require.Len(t, got, 1)
		require.Equal(t, "GA-01_test.yaml:10:31: a: at 2026-07-20T13:00:00Z (1h), of i-1 (- expected, + found):\n"+diff, got[0])
	}
}

func TestItemsThatComeAndGo(t *testing.T) {
	require.Empty(t, failures(t, head+`
  - name: an item whose opening is no longer the one that counts is withdrawn
    boundary: {effective_from: 2026-07-20T12:00:00Z}
    events:
      - {at: 1h, id: open, type: incident.opened}
      - {at: -1h, id: before, type: incident.opened, arrives: 3h}
    expect:
      - {at: 2h, items: {i-1: {outcome: deviation, revision: 1}}}
      - {at: 4h, items: {i-1: {absent: true}}}
      - {at: 5h, items: {i-1: {outcome: withdrawn, revision: 2}}}
`))
	got := failures(t, head+"  - {name: a, events: [{at: 0s, id: open, type: incident.opened}], expect: [{at: 1h, items: {i-1: {absent: true}, i-2: {outcome: pass}}}]}\n")
	require.Len(t, got, 2)
	require.Contains(t, got[0], "  - absent: true\n  + outcome: deviation")
	require.Contains(t, got[1], "  - outcome: pass\n  + there is no such item; there are i-1")
}

// TestArrivals: what arrives at a watermark comes after it.
func TestArrivals(t *testing.T) {
	require.Empty(t, failures(t, head+`
  - name: at the watermark is after it
    events:
      - {at: 0s, id: open, type: incident.opened}
      - {at: 5m, id: ack, type: incident.acknowledged, arrives: 1h}
    expect:
      - {at: 30m, items: {i-1: {outcome: deviation}}}
      - {at: 1h, items: {i-1: {outcome: deviation}}}
      - {at: 60m1ms, items: {i-1: {outcome: pass, revision: 2}}}
  - name: a time instead of an offset, and repeated events that are late alike
    events:
      - {at: 2026-07-20T12:00:00Z, id: open, type: incident.opened}
      - {at: 1m, id: ack, type: incident.acknowledged, repeat: 3, every: 1m, arrives: 61m}
    expect:
      - {at: 61m, items: {i-1: {outcome: deviation}}}
      - {at: 2026-07-20T14:00:00Z, items: {i-1: {outcome: pass, evidence: [open, ack-1]}}}
`))
}

func TestCoverage(t *testing.T) {
	report, err := controltest.Run(t.Context(), options(t, head+"  - {name: a, events: [{at: 0s, id: open, type: incident.opened}], expect: [{at: 1m, items: {i-1: {outcome: pending}}}]}\n"))
	require.NoError(t, err)
	require.Equal(t, []controltest.Coverage{{
		Control: "GA-01", File: "GA-01.yaml", Cases: 1,
		Missing: []string{"outcome pass", "outcome deviation", "outcome inconclusive", "reason nobody"},
	}}, report.Coverage)
	require.False(t, report.Complete())
	require.Zero(t, report.Failed())

	o := options(t, head+"  - {name: a, expect: []}\n  - {name: b, expect: []}\n")
	o.Run = regexp.MustCompile("GA-01/b")
	report, err = controltest.Run(t.Context(), o)
	require.NoError(t, err)
	require.Len(t, report.Cases, 1)
	require.Empty(t, report.Coverage, "a part of the cases covers nothing")
}

// TestTestFilesAreReadStrictly plants one fault each; ‸ marks its place.
func TestTestFilesAreReadStrictly(t *testing.T) {
	const sound = head + `  - name: a
    events:
      - {at: 0s, id: open, type: incident.opened, data: {title: x}}
    expect:
      - {at: 1m, items: {i-1: {outcome: pending}}}
`
	require.Empty(t, failures(t, sound))
	for _, c := range []struct{ old, planted, text string }{
		{"cases:", "‸case:", `a test file has no key "case" (did you mean "cases"?)`},
		{"start: 2026-07-20T12:00:00Z", "start: ‸noon", `start: "noon" is not RFC 3339`},
		{"start: 2026-07-20T12:00:00Z", "start: 2026-07-20T12:00:00Z\nboundary: ‸[]", "boundary must be a mapping"},
		{"start: 2026-07-20T12:00:00Z", "start: 2026-07-20T12:00:00Z\nboundary: {sources: {/p: {types: ‸[incdent.*]}}}", `no event type matches "incdent.*"`},
		{"  incident.opened:", "  ‸incident.open:", `there is no event type "incident.open"`},
		{"{source: /pager, data: {incident_id: i-1, severity", "{‸src: /pager, data: {incident_id: i-1, severity", `a default has no key "src"`},
		{"- name: a", "- ‸nam: a", `a case has no key "nam" (did you mean "name"?)`},
		{"- name: a\n", "- ‸title: b\n", "a case has no key"},
		{"    events:\n", "    events: []\n    ‸events:\n", `a case has the key "events" twice`},
		{"    events:\n      - {at: 0s, id: open, type: incident.opened, data: {title: x}}\n", "    events: ‸open\n", "events must be a list"},
		{"{at: 0s, id: open, ", "‸{at: 0s, ", "an event needs id:"},
		{"at: 0s", "at: ‸later", `at: "later" is neither an offset from the start`},
		{"type: incident.opened, data", "type: ‸incident.closed, data", `there is no event type "incident.closed"`},
		{"{title: x}", "{severity: ‸sev7}", `incident.opened.severity: "sev7" is not one of the allowed values`},
		{"{title: x}", "{title: ‸3}", "incident.opened.title: "},
		{"{title: x}", "{service: ‸null}", "incident.opened.service: the field is missing"},
		{"id: open, ", "id: open, arrives: ‸-1m, ", "this event would arrive before it happens"},
		{"id: open, ", "id: open, duplicate: ‸twice, ", "duplicate: is true or false"},
		{"{at: 0s, id: open, ", "‸{at: 0s, id: open, repeat: 3, ", "repeat: needs every:"},
		{"id: open, ", "id: open, every: 1h, repeat: ‸0, ", "repeat: is a number from 1 to 10000"},
		{"id: open, ", "id: open, repeat: 2, every: ‸0s, ", "every: is a duration above 0"},
		{"    expect:\n      - {at: 1m, items: {i-1: {outcome: pending}}}\n", "", "a case needs expect:"},
		{"- {at: 1m, items", "- ‸{items", "an expectation needs at:, the watermark"},
		{"- {at: 1m, items: {", "- {at: 2m, items: {}}\n      - ‸{at: 2m, items: {", "this watermark is not after the one before"},
		{"outcome: pending", "outcome: ‸failed", `"failed" is no outcome; outcomes are pass, deviation`},
		{"outcome: pending", "reason: ‸noone", `the control has no reason "noone"; reasons are nobody, assertion_false`},
		{"outcome: pending", "revision: ‸one", "revision: is a number from 1 to 10000"},
		{"outcome: pending", "evidence: ‸open", "evidence must be a list"},
		{"{outcome: pending}", "‸{outcome: pending, absent: true}", "absent: says that there is no verdict"},
		{"{outcome: pending}", "‸pending", "an expected verdict must be a mapping"},
		{"outcome: pending", "outcome: ‸[pending]", "outcome must be text"},
	} {
		require.Contains(t, sound, c.old)
		before, after, marked := strings.Cut(strings.Replace(sound, c.old, c.planted, 1), "‸")
		_, err := controltest.Run(t.Context(), options(t, before+after))
		var problems document.Problems
		require.ErrorAs(t, err, &problems, c.planted)
		found := false
		for _, p := range problems {
			at := !marked || p.Line == 1+strings.Count(before, "\n") && p.Column == len(before)-strings.LastIndex(before, "\n")
			found = found || at && strings.HasPrefix(p.Text, c.text)
		}
		require.True(t, found, "%s\n%v", c.planted, problems)
	}
}

func TestFilesThatDontBelongTogether(t *testing.T) {
	o := options(t, head+"  - {name: a, expect: []}\n  - {name: a, expect: []}\n")
	files := o.Files.(fstest.MapFS)
	files["x/GA-09_test.yaml"] = &fstest.MapFile{Data: []byte("cases: []\n")}
	files["x/GA-02.yaml"] = &fstest.MapFile{Data: []byte("id: GA-02\n---\n")}
	o.Prefix = "lib"
	_, err := controltest.Run(t.Context(), o)
	require.EqualError(t, err, strings.Join([]string{
		`lib/GA-01_test.yaml:7:5: there are two cases "a"`,
		`lib/x/GA-02.yaml:2:1: a second document begins here; a file holds one`,
		`lib/x/GA-09_test.yaml:1:1: there is no control file GA-09.yaml beside this test`,
	}, "\n"))
	require.ErrorAs(t, controltest.Check(o), new(document.Problems))
}

func TestRunsAreRepeatable(t *testing.T) {
	cases := head + `  - name: a
    events:
      - {at: 0s, id: open, type: incident.opened}
      - {at: 1m, id: ack, type: incident.acknowledged, repeat: 5, every: 1m}
    expect: [{at: 1h, items: {i-1: {outcome: deviation}}}]
`
	o := options(t, cases)
	one, err := controltest.Run(t.Context(), o)
	require.NoError(t, err)
	two, err := controltest.Run(t.Context(), o)
	require.NoError(t, err)
	require.Equal(t, one, two)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = controltest.Run(ctx, o)
	require.ErrorIs(t, err, context.Canceled)
}

func TestJUnitIsXML(t *testing.T) {
	report, err := controltest.Run(t.Context(), options(t, head+"  - {name: 'a <b> & \"c\"', events: [{at: 0s, id: open, type: incident.opened}], expect: [{at: 1h, items: {i-1: {outcome: pass}}}]}\n"))
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, report.WriteJUnit(&b))
	var back struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Suite    struct {
			Case struct {
				Name    string `xml:"name,attr"`
				File    string `xml:"file,attr"`
				Line    int    `xml:"line,attr"`
				Failure string `xml:"failure"`
			} `xml:"testcase"`
		} `xml:"testsuite"`
	}
	require.NoError(t, xml.Unmarshal([]byte(b.String()), &back))
	require.Equal(t, 1, back.Failures)
	require.Equal(t, `a <b> & "c"`, back.Suite.Case.Name)
	require.Equal(t, "GA-01_test.yaml", back.Suite.Case.File)
	require.Equal(t, 6, back.Suite.Case.Line)
	require.Contains(t, back.Suite.Case.Failure, "  + outcome: deviation")
}
