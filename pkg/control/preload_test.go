package control_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
)

const signsIn = `id: AC-01
title: Signed in before
criteria: [CC6.1]
population: {event: access.login, item: event.id}
expect: {e: {event: access.login, on: {event.user_id: item.user_id}, between: "[-2h, 0s)"}}
assert: e.count >= 1
`

// TestPast: a control wants what the rules before did not route for it, or not for so long,
// and nothing that is held already.
func TestPast(t *testing.T) {
	types, err := dictionary.Default()
	require.NoError(t, err)
	at, err := compliance.ParseInstant("2026-08-03T12:00:00Z")
	require.NoError(t, err)
	boundary := "effective_from: 2026-07-01T00:00:00Z\n"
	load := func(boundary string, files map[string]string) *control.Bundle {
		fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte(boundary)}, "AC-01.yaml": {Data: []byte(signsIn)}}
		for name, text := range files {
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		b, err := control.Load(fsys, types)
		require.NoError(t, err)
		return b
	}
	from := func(text string) string { return text + "effective_from: 2026-08-03T12:00:00Z\n" }
	another := strings.ReplaceAll(signsIn, "AC-01", "AC-02")
	login := func(at compliance.Instant) *compliance.Event {
		return &compliance.Event{Tenant: "default", Source: "/idp", ID: "e", Type: "access.login", Time: at, Data: map[string]any{"user_id": "u", "mfa": true}}
	}
	beat := &compliance.Event{Tenant: "default", Source: "/idp", ID: "b", Type: control.Heartbeat}
	for name, c := range map[string]struct {
		boundary string
		files    map[string]string
		from     compliance.Instant // Never: it wants nothing
	}{
		"nothing":          {"", nil, compliance.Never},
		"words":            {"", map[string]string{"AC-01.yaml": strings.ReplaceAll(signsIn, "Signed", "Was")}, compliance.Never},
		"a shorter way":    {"", map[string]string{"AC-01-2.yaml": from(strings.ReplaceAll(signsIn, "-2h", "-1h"))}, compliance.Never},
		"a longer way":     {"", map[string]string{"AC-01-2.yaml": from(strings.ReplaceAll(signsIn, "-2h", "-3h"))}, at.Add(-3*time.Hour - time.Microsecond)},
		"another field":    {"", map[string]string{"AC-01-2.yaml": from(strings.ReplaceAll(signsIn, "between", "where: event.mfa, between"))}, at.Add(-2*time.Hour - time.Microsecond)},
		"a new control":    {"", map[string]string{"AC-02.yaml": from(another)}, at.Add(-2*time.Hour - time.Microsecond)},
		"a table":          {"", map[string]string{"AC-02.yaml": from(another + "tables: {r: {from: [access.login], key: [event.user_id]}}\n")}, compliance.Ever},
		"a new source":     {"sources: {/idp: {types: [access.login], max_gap: 1h}}\n", map[string]string{"AC-02.yaml": from(another)}, compliance.Ever},
		"a numbering one":  {"sources: {/idp: {types: [access.login], max_gap: 1h, sequence: true}}\n", map[string]string{"AC-02.yaml": from(another)}, compliance.Never},
		"whose verdicts":   {"", map[string]string{"AC-02.yaml": from(another), "AC-03.yaml": from(reads)}, compliance.Never},
		"a source at rest": {"sources: {/idp: {types: [access.login]}}\n", map[string]string{"AC-02.yaml": from(another)}, at.Add(-2*time.Hour - time.Microsecond)},
	} {
		t.Run(name, func(t *testing.T) {
			p := load(boundary+c.boundary, c.files).Past(load(boundary, nil))
			if c.from == compliance.Never {
				require.Nil(t, p)
				return
			}
			require.Equal(t, c.from, p.From())
			require.True(t, p.Reads("access.login"))
			require.False(t, p.Reads("incident.opened"))
			require.Equal(t, strings.Contains(c.boundary, "max_gap"), p.Reads(control.Heartbeat))
			require.Len(t, p.Route(beat), map[bool]int{true: 1}[strings.Contains(c.boundary, "max_gap")])
			require.NotEmpty(t, p.Route(login(at)))
			if c.boundary == "" && c.from != compliance.Ever {
				require.NotEmpty(t, p.Route(login(c.from)))
				require.Empty(t, p.Route(login(c.from-1)))
			}
		})
	}
}

const reads = `id: AC-03
title: What others say
criteria: [CC6.1]
population: {event: access.login, item: event.id}
expect: {e: {verdicts: AC-02, on: {event.item: item.user_id}, between: "[-2h, 0s)"}}
assert: e.deviations == 0
`
