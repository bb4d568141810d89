package rules_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/clock"
	"assay.example/assay/services/evaluator/internal/evaltest"
	"assay.example/assay/services/evaluator/internal/rules"
)

const (
	boundary  = "effective_from: 2026-07-01T00:00:00Z\n"
	incidents = `id: IN-01
title: Acknowledged
criteria: [CC7.3]
population: {event: incident.opened, where: event.severity == "sev1", item: event.incident_id}
expect: {ack: {event: incident.acknowledged, on: {event.incident_id: item.incident_id}, between: "[0s, 15m]"}}
assert: ack.count >= 1
`
	resolved = `id: IN-02
title: Resolved
criteria: [CC7.4]
population: {event: incident.opened, item: event.incident_id}
expect: {done: {event: incident.resolved, on: {event.incident_id: item.incident_id}, between: "[0s, 1d]"}}
assert: done.count >= 1
`
)

func load(t *testing.T, files map[string]string) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte(boundary)}, "IN-01.yaml": {Data: []byte(incidents)}}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	b, err := control.Load(fsys, types)
	require.NoError(t, err)
	return b
}

// TestWhatIsRefused: what changes what was judged is refused with what to do instead,
// before it has a number.
func TestWhatIsRefused(t *testing.T) {
	w := evaltest.New(t, 1)
	log, err := clock.Open(t.Context(), w.Opts(), evaltest.Control, zerolog.Nop())
	require.NoError(t, err)
	types, err := dictionary.Default()
	require.NoError(t, err)
	own := load(t, nil)
	book, err := rules.NewBook(log, record.Base{Activation: 1, Bundle: own.Hash}, own, types)
	require.NoError(t, err)
	now, err := compliance.ParseInstant("2026-08-03T09:00:00Z")
	require.NoError(t, err)
	from := func(text, at string) string { return text + "effective_from: " + at + "\n" }
	read := strings.ReplaceAll(strings.ReplaceAll(resolved, "IN-02", "IN-03"), "event: incident.resolved, on: {event.incident_id", "verdicts: IN-01, on: {event.item.incident_id")
	reads := strings.ReplaceAll(incidents, "event: incident.acknowledged, on: {event.incident_id", "verdicts: IN-03, on: {event.item.incident_id")
	longer := strings.ReplaceAll(incidents, "15m", "30m")
	shorter := strings.ReplaceAll(incidents, "15m", "10m")
	for name, c := range map[string]struct {
		files    map[string]string
		restates bool
		clock    compliance.Instant
		why      string // empty: nothing
	}{
		"words":                  {map[string]string{"IN-01.yaml": strings.ReplaceAll(incidents, "Acknowledged", "Heard")}, false, now, ""},
		"a version to come":      {map[string]string{"IN-01-2.yaml": from(longer, "2026-08-03T10:05:00Z")}, false, now, ""},
		"a version too soon":     {map[string]string{"IN-01-2.yaml": from(longer, "2026-08-03T10:04:59Z")}, false, now, "it takes effect before 2026-08-03T10:06:00Z"},
		"another rule":           {map[string]string{"IN-01.yaml": longer}, false, now, "IN-01 expect.ack.between from 2026-07-01T00:00:00Z"},
		"a control to come":      {map[string]string{"IN-02.yaml": from(resolved, "2026-08-04T00:00:00Z")}, false, now, ""},
		"a control at once":      {map[string]string{"IN-02.yaml": resolved}, false, now, "give each a new file"},
		"no clock":               {map[string]string{}, false, compliance.Ever, "the log has no clock yet"},
		"a reader to come":       {map[string]string{"IN-03.yaml": from(read, "2026-08-04T00:00:00Z")}, false, now, ""},
		"another stage":          {map[string]string{"IN-01-2.yaml": from(reads, "2026-08-04T00:00:00Z"), "IN-03.yaml": from(strings.ReplaceAll(resolved, "IN-02", "IN-03"), "2026-08-04T00:00:00Z")}, false, now, "IN-01 would be judged in stage 1 instead of 0"},
		"restated, and read":     {map[string]string{"IN-01.yaml": shorter, "IN-03.yaml": from(read, "2026-08-04T00:00:00Z")}, true, now, "IN-03 reads the verdicts of IN-01"},
		"restated":               {map[string]string{"IN-01.yaml": shorter}, true, now, ""},
		"restated, later":        {map[string]string{"IN-01.yaml": longer}, true, now, "looks back or waits further"},
		"restated, other events": {map[string]string{"IN-01.yaml": strings.ReplaceAll(incidents, "incident.acknowledged", "incident.resolved")}, true, now, "reads events, fields or keys that were not routed"},
		"restated, new":          {map[string]string{"IN-02.yaml": resolved}, true, now, "IN-02 is new and effective from 2026-07-01T00:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			to := load(t, c.files)
			files, err := to.Pack()
			require.NoError(t, err)
			err = book.Check(t.Context(), record.RuleChange{Proposed: &record.Control{Bundle: to.Hash, Files: files, Restates: c.restates}}, 1, c.clock)
			if c.why == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.why)
			require.Equal(t, compliance.Invalid, compliance.CodeOf(err))
		})
	}
	err = book.Check(t.Context(), record.RuleChange{Proposed: &record.Control{Bundle: "b", Files: []byte("no bundle")}}, 1, now)
	require.ErrorContains(t, err, "the rules don't compile")
}
