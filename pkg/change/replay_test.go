package change_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/change"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/story"
)

// recorded is a small quarter, as the log has it.
func recorded(t *testing.T) []*compliance.Event {
	t.Helper()
	var events []*compliance.Event
	for em := range story.New(story.Options{Size: story.Small}).Events() {
		if em.Barrier != nil {
			continue
		}
		ev := em.Event
		body, err := json.Marshal(ev.Data)
		require.NoError(t, err)
		ev.Ref.SHA256, ev.Received = sha256.Sum256(body), em.Arrives
		events = append(events, &ev)
	}
	slices.SortStableFunc(events, (*compliance.Event).Compare)
	return events
}

func source(events []*compliance.Event) change.Source {
	return func(_ []string, visit func(*compliance.Event) error) error {
		for _, ev := range events {
			if err := visit(ev); err != nil {
				return err
			}
		}
		return nil
	}
}

// library is the built-in one with some texts replaced.
func library(t *testing.T, replace ...string) *control.Bundle {
	t.Helper()
	return load(t, libraryFiles(t, replace...))
}

func load(t *testing.T, files fstest.MapFS) *control.Bundle {
	t.Helper()
	d, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.Load(files, d)
	require.NoError(t, err)
	return b
}

func libraryFiles(t *testing.T, replace ...string) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	boundary := string(story.New(story.Options{Size: story.Small}).Boundary())
	left := map[string]bool{}
	for i := 0; i < len(replace); i += 2 {
		left[replace[i]] = true
	}
	err := fs.WalkDir(controls.FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		raw, err := controls.FS.ReadFile(name)
		text := string(raw)
		if name == control.BoundaryFile {
			text = boundary
		}
		for i := 0; i < len(replace); i += 2 {
			if strings.Contains(text, replace[i]) {
				delete(left, replace[i])
				text = strings.Replace(text, replace[i], replace[i+1], 1)
			}
		}
		files[name] = &fstest.MapFile{Data: []byte(text)}
		return err
	})
	require.NoError(t, err)
	require.Empty(t, left, "these stand in no file")
	return files
}

var end = at("2026-11-30T00:00:00Z")

func replay(t *testing.T, from, to *control.Bundle, events []*compliance.Event, edit ...func(*change.Options)) *change.Result {
	t.Helper()
	o := change.Options{From: from, To: to, Tenant: "default", AsOf: end, Events: source(events), Limit: 1000, Check: true}
	for _, e := range edit {
		e(&o)
	}
	r, err := change.Replay(o)
	require.NoError(t, err)
	require.Empty(t, r.Faults)
	return r
}

func TestReplayOfWordsSaysNothing(t *testing.T) {
	r := replay(t, library(t), library(t, "between: \"[0s, 15m]\"", "between: \"[ 0s, 900s ]\""), recorded(t))
	require.Empty(t, r.Controls)
	require.Zero(t, r.Changed)
	require.Zero(t, r.Events, "nothing has to be read")
}

// reader judges acknowledgements by what IN-01 says.
const reader = `id: IN-99
title: Whoever acknowledges an incident does so in time
criteria: [CC7.3]
population: {event: incident.acknowledged, item: event.incident_id}
expect:
  acked: {verdicts: IN-01, on: {event.item.incident_id: item.incident_id}, between: "[-1d, 0s]"}
assert: acked.deviations == 0
`

// TestReplayOfWhatOthersRead: another rule of a control changes what those say that read
// its verdicts.
func TestReplayOfWhatOthersRead(t *testing.T) {
	from, to := libraryFiles(t), libraryFiles(t, `between: "[0s, 15m]"`, `between: "[0s, 30m]"`)
	from["IN-99.yaml"], to["IN-99.yaml"] = &fstest.MapFile{Data: []byte(reader)}, &fstest.MapFile{Data: []byte(reader)}
	events := recorded(t)
	r := replay(t, load(t, from), load(t, to), events)
	require.Equal(t, []string{"IN-01", "IN-99"}, r.Controls)
	require.Len(t, r.Items, 2, "%+v", r.Items)
	require.Equal(t, "IN-99", r.Items[1].Control)
	require.Equal(t, []string{"its evidence are verdicts of IN-01; replay those to see which differ"}, r.Items[1].Why)
	only := replay(t, load(t, from), load(t, to), events, func(o *change.Options) { o.Controls = []string{"IN-99"} })
	require.Equal(t, r.Items[1:], only.Items)
}

// TestReplay changes the library in ways that people do, and looks at what a quarter
// would have been.
func TestReplay(t *testing.T) {
	events := recorded(t)
	for _, c := range []struct {
		name, from, to string
		// totals are those of items that change; why is what is said of the first one.
		totals, why []string
	}{
		{
			"a longer deadline", `between: "[0s, 15m]"`, `between: "[0s, 30m]"`,
			[]string{"IN-01 deviation (acknowledged_late) -> pass 1"},
			[]string{"expect.ack.between: [0s, 15m] -> [0s, 30m]", "ack: incident.acknowledged pager-f1874ffd8c4462a0 at +27m9s866ms counts now"},
		},
		{
			"more items", `in ["sev1", "sev2", "unclassified"]`, `in ["sev1", "sev2", "sev3", "unclassified"]`,
			[]string{"IN-01 - -> deviation (acknowledged_late) 3"},
			[]string{`population.where: event.severity in ["sev1", "sev2", "unclassified"] -> event.severity in ["sev1", "sev2", "sev3", "unclassified"]`},
		},
		{
			"another condition", "where: event.approver != item.author\n    between: \"[-7d, 0s)\"", "where: event.approver != item.author && event.approver != \"\"\n    between: \"[-1d, 0s)\"",
			[]string{"CH-05b pass -> deviation (no_approval) 4"},
			[]string{
				"expect.approval.between: [-7d, 0s) -> [-1d, 0s)", `expect.approval.where: event.approver != item.author -> event.approver != item.author && event.approver != ""`,
				"approval: change.approved vcs-a8bff1fe4e601311 at -1d12h21m34s730ms doesn't count any more",
			},
		},
		{
			"another table", "bedrock-us: {valid_from: 2026-03-15T00:00:00Z", "bedrock-us: {valid_from: 2026-08-15T00:00:00Z",
			[]string{"MC-01 pass -> deviation (provider_not_approved) 14"},
			[]string{`refs.providers[bedrock-us]: {"classes":["public","internal"],"valid_from":"2026-03-15T00:00:00Z"} -> {"classes":["public","internal"],"valid_from":"2026-08-15T00:00:00Z"}`},
		},
		{
			"parts of items", "(0s, 24h]", "(0s, 1h]",
			[]string{"AC-03 pass -> deviation (still_active) 5"},
			nil,
		},
		{"a number that decides nothing", "least_permille: 850", "least_permille: 851", nil, nil},
		{
			"a source that is not listened for", "/scorer: {types: [\"eval.online.*\"], max_gap: 15h}", "/scorer: {types: [\"eval.online.*\"]}",
			[]string{"MC-11 inconclusive (source_silent) -> not_applicable (does_not_apply) 2"},
			[]string{"scores: unknown, a source was silent -> found", `no longer sources[/scorer]: ["15h",["eval.online.*"]]`},
		},
		{
			"another code", "acknowledged_late: late.count >= 1", "tardy: late.count >= 1",
			[]string{"IN-01 deviation (acknowledged_late) -> deviation (tardy) 2"},
			[]string{"no longer reasons.acknowledged_late: late.count >= 1", "now reasons.tardy: late.count >= 1"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := replay(t, library(t), library(t, c.from, c.to), events)
			require.Equal(t, c.totals, changed(r))
			if c.why != nil {
				require.Equal(t, c.why, r.Items[0].Why)
			}
			require.Len(t, r.Items, r.Changed)
			for _, it := range r.Items {
				require.NotEmpty(t, it.Why, it.ID)
			}
			back := replay(t, library(t, c.from, c.to), library(t), events)
			require.Equal(t, r.Changed, back.Changed)
			for i := range back.Items {
				require.Equal(t, r.Items[i].Before, back.Items[i].After)
			}
		})
	}
}

// changed are the totals of the items that change, one a line.
func changed(r *change.Result) (lines []string) {
	for _, total := range r.Totals {
		if total.Changed {
			lines = append(lines, fmt.Sprintf("%s %s -> %s %d", total.Control, total.Before, total.After, total.Items))
		}
	}
	return lines
}

// TestReplayOfABeginning: items before it are none, for every control.
func TestReplayOfABeginning(t *testing.T) {
	r := replay(t, library(t), library(t, "effective_from: 2026-07-01", "effective_from: 2026-09-29"), recorded(t), func(o *change.Options) { o.Limit = 3 })
	require.Len(t, r.Controls, 12)
	require.Len(t, r.Items, 3)
	require.Greater(t, r.Changed, 400)
	require.Equal(t, []string{"effective_from: 2026-07-01T00:00:00Z -> 2026-09-29T00:00:00Z"}, r.Items[0].Why)
	require.Nil(t, r.Items[0].After)
	for _, total := range r.Totals {
		require.Equal(t, total.After == "-", total.Changed)
	}
}

// TestReplayBounds: controls and items can be chosen, and the watermark.
func TestReplayBounds(t *testing.T) {
	from, to := library(t), library(t, `between: "[0s, 15m]"`, `between: "[0s, 1h]"`, "(0s, 24h]", "(0s, 1h]")
	events := recorded(t)
	all := replay(t, from, to, events)
	require.Equal(t, []string{"AC-03", "IN-01"}, all.Controls)
	one := replay(t, from, to, events, func(o *change.Options) { o.Controls = []string{"IN-01"} })
	require.Equal(t, []string{"IN-01"}, one.Controls)
	require.Len(t, one.Items, 2)
	last := one.Items[1]
	some := replay(t, from, to, events, func(o *change.Options) { o.Controls, o.Since = []string{"IN-01"}, last.Time })
	require.Equal(t, []change.Item{last}, some.Items)
	some = replay(t, from, to, events, func(o *change.Options) { o.Controls, o.Until = []string{"IN-01"}, last.Time })
	require.Equal(t, one.Items[:1], some.Items)
	early := replay(t, from, to, events, func(o *change.Options) { o.Controls, o.AsOf = []string{"IN-01"}, last.Time.Add(20*time.Minute) })
	require.Equal(t, one.Items[:1], early.Items, "the last one is pending by both")
}

func TestReplaySaysWhatFails(t *testing.T) {
	broken := errors.New("broken")
	_, err := change.Replay(change.Options{
		From: bundle(t, boundary, acknowledged), To: bundle(t, boundary), AsOf: end,
		Events: func([]string, func(*compliance.Event) error) error { return broken },
	})
	require.ErrorIs(t, err, broken)
}
