package engine_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
)

// preloaded is a control whose second version asks for a field more, from minute 100 on,
// and waits for its past until it is read.
func preloaded(t *testing.T, read bool) *control.Bundle {
	t.Helper()
	text := strings.ReplaceAll(lookingBack, "item: event.k}", "item: event.id}")
	first := strings.ReplaceAll(text, "[-2h", "[-30m")
	second := strings.ReplaceAll(text, "between", "where: event.ok, between") + "effective_from: 2026-07-01T01:40:00Z\n"
	load := func(files fstest.MapFS) *control.Bundle {
		files[control.BoundaryFile] = &fstest.MapFile{Data: []byte("effective_from: 2026-07-01T00:00:00Z\n")}
		b, err := control.Load(files, testDictionary(t))
		require.NoError(t, err)
		return b
	}
	before := load(fstest.MapFS{"TT-01.yaml": {Data: []byte(first)}})
	b := load(fstest.MapFS{"TT-01.yaml": {Data: []byte(first)}, "TT-01-2.yaml": {Data: []byte(second)}})
	b.Follow(before, control.Since{Routed: minute(99), Watermark: minute(30), Preload: 7, Read: read, Whole: compliance.Ever})
	return b
}

// TestThePastCountsForWhomItWasRead: what was read once more for a version counts for no
// other, unless it came in time as well; and its fields are those that the version reads,
// whichever came first.
func TestThePastCountsForWhomItWasRead(t *testing.T) {
	fact := func(id, kind, key string, at, preload int, data map[string]any) *engine.Fact {
		data["k"] = key
		ev := seal(&compliance.Event{Tenant: "default", Source: "/s2", ID: id, Type: kind, Time: minute(at), Data: data}, 1)
		return &engine.Fact{Control: "TT-01", Tenant: "default", Key: `["` + key + `"]`, Event: *ev, Preload: preload}
	}
	ok := func() map[string]any { return map[string]any{"ok": true} }
	b := preloaded(t, true)
	key := b.Control("TT-01").Keys(&compliance.Event{Type: "t.b", Data: map[string]any{"k": "p"}})[0]
	facts := map[string]*engine.Fact{
		"item":      fact("p1", "t.a", "p", 80, 0, map[string]any{}),
		"late":      fact("b1", "t.b", "p", 75, 7, ok()), // nobody had it in time
		"new":       fact("p2", "t.a", "p", 110, 0, map[string]any{}),
		"poor":      fact("b2", "t.b", "q", 75, 0, map[string]any{}),
		"rich":      fact("b2", "t.b", "q", 75, 7, ok()),
		"its item":  fact("q1", "t.a", "q", 80, 0, map[string]any{}),
		"its later": fact("q2", "t.a", "q", 110, 0, map[string]any{}),
	}
	for _, f := range facts {
		f.Key = strings.ReplaceAll(key, "p", f.Event.Data["k"].(string))
	}
	facts["rich"].Event.Ref = facts["poor"].Event.Ref // one event, of which less was routed
	facts["rich"].Event.Ref.Offset += 10              // and which was sent twice
	for name, order := range map[string][]string{
		"as it goes":    {"item", "poor", "its item", "late", "rich", "new", "its later"},
		"healed later":  {"late", "rich", "item", "poor", "its item", "new", "its later"},
		"over a retake": {"item", "poor", "its item", "late", "rich", "rich", "late", "new", "its later"},
	} {
		t.Run(name, func(t *testing.T) {
			e, state := engine.New(b, 0, 1), map[string][]byte{}
			keep := func() {
				for _, c := range e.Changes() {
					state[string(c.Key)] = c.Value
				}
			}
			for _, of := range order {
				e.Add(facts[of])
				keep()
			}
			restored := engine.New(b, 0, 1)
			for key, value := range state {
				if value != nil {
					require.NoError(t, restored.Load(engine.Change{Key: []byte(key), Value: value}))
				}
			}
			want := map[string]compliance.Outcome{"p1": compliance.Deviation, "p2": compliance.Pass, "q1": compliance.Pass, "q2": compliance.Pass}
			said := e.Advance(minute(200))
			got := map[string]compliance.Outcome{}
			for _, r := range said {
				got[r.Item.ID] = r.Outcome
			}
			require.Equal(t, want, got)
			require.Equal(t, said, restored.Advance(minute(200)), "also where its evidence stands")
		})
	}
}

// TestAControlWaitsForItsPast: until it is read, nothing of the version's time is said.
func TestAControlWaitsForItsPast(t *testing.T) {
	e := engine.New(preloaded(t, false), 0, 1)
	say := func(id string, at int) {
		ev := seal(&compliance.Event{Tenant: "default", Source: "/s2", ID: id, Type: "t.a", Time: minute(at), Data: map[string]any{"k": id}}, 1)
		for _, key := range preloaded(t, false).Control("TT-01").Keys(ev) {
			require.Equal(t, engine.Admitted, e.Add(&engine.Fact{Control: "TT-01", Tenant: "default", Key: key, Event: *ev}))
		}
	}
	say("p", 90)
	say("q", 110)
	revisions := e.Advance(minute(0).Add(24 * time.Hour))
	require.Len(t, revisions, 1)
	require.Equal(t, "p", revisions[0].Item.ID)
	require.Empty(t, e.Advance(minute(0).Add(48*time.Hour)))
}
