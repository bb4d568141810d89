package drift_test

import (
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/oracle"
	"assay.example/assay/pkg/story"
)

// library is the shipped one, with the version of a control that the story's drift
// brings, if it is one of a rule.
func library(t *testing.T, s *story.Story) fs.FS {
	t.Helper()
	if s.Drift() == nil || s.Drift().Cause != story.Rule {
		return controls.FS
	}
	files := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(controls.FS, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := fs.ReadFile(controls.FS, path)
			files[path] = &fstest.MapFile{Data: raw}
		}
		return err
	}))
	const path = "soc2/model/MC-01.yaml"
	files["soc2/model/MC-01-eu.yaml"] = &fstest.MapFile{Data: []byte(s.Version(string(files[path].Data)))}
	return files
}

func bundleOf(t *testing.T, s *story.Story) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	b, err := control.LoadWith(library(t, s), s.Boundary(), types)
	require.NoError(t, err)
	return b
}

// A story with a drift still knows how it ends: the reference rules say of each item
// what its census says.
func TestStoriesThatDriftKnowTheirEnd(t *testing.T) {
	for _, cause := range story.Causes() {
		for seed := range uint64(2) {
			s := story.New(story.Options{Seed: seed, Size: story.Small, Drift: cause})
			b := bundleOf(t, s)
			var events []*compliance.Event
			end := compliance.Ever
			for em := range s.Events() {
				if em.Barrier == nil && !em.Duplicate {
					ev := em.Event
					events = append(events, &ev)
					end = max(end, ev.Time+1)
				}
			}
			said := map[[2]string]string{}
			for _, c := range b.Controls {
				for _, v := range oracle.Verdicts(b, c, "default", events, end) {
					said[[2]string{c.ID, v.Item.ID}] = string(v.Outcome) + " " + v.Reason
				}
			}
			for _, it := range s.Census() {
				require.Equal(t, string(it.Outcome)+" "+it.Reason, said[[2]string{it.Control, it.ItemID}], "%s, seed %d: %s %s at %s", cause, seed, it.Control, it.ItemID, it.Time)
			}
			require.Len(t, said, len(s.Census()), "%s, seed %d", cause, seed)
		}
	}
}

// seen makes of a story what a comparison is asked about: its census, counted, with
// what the opening events say, and what was changed.
func seen(s *story.Story) drift.Input {
	in := drift.Input{
		Baseline: drift.Window{From: day(7, 1), To: day(8, 16)}, Window: drift.Window{From: day(8, 16), To: day(10, 1)},
		Subjects: map[string]drift.Subject{
			story.MC01: {Lookups: []drift.Lookup{{Name: "providers"}}},
			story.CH01: {Lookups: []drift.Lookup{{Boundary: true, Name: "components"}}},
		},
	}
	values := map[string]string{}
	for em := range s.Events() {
		if em.Barrier != nil || em.Duplicate {
			continue
		}
		data, changed := em.Event.Data, drift.Change{At: em.Event.Time, Type: em.Event.Type, ID: em.Event.ID, What: em.Event.ID}
		switch em.Event.Type {
		case "model.call.completed":
			values[data["call_id"].(string)] = data["provider"].(string)
		case "deploy.completed":
			values[data["deploy_id"].(string)] = data["component"].(string)
			changed.Kind = drift.Deployment
		case "prompt.released":
			changed.Kind = drift.Release
		case "model.route.changed":
			changed.Kind = drift.Model
		}
		if changed.Kind != "" && data["environment"] == "production" {
			in.Changes = append(in.Changes, changed)
		}
	}
	if d := s.Drift(); d != nil {
		in.Changes = append(in.Changes, planted(d)...)
	}
	for _, it := range s.Census() {
		c := drift.Cell{
			Control: it.Control, Day: compliance.InstantOf(it.Time.Time().Truncate(24 * time.Hour)), Rule: "v1", Bundle: "b", Outcome: it.Outcome, Reason: it.Reason,
			Values: []string{values[it.ItemID]}, Items: 1, First: it.Time,
		}
		if d := s.Drift(); d != nil && d.Cause == story.Rule && it.Control == d.Control && it.Time >= d.At {
			c.Rule = "v2"
		}
		in.Cells = append(in.Cells, c)
	}
	return in
}

// planted is what the bundle and the sources' signs of life say of a drift.
func planted(d *story.Drift) []drift.Change {
	switch d.Cause {
	case story.Reference:
		return []drift.Change{{Kind: drift.Reference, At: d.At, What: "planted", Lookup: drift.Lookup{Name: "providers"}, Key: "bedrock-us", Control: story.MC01}}
	case story.Boundary:
		return []drift.Change{{Kind: drift.Boundary, At: d.At, What: "planted", Control: story.CH01}}
	case story.Silence:
		return []drift.Change{{Kind: drift.Silence, At: d.At, What: "planted"}}
	}
	return nil // a rule shows in the counts, and behaviour follows an event of the story
}

func day(month time.Month, n int) compliance.Instant {
	return compliance.InstantOf(time.Date(2026, month, n, 0, 0, 0, 0, time.UTC))
}

// score is how stories of one kind went.
type score struct {
	stories, found, cause, onset, first, listed, others int
	worst                                               float64
}

// Over fifty seeds: each planted drift is found, with its cause, and the day on which it
// began; nothing else is, and nothing at all in a story without drift.
//
// ASSAY_TEST_STORY=default does it with stories of the demonstration's size, in some minutes.
func TestPlantedDriftsAreFound(t *testing.T) {
	size := story.Middle
	if os.Getenv("ASSAY_TEST_STORY") == "default" {
		size = story.Default
	}
	for _, cause := range append([]story.Cause{story.NoDrift}, story.Causes()...) {
		t.Run(string(cause), func(t *testing.T) {
			var sc score
			for seed := range uint64(50) {
				sc.look(t, story.New(story.Options{Seed: seed, Size: size, Drift: cause}))
			}
			t.Logf("%-14s %d stories: %d found, %d with the right cause, %d with the onset within the support, %d with the change named first, %d among five; %d other findings; greatest adjusted p %.2g",
				cause, sc.stories, sc.found, sc.cause, sc.onset, sc.first, sc.listed, sc.others, sc.worst)
			require.Zero(t, sc.others)
			if cause != story.NoDrift {
				require.Equal(t, 50, sc.found)
				require.Equal(t, 50, sc.cause)
				require.GreaterOrEqual(t, sc.onset, 45)
				require.GreaterOrEqual(t, sc.listed, 45)
			}
		})
	}
}

func (sc *score) look(t *testing.T, s *story.Story) {
	t.Helper()
	sc.stories++
	r := compare(t, seen(s))
	for _, f := range r.Findings {
		d := s.Drift()
		if d == nil || f.Control != d.Control {
			sc.others++
			t.Logf("other: %+v", f.Tested)
			continue
		}
		sc.found++
		sc.worst = max(sc.worst, f.Q)
		if string(f.Cause) == string(d.Cause) {
			sc.cause++
		} else {
			t.Logf("not %s but %s: %+v", d.Cause, f.Cause, f)
		}
		if f.Onset.From.Add(-24*time.Hour) <= d.At && d.At < f.Onset.To.Add(24*time.Hour) {
			sc.onset++
		}
		for i, ch := range f.Changes {
			if ch.ID == d.Change && d.Change != "" || ch.What == "planted" || ch.Kind == drift.RuleChange {
				sc.listed++
				if i == 0 {
					sc.first++
				}
			}
		}
	}
}
