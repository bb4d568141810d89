package drifts_test

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/controls"
	"assay.example/assay/pkg/ask"
	"assay.example/assay/pkg/ask/asktest"
	"assay.example/assay/pkg/ask/drifts"
	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/drift"
	"assay.example/assay/pkg/story"
)

// Drifts that are planted in a story are found from its events and the verdicts on
// them, with their cause and what began them; a story without any has none.
func TestPlantedDrifts(t *testing.T) {
	for cause, began := range map[story.Cause]string{
		story.NoDrift:   "",
		story.Behaviour: "model.route.changed support-assistant openai-eu chat-medium",
		story.Rule:      "rule ",
		story.Reference: "refs.providers[bedrock-us] ends",
		story.Boundary:  "boundary.components[gateway] begins",
		story.Silence:   "/evals was silent to ",
	} {
		t.Run(string(cause), func(t *testing.T) {
			s := story.New(story.Options{Size: story.Middle, Drift: cause})
			w := asktest.New(t)
			w.Bundle = bundleOf(t, s)
			play(w, s)
			d := drifted(w, func(p *drifts.Params) {
				p.Baseline, p.Window = between(t, "2026-07-01", "2026-08-16"), between(t, "2026-08-16", "2026-10-01")
			})
			if cause == story.NoDrift {
				require.Empty(t, d.Findings)
				return
			}
			require.Len(t, d.Findings, 1)
			f := d.Findings[0]
			require.Equal(t, s.Drift().Control, f.Control)
			require.Equal(t, string(cause), string(f.Cause))
			i := slices.IndexFunc(f.Changes, func(c drift.Ranked) bool { return strings.Contains(c.What, began) })
			require.GreaterOrEqual(t, i, 0, "%+v", f.Changes)
			require.InDelta(t, float64(s.Drift().At), float64(f.Changes[i].At), float64(2*24*time.Hour/time.Microsecond))
		})
	}
}

func between(t *testing.T, from, to string) ask.Period {
	t.Helper()
	p, err := ask.Between(from, to)
	require.NoError(t, err)
	return p
}

// bundleOf is the library within a story's boundary, with the version of a control that
// its drift brings.
func bundleOf(t *testing.T, s *story.Story) *control.Bundle {
	t.Helper()
	types, err := dictionary.Default()
	require.NoError(t, err)
	files := fstest.MapFS{}
	require.NoError(t, fs.WalkDir(controls.FS, "soc2", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, _ := fs.ReadFile(controls.FS, path)
			files[path] = &fstest.MapFile{Data: raw}
		}
		return err
	}))
	if d := s.Drift(); d != nil && d.Cause == story.Rule {
		files["soc2/model/MC-01-eu.yaml"] = &fstest.MapFile{Data: []byte(s.Version(string(files["soc2/model/MC-01.yaml"].Data)))}
	}
	b, err := control.LoadWith(files, s.Boundary(), types)
	require.NoError(t, err)
	return b
}

// play puts a story on record, with what the reference rules say in the end.
func play(w *asktest.World, s *story.Story) {
	w.Helper()
	var events []compliance.Event
	last := compliance.Ever
	for e := range s.Events() {
		if e.Barrier == nil {
			events = append(events, e.Event)
			last = max(last, e.Event.Time)
		}
	}
	w.Event(events...)
	for _, c := range w.Bundle.Controls {
		w.Judge(c.ID, last+1, events)
	}
}
