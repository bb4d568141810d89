package engine_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
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

// TestStagesEqualOracle is TestEngineEqualsOracle for controls that read the verdicts of
// others: random ones, over two and three stages, each with a bound of its own on what
// comes late.
func TestStagesEqualOracle(t *testing.T) {
	worlds := seeds(t, 150)
	reached := runStaged(t, worlds, generator.readers)
	if len(worlds) < 150 {
		return
	}
	for _, what := range []string{"TT-02 pass", "TT-02 deviation", "TT-02 pending", "TT-02 inconclusive", "TT-03 pass", "TT-03 deviation", "a verdict named", "turned", "compensated", "not compensated"} {
		require.Greater(t, reached[what], 5, "the generator reaches too few of %s", what)
	}
}

// runStaged gives how often each outcome and such was reached.
func runStaged(t *testing.T, worlds []uint64, texts func(generator) []string) map[string]int {
	t.Helper()
	dict, reached, watermarks := testDictionary(t), map[string]int{}, 0
	for _, seed := range worlds {
		w := newStaged(t, dict, seed, texts)
		w.run()
		watermarks += w.watermarks
		for what, count := range w.reached {
			reached[what] += count
		}
	}
	t.Logf("%d trials, %d watermarks compared, 0 mismatches, %v", len(worlds), watermarks, reached)
	return reached
}

// TestHopsEqualOracle is the same for controls whose expectations join by different
// fields of the item.
func TestHopsEqualOracle(t *testing.T) {
	worlds := seeds(t, 120)
	reached := runStaged(t, worlds, generator.hopping)
	if len(worlds) < 120 {
		return
	}
	for _, what := range []string{"TT-01 pass", "TT-01 deviation", "TT-01 pending", "TT-01 inconclusive", "TT-01 withdrawn", "TT-02 pass", "TT-02 deviation"} {
		require.Greater(t, reached[what], 5, "the generator reaches too few of %s", what)
	}
}

var joins = regexp.MustCompile(`on: \{event.k: item.k(?:, event.v: item.v)?\}`)

// hopsHere marks a control that has to join by several fields.
const hopsHere = "# hops\n"

// hopping is a random control whose expectations join by k, by v, or by both; at times
// another that reads its verdicts, and one that it reads.
func (g generator) hopping() []string {
	var text string
	for text == "" || scheduled.MatchString(text) || strings.Contains(text, "tables:") {
		text = g.control()
	}
	text = joins.ReplaceAllStringFunc(text, func(on string) string {
		return g.one(on, "on: {event.v: item.v}", "on: {event.v: item.v}", "on: {event.k: item.k, event.v: item.v}", "on: {event.v: item.k}")
	})
	text += hopsHere
	if !g.chance(40) {
		return []string{text}
	}
	texts := []string{text, g.reader("TT-02", []string{text})}
	if g.chance(50) { // read, and join by different fields
		texts[1] = strings.ReplaceAll(texts[1], "on: {event.k: item.k}", "on: {event.v: item.v}")
	}
	return texts
}

// staged is one trial.
type staged struct {
	t          *testing.T
	g          generator
	seed       uint64
	text       string
	bundle     *control.Bundle
	engines    engine.Stages
	changelogs [][]changelog
	admitted   map[string][]*compliance.Event
	last       map[string]compliance.Revision // by control and item
	w          compliance.Instant
	watermarks int
	reached    map[string]int
}

func newStaged(t *testing.T, dict *dictionary.Dictionary, seed uint64, texts func(generator) []string) *staged {
	t.Helper()
	g := generator{Rand: rand.New(rand.NewPCG(seed, 23)), scale: 1, counts: seed%5 == 0}
	s := &staged{t: t, g: g, seed: seed, admitted: map[string][]*compliance.Event{}, last: map[string]compliance.Revision{}, w: compliance.Ever, reached: map[string]int{}}
	boundary := testBoundary
	if g.counts {
		boundary = strings.Replace(boundary, "max_gap: 20m", "max_gap: 20m, sequence: true", 1)
	}
	for s.bundle == nil { // some texts are refused
		texts := texts(g)
		fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte(boundary)}}
		for i, text := range texts {
			fsys[fmt.Sprintf("TT-0%d.yaml", i+1)] = &fstest.MapFile{Data: []byte(text)}
		}
		b, err := control.Load(fsys, dict)
		if err != nil {
			require.ErrorAs(t, err, new(document.Problems))
			continue
		}
		if strings.Contains(texts[0], hopsHere) && !b.Control("TT-01").Hops {
			continue // its items' ids wouldn't follow from their key
		}
		s.bundle, s.text = b, strings.Join(texts, "\n")
	}
	s.g.apart = !slices.ContainsFunc(s.bundle.Controls, func(c *control.Control) bool { return !c.Hops })
	s.g.late = strings.Contains(s.text, "count: part") || strings.Contains(s.text, "having")
	if strings.Contains(s.text, "bd") {
		s.g.scale = 24
	}
	partitions := int32(1 + g.IntN(2))
	s.engines = engine.NewStages(s.bundle, partitions)
	for range s.engines {
		var logs []changelog
		for range partitions {
			logs = append(logs, changelog{})
		}
		s.changelogs = append(s.changelogs, logs)
	}
	return s
}

// readers is a random control, one that reads it, and at times one that reads both.
func (g generator) readers() []string {
	texts := []string{g.control()}
	if g.chance(50) {
		texts[0] = g.plain()
	}
	texts = append(texts, g.reader("TT-02", texts))
	if g.chance(40) {
		texts = append(texts, g.reader("TT-03", texts))
	}
	return texts
}

// plain is a control that decides most of its items.
func (g generator) plain() string {
	return "id: TT-01\ntitle: Plain\ncriteria: [CC8.1]\nlateness: {correct_until: " + g.one("30m", "2h", "30d") + "}\n" +
		"population: " + g.one("{event: t.a}", "{event: t.a, item: event.k}", "{event: [t.a, t.c], where: event.ok}", "{every: hour, for_each: boundary.members}\n") +
		"\nexpect: {e: {event: t.b, on: {event.k: item.KEY}, where: event.n > 0, between: \"" + g.one("[0s, 20m]", "[-20m, 1h]", "[-30m, 0s]") + "\"}}\n" +
		"assert: '" + g.one("e.count >= 1", "e.count >= 2", "e.count == 0", "e.count <= 1", "e.exists(x, x.ok)") + "'\n"
}

var (
	scheduled  = regexp.MustCompile(`every: `)
	assertion  = regexp.MustCompile(`(?m)^assert: '(.*)'$`)
	identifier = regexp.MustCompile(`(?m)^id: (\S+)`)
)

// keyOf is the field of a control's items that evidence is joined by.
func keyOf(text string) string {
	if scheduled.MatchString(text) {
		return "member"
	}
	return "k"
}

// reader is a random control that reads verdicts of one or more of the others.
func (g generator) reader(id string, others []string) string {
	others[0] = strings.ReplaceAll(others[0], "item.KEY", "item."+keyOf(others[0]))
	text := identifier.ReplaceAllString(g.control(), "id: "+id)
	if g.chance(50) {
		text = identifier.ReplaceAllString(strings.ReplaceAll(g.plain(), "expect: {", "expect:\n  {"), "id: "+id)
		text = strings.ReplaceAll(strings.Replace(text, "  {e: {", "  e: {", 1), "}}\nassert", "}\nassert")
		text = strings.ReplaceAll(text, "item.KEY", "item."+keyOf(text))
	}
	of := others[g.IntN(len(others))]
	names := identifier.FindStringSubmatch(of)[1]
	if len(others) > 1 && keyOf(others[0]) == keyOf(others[1]) && g.chance(40) {
		names = "[TT-01, TT-02]"
	}
	verdicts, condition := g.verdicts(names, keyOf(of), keyOf(text))
	text = strings.Replace(text, "expect:\n", "expect:\n"+verdicts, 1)
	if g.chance(15) && !scheduled.MatchString(text) && !strings.Contains(text, "having") && !strings.Contains(text, "expand") {
		text = regexp.MustCompile(`(?m)^population:\n`).ReplaceAllLiteralString(text, "population:\n  having: '"+condition+"'\n")
	}
	if !strings.Contains(text, "waivable") && g.chance(50) {
		first := identifier.FindStringSubmatch(others[0])[1]
		text += fmt.Sprintf("compensated_by: {%s: {on: {event.item.%s: item.%s}, between: %q}}\n", first, keyOf(others[0]), keyOf(text), g.one("[-2h, 2h]", "(-1h, 1h)", "[0s, 3h]", "[-3h, 0s]"))
	}
	return assertion.ReplaceAllStringFunc(text, func(line string) string {
		own := assertion.FindStringSubmatch(line)[1]
		return "assert: '" + g.one(condition, condition, "("+own+") && "+condition, "("+own+") || "+condition, "!("+condition+")") + "'"
	})
}

// verdicts is an expectation of verdicts, and a condition over it.
func (g generator) verdicts(of, theirs, ours string) (text, condition string) {
	where, fields := g.one("", "", "event.outcome == \"pass\"", "event.outcome != \"deviation\"", "event.outcome in [\"deviation\", \"waived\"]"), "event.item.id"
	if theirs == "k" {
		where = g.one(where, where, "event.item.v == \"v0\"", "event.item.n > 1", "event.item.ok || event.outcome == \"pass\"")
		fields = "event.item.v"
	} else {
		where = g.one(where, where, "event.item.slot != \"2026-07-01T02\"")
	}
	text = fmt.Sprintf("  of:\n    verdicts: %s\n    on: {event.item.%s: item.%s}\n", of, theirs, ours)
	if where != "" {
		text += "    where: '" + where + "'\n"
	}
	text += "    between: \"" + g.one("[", "(") + g.one("-60m, 0s", "-2h, 1h", "0s, 1h", "-20m, 20m", "-3h, 3h") + g.one("]", ")") + "\"\n"
	conditions := []string{
		"of.passed >= 1", "of.passed >= 1 && of.deviations == 0", "of.deviations == 0", "of.count >= 2", "of.count == 0", "of.deviations <= 1",
		"of.exists(x, x.outcome == \"pass\")", "of.all(x, x.outcome == \"pass\")", "of.passed * 2 >= of.count", "of.first.outcome == \"pass\"", "of.exists(x, x.item.id != item.id)",
	}
	switch g.IntN(7) {
	case 0:
		text += "    pick: " + g.one("first", "last") + "\n"
		conditions = []string{"of.count == 1", "of.first.outcome == \"pass\"", "of.time < timestamp(\"2026-07-01T02:00:00Z\")", "after.count >= 1", "after.count == 0"}
	case 1:
		text += "    latest: " + fields + "\n"
	case 2:
		text += "    fold: {n: count(), kinds: distinct(event.outcome), same: digest(" + fields + ")}\n"
		conditions = []string{"of.n >= 2", "of.kinds == 1", "of.n > 1 && of.kinds <= 2"}
	case 3:
		text += "    max: 2\n"
	case 4:
		text += "    unless: {event: t.c, on: {event.k: item." + ours + "}}\n"
	}
	condition = g.one(conditions...)
	if strings.Contains(condition, "after") {
		text += "  after: {event: t.b, on: {event.k: item." + ours + "}, between: \"(of.time, of.time + 30m]\"}\n"
	}
	if g.chance(20) {
		text += "  later: {event: t.b, on: {event.k: item." + ours + "}, where: 'of.exists(x, x.time < event.time)', between: \"[0s, 1h]\"}\n"
		condition += " && later.count >= 1"
	}
	return text, condition
}

// compensate has most waivers be of a control that reads another, and hang on that.
func (g generator) compensate(ev *compliance.Event) {
	if !g.chance(75) {
		return
	}
	ev.Data = maps.Clone(ev.Data)
	ev.Data["control"] = g.one("TT-02", "TT-02", "TT-03")
	compensating := map[string]any{"control": "TT-01"}
	if g.chance(30) {
		compensating["between"] = g.one("[-1h, 1h]", "[0s, 30m)", "[-1h, 0s)", "soon")
	}
	if ev.Data["compensating"] = compensating; g.chance(20) {
		delete(ev.Data, "compensating")
	}
	ev.Ref.SHA256 = sha256.Sum256([]byte(fmt.Sprint(ev.Data)))
}

func (s *staged) run() {
	for _, ev := range s.g.life() {
		if ev.Type == control.WaiverApproved {
			s.g.compensate(ev)
		}
		s.arrive(ev)
		if s.g.chance(25) {
			s.advance(max(s.w, ev.Time.Add(-time.Duration(s.g.IntN(20)*s.g.scale)*time.Minute)))
		}
		if s.g.chance(3) {
			s.restart()
		}
	}
	for range 4 {
		s.advance(max(s.w, epoch).Add(time.Duration(s.g.IntN(180)*s.g.scale) * time.Minute))
	}
	s.advance(minute(100 * 24 * 60))
	s.ends()
}

// ends: what was handed from stage to stage is dropped when nobody looks back to it.
func (s *staged) ends() {
	if strings.Contains(s.text, "count: part") {
		return // parts that were withdrawn count on for ever, and hold what they look back to
	}
	for year := range 3 {
		s.engines.Advance(minute((year + 1) * 366 * 24 * 60))
		s.record()
	}
	for stage, logs := range s.changelogs {
		for p, log := range logs {
			for key := range log {
				require.NotRegexp(s.t, "^.{1,3}(said|told|hop)", key, "seed %d: stage %d of partition %d holds it for ever\n%s", s.seed, stage, p, s.text)
			}
		}
	}
}

func (s *staged) arrive(ev *compliance.Event) {
	for _, r := range s.bundle.Route(ev) {
		fact := engine.Fact{Control: r.Control, Tenant: ev.Tenant, Key: r.Key, Event: *ev}
		fact.Event.Data = r.Fields
		partitions := int32(len(s.engines[0]))
		for p := range partitions {
			if r.Everywhere || control.Partition(ev.Tenant, r.Control, r.Key, partitions) == p {
				s.engines.Add(int(p), &fact)
			}
		}
	}
	for _, c := range s.bundle.Controls {
		late := c.CorrectUntil
		if control.SpeaksOfSource(ev.Type) {
			late = 7 * 24 * time.Hour
		}
		if s.w == compliance.Ever || ev.Time >= s.w.Add(-late) {
			s.admitted[c.ID] = append(s.admitted[c.ID], ev)
		}
	}
}

func (s *staged) record() {
	for stage, engines := range s.engines {
		for p, e := range engines {
			s.changelogs[stage][p].take(e.Changes())
		}
	}
}

// restart makes one engine anew from its changelog.
func (s *staged) restart() {
	s.record()
	stage, p := s.g.IntN(len(s.engines)), s.g.IntN(len(s.engines[0]))
	s.engines[stage][p] = engine.NewStage(s.bundle, stage, int32(p), int32(len(s.engines[0])))
	s.changelogs[stage][p].load(s.t, s.engines[stage][p])
}

func (s *staged) advance(to compliance.Instant) {
	s.w = to
	for _, r := range s.engines.Advance(to) {
		s.take(r)
	}
	s.record()
	s.watermarks++
	for _, c := range s.bundle.Controls {
		s.compare(c)
	}
}

func (s *staged) take(r compliance.Revision) {
	id := r.Control + " " + r.Item.ID
	old, seen := s.last[id]
	require.Equal(s.t, old.Number+1, r.Number, "seed %d: item %s\n%s", s.seed, id, s.text)
	require.False(s.t, seen && old.Same(&r.Verdict), "seed %d: a revision that changes nothing", s.seed)
	s.last[id] = r
	s.reached[r.Control+" "+string(r.Outcome)]++
	if seen && r.Outcome == compliance.Waived && old.Outcome == compliance.Pending {
		s.reached["compensated"]++
	}
	if slices.ContainsFunc(r.Evidence, func(e compliance.Evidence) bool { return e.Expectation == "waiver.compensating" }) {
		s.reached["not compensated"]++
	}
	if slices.ContainsFunc(r.Evidence, func(e compliance.Evidence) bool { return strings.HasPrefix(e.Type, "verdict:") }) {
		s.reached["a verdict named"]++
		if seen && old.Outcome != r.Outcome && old.Outcome != compliance.Pending {
			s.reached["turned"]++
		}
	}
}

func (s *staged) compare(c *control.Control) {
	want, got := map[string]string{}, map[string]string{}
	admitted := func(c *control.Control) []*compliance.Event { return s.admitted[c.ID] }
	for _, v := range oracle.VerdictsOf(s.bundle, c, "default", admitted, s.w) {
		want[v.Item.ID] = summary(v)
	}
	for _, r := range s.last {
		if r.Control == c.ID && r.Outcome != compliance.Withdrawn {
			got[r.Item.ID] = summary(r.Verdict)
		}
	}
	require.Equal(s.t, want, got, "seed %d: %s at %s\n%s", s.seed, c.ID, s.w, s.text)
}
