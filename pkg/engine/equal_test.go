package engine_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/document"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
)

func sortBy[T any](list []T, key func(T) int) {
	slices.SortStableFunc(list, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
}

// trials is how many random worlds a run tries; ASSAY_TRIALS sets it.
func trials(t *testing.T, standard int) int {
	t.Helper()
	if s := os.Getenv("ASSAY_TRIALS"); s != "" {
		n, err := strconv.Atoi(s)
		require.NoError(t, err)
		return n
	}
	return standard
}

// seeds are those of the trials: that of ASSAY_SEED alone, unless ASSAY_TRIALS says how
// many from there; ASSAY_STEP is from one to the next. A ninth of the worlds live for weeks,
// so that state is dropped: ASSAY_SEED=4 ASSAY_STEP=9 tries those alone.
func seeds(t *testing.T, standard int) (all []uint64) {
	t.Helper()
	first, step := uint64(1), uint64(1)
	for name, to := range map[string]*uint64{"ASSAY_SEED": &first, "ASSAY_STEP": &step} {
		if s := os.Getenv(name); s != "" {
			n, err := strconv.ParseUint(s, 10, 64)
			require.NoError(t, err, name)
			*to = n
		}
	}
	if os.Getenv("ASSAY_SEED") != "" {
		standard = 1
	}
	for i := range trials(t, standard) {
		all = append(all, first+uint64(i)*step)
	}
	return all
}

// admit routes an event to an engine of all partitions, which takes it.
func admit(t *testing.T, e *engine.Engine, b *control.Bundle, ev *compliance.Event) {
	t.Helper()
	for _, r := range b.Route(ev) {
		require.Equal(t, engine.Admitted, e.Add(&engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: *ev}))
	}
}

// TestEngineEqualsOracle: for random controls and events, in any order, with
// duplicates, second bodies, lateness, batches, partitions and restarts, the
// engine says after every watermark what the oracle says from scratch.
func TestEngineEqualsOracle(t *testing.T) {
	dict := testDictionary(t)
	worlds := seeds(t, 600)
	start, watermarks, verdicts, moved := time.Now(), 0, 0, 0
	outcomes, used := map[compliance.Outcome]int{}, tallies{}
	for _, seed := range worlds {
		w := newWorld(t, dict, seed)
		w.run()
		watermarks += w.watermarks
		verdicts += w.published
		moved += w.moved
		for o, c := range w.outcomes {
			outcomes[o] += c
		}
		used.add(w)
	}
	t.Logf("%d trials, %d watermarks compared, %d revisions, outcomes %v, 0 mismatches, %v", len(worlds), watermarks, verdicts, outcomes, time.Since(start).Round(time.Millisecond))
	t.Log(used)
	if len(worlds) >= 500 && os.Getenv("ASSAY_STEP") == "" {
		used.require(t)
		require.Greater(t, moved, 4, "too few items move to another version")
		for _, o := range []compliance.Outcome{compliance.Pass, compliance.Deviation, compliance.Pending, compliance.Inconclusive, compliance.NotApplicable, compliance.Withdrawn, compliance.Waived} {
			require.NotZero(t, outcomes[o], "the generator reaches no %s", o)
		}
	}
}

// world is one trial.
type world struct {
	t          *testing.T
	g          generator
	seed       uint64
	text       string
	bundle     *control.Bundle
	control    *control.Control
	engines    []*engine.Engine
	changelogs []changelog
	admitted   []*compliance.Event
	last       map[string]compliance.Revision
	w          compliance.Instant
	watermarks int
	published  int
	moved      int // revisions of another version than the one before
	outcomes   map[compliance.Outcome]int
	decided    map[string]int // constructs that revisions were decided by
}

func newWorld(t *testing.T, dict *dictionary.Dictionary, seed uint64) *world {
	t.Helper()
	g := generator{Rand: rand.New(rand.NewPCG(seed, 17)), scale: 1, counts: seed%3 == 0}
	w := &world{t: t, g: g, seed: seed, last: map[string]compliance.Revision{}, w: compliance.Ever, outcomes: map[compliance.Outcome]int{}, decided: map[string]int{}}
	for w.bundle == nil { // some texts are refused: an interval that hangs on unless, say
		w.text = g.control()
		boundary := testBoundary
		if g.counts {
			boundary = strings.Replace(boundary, "max_gap: 20m", "max_gap: 20m, sequence: true", 1)
		}
		fsys := fstest.MapFS{"TT-01.yaml": {Data: []byte(w.text)}, control.BoundaryFile: {Data: []byte(boundary)}}
		b, err := control.Load(fsys, dict)
		if err != nil {
			require.ErrorAs(t, err, new(document.Problems))
			continue
		}
		if seed%5 == 1 {
			b = w.version(fsys, dict, b)
		}
		w.bundle, w.control = b, b.Controls[0]
		if seed%7 == 2 { // versions that were not read from the beginning
			for _, v := range w.control.Versions {
				v.HistoryFrom = minute(g.IntN(150) * g.scale)
			}
		}
		w.g.late = strings.Contains(w.text, "count: part") || strings.Contains(w.text, "having")
		w.g.again = strings.Contains(w.text, "same_for")
		w.g.eras = 0
		if seed%9 == 4 {
			w.g.eras = 3
		}
		if strings.Contains(w.text, "bd") {
			w.g.scale = 24 // days, for nights to lie between
		}
	}
	for p := range 1 + g.IntN(2) {
		w.engines = append(w.engines, nil)
		w.changelogs = append(w.changelogs, changelog{})
		_ = p
	}
	for p := range w.engines {
		w.engines[p] = engine.New(w.bundle, int32(p), int32(len(w.engines)))
	}
	return w
}

var population = regexp.MustCompile(`(?m)^population:(\n  .*)+\n`)

// version puts another version of the control beside the first, one that joins alike:
// else an item would be judged at two keys (ADR 5). Much of what happened before it
// arrives after it began, so that items move.
func (w *world) version(fsys fstest.MapFS, dict *dictionary.Dictionary, first *control.Bundle) *control.Bundle {
	within := regexp.MustCompile(`correct_until: \w+`)
	until := "correct_until: " + w.g.one("3h", "30d", "30d")
	before := within.ReplaceAllString(w.text, until)
	if items := population.FindString(before); items != "" && !strings.Contains(items, "item:") { // several events an item
		before = strings.Replace(before, items, items+"  item: 'event.k + \"-\" + event.v'\n", 1)
	}
	fsys["TT-01.yaml"] = &fstest.MapFile{Data: []byte(before)}
	for range 50 {
		from := 60 + w.g.IntN(100)
		text := within.ReplaceAllString(w.g.control(), until) + fmt.Sprintf("effective_from: %s\n", minute(from))
		if w.g.chance(90) { // the same items, judged otherwise
			text = population.ReplaceAllLiteralString(text, population.FindString(before))
		}
		fsys["TT-01-2.yaml"] = &fstest.MapFile{Data: []byte(text)}
		b, err := control.Load(fsys, dict)
		if err == nil && fmt.Sprint(b.Controls[0].Key) == fmt.Sprint(first.Controls[0].Key) {
			w.text, w.g.split = before+text, from
			return b
		}
	}
	return first
}

func (w *world) run() {
	for _, ev := range w.g.life() {
		w.arrive(ev)
		if w.g.chance(30) {
			w.advance(max(w.w, ev.Time.Add(-time.Duration(w.g.IntN(20)*w.g.scale)*time.Minute)))
		}
		if w.g.chance(3) {
			w.restart()
		}
	}
	for range 5 {
		w.advance(max(w.w, epoch).Add(time.Duration(w.g.IntN(180)*w.g.scale) * time.Minute))
	}
	w.advance(max(w.w, epoch).Add(100 * 24 * time.Hour))
}

func (w *world) arrive(ev *compliance.Event) {
	admitted := false
	for _, r := range w.bundle.Route(ev) {
		fact := engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: *ev}
		fact.Event.Data = r.Fields
		for p, e := range w.engines {
			if r.Everywhere || control.Partition(ev.Tenant, r.Control, r.Key, int32(len(w.engines))) == int32(p) {
				taken := e.Add(&fact) != engine.Quarantined
				admitted = admitted || taken && (r.Control != "" || control.SpeaksOfSource(ev.Type))
				w.record(p)
			}
		}
	}
	late := w.w != compliance.Ever && ev.Time < w.w.Add(-w.correctUntil(ev))
	require.False(w.t, admitted && late, "seed %d: %s was admitted too late", w.seed, ev.ID)
	if !late {
		w.admitted = append(w.admitted, ev)
	}
}

func (w *world) correctUntil(ev *compliance.Event) time.Duration {
	if ev.Type == control.Heartbeat || ev.Type == control.SourceRetired {
		return 7 * 24 * time.Hour
	}
	return w.control.CorrectUntil
}

// changelog is what a compacted one keeps.
type changelog map[string]engine.Change

func (l changelog) take(changes []engine.Change) {
	for _, c := range changes {
		if l[string(c.Key)] = c; c.Value == nil {
			delete(l, string(c.Key))
		}
	}
}

// load brings an engine back.
func (l changelog) load(t *testing.T, e *engine.Engine) {
	t.Helper()
	for _, c := range l {
		require.NoError(t, e.Load(c))
	}
}

func (w *world) record(p int) { w.changelogs[p].take(w.engines[p].Changes()) }

func (w *world) restart() {
	p := w.g.IntN(len(w.engines))
	w.engines[p] = engine.New(w.bundle, int32(p), int32(len(w.engines)))
	w.changelogs[p].load(w.t, w.engines[p])
}

func (w *world) advance(to compliance.Instant) {
	w.w = to
	for p, e := range w.engines {
		for _, r := range e.Advance(to) {
			w.take(r)
		}
		w.record(p)
	}
	w.compare()
}

// take checks that revisions count without gaps and carry what was said before.
func (w *world) take(r compliance.Revision) {
	w.published++
	w.outcomes[r.Outcome]++
	w.noteDecided(r)
	old, seen := w.last[r.Item.ID]
	if r.Outcome != compliance.Withdrawn {
		require.Equal(w.t, w.control.At(r.Item.Time).Hash, r.RuleHash, "seed %d: item %s is of another version\n%s", w.seed, r.Item.ID, w.text)
	}
	if seen && old.RuleHash != r.RuleHash {
		w.moved++
	}
	require.Equal(w.t, old.Number+1, r.Number, "seed %d: item %s\n%s", w.seed, r.Item.ID, w.text)
	if seen {
		require.Equal(w.t, &compliance.Previous{Outcome: old.Outcome, Reason: old.Reason, ItemTime: old.Item.Time, RemediatedAt: old.RemediatedAt}, r.Previous)
		require.False(w.t, old.Same(&r.Verdict), "seed %d: a revision that changes nothing", w.seed)
	}
	w.last[r.Item.ID] = r
}

func (w *world) compare() {
	w.watermarks++
	want := map[string]string{}
	for _, v := range oracle.Verdicts(w.bundle, w.control, "default", w.admitted, w.w) {
		want[v.Item.ID] = summary(v)
	}
	got := map[string]string{}
	for id, r := range w.last {
		if r.Outcome != compliance.Withdrawn {
			got[id] = summary(r.Verdict)
		}
	}
	require.Equal(w.t, want, got, "seed %d at %s\n%s", w.seed, w.w, w.text)
}

func summary(v compliance.Verdict) string {
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s %s", v.Item.Time, v.Outcome, v.Reason)
	for _, e := range v.Evidence {
		fmt.Fprintf(&s, " %s=%s/%.4s", e.Expectation, e.ID, e.SHA256.String())
	}
	if v.RemediatedAt != 0 {
		fmt.Fprintf(&s, " remedied %s", v.RemediatedAt)
	}
	return s.String()
}
