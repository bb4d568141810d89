package sim_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/services/evaluator/internal/rules"
)

// The types of events that the controls read, with the same fields each, and words
// of a source.
const (
	typeA    = "t.a"
	typeB    = "t.b"
	typeC    = "t.c"
	typeIdle = "t.unread"
)

const schema = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "https://assay.example/schemas/events/NAME.json",
"title": "Test.", "description": "Test.", "type": "object", "x-family": "access", "x-key": "source", "additionalProperties": true, "properties": {
"k": {"type": "string", "description": "Key."}, "v": {"type": "string", "description": "Value."}, "ok": {"type": "boolean", "description": "Flag."},
"n": {"type": "integer", "description": "Number.", "x-unit": "1"}}}`

// boundary declares one source that sends word of itself, and one that doesn't.
const boundary = `
effective_from: 2026-07-01T00:30:00Z
boundary: {members: [{id: p, until: 2026-07-01T05:00:00Z}, {id: q, until: 2026-07-03T00:00:00Z}]}
sources: {/s1: {types: [t.b], max_gap: 25m}, /s2: {types: [t.a, t.c]}}
`

// controls are of every kind that keeps another state: what comes after an item or
// before it, what undoes evidence, slots of a schedule, folds, rows of a table,
// membership that evidence decides, remedies, cancellations.
var controls = map[string]string{
	"followed": `
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 0, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, between: "[0s, 15m]", remedy_until: 2h}}
assert: e0.count >= 1
reasons: {nothing: e0.count == 0}`,
	"preceded": `
lateness: {correct_until: 30d}
population: {event: t.a, item: 'event.k + "@" + bucket(event.time, "1h")'}
expect:
  e0: {event: t.b, on: {event.k: item.k}, where: event.ok, between: "[-60m, 0s]", pick: last, unless: {event: t.c, on: {event.k: item.k}}}
assert: e0.count >= 1`,
	"scheduled": `
lateness: {correct_until: 1h}
population: {every: hour, for_each: boundary.members}
expect: {e0: {event: t.b, on: {event.k: item.member}, between: "[0s, period]"}}
assert: e0.count >= 1`,
	"folded": `
lateness: {correct_until: 3h}
population: {event: t.a, where: event.ok, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, between: "[-1h, 40m]", fold: {total: count(), sum: sum(event.n)}}}
assert: e0.total >= 2 && e0.sum > 2`,
	"expanded": `
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 1, item: event.id}
tables: {held: {from: [t.c], key: [event.k, event.v], live: event.ok}}
expand: {over: refs.held.of(item.k), as: part, key: part.v, count: item}
expect: {e0: {event: t.b, on: {event.k: item.k}, where: event.v == part.v, between: "[0s, 40m]"}}
assert: e0.count >= 1`,
	"having": `
lateness: {correct_until: 2h}
population:
  event: t.a
  item: event.id
  having: e0.count >= 1
expect:
  e0: {event: t.c, on: {event.k: item.k}, between: "[-1h, 0s]"}
  e1: {event: t.b, on: {event.k: item.k}, between: "[0s, 30m]"}
assert: e1.count >= 1`,
	"cancelled": `
lateness: {correct_until: 30m}
population: {event: t.a, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, between: "[0s, 30m]", latest: event.v}}
cancelled_by:
  event: t.c
  on: {event.k: item.k}
  between: "[0s, 20m]"
assert: e0.count >= 1 && e0.last.ok`,
	// of later stages
	"read": `
lateness: {correct_until: 2h}
population: {event: t.c, item: event.id}
expect: {of: {verdicts: TT-01, on: {event.item.v: item.v}, between: "[-2h, 30m]"}}
assert: of.passed >= 1 && of.deviations <= 1 && of.all(x, x.item.id != item.id)`,
	"read by slots": `
lateness: {correct_until: 1h}
population: {every: hour, for_each: boundary.members}
expect: {of: {verdicts: TT-01, on: {event.item.k: item.member}, between: "[0s, period)"}}
assert: of.deviations == 0`,
	"read again": `
lateness: {correct_until: 3h}
population: {event: t.b, item: event.id}
expect:
  of: {verdicts: TT-02, on: {event.item.k: item.k}, where: 'event.item.time <= item.time', between: "[-3h, 1h]"}
  first: {verdicts: TT-01, on: {event.item.k: item.k}, between: "[-1h, 0s]"}
assert: of.count >= 1 && of.passed * 2 >= of.count || first.passed >= 1`,
	"compensated": `
lateness: {correct_until: 2h}
population: {event: t.c, item: event.id}
expect: {e0: {event: t.b, on: {event.v: item.v}, between: "[0s, 20m]"}}
compensated_by: {TT-01: {on: {event.item.v: item.v}, between: "[-2h, 30m]"}}
assert: e0.count >= 2`,
	"hopping": `
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 0, item: event.id}
expect:
  e0: {event: t.b, on: {event.k: item.k}, between: "[0s, 40m]"}
  e1: {event: t.c, on: {event.v: item.v}, between: "[-1h, 1h]"}
assert: e0.count >= 1 && e1.count >= 1`,
}

// set names the controls of a bundle, and says whether they change.
type set struct {
	names    []string
	boundary string
	changes  bool
	// hops: a control joins by several fields, and what is handed on isn't looked at.
	hops bool
}

// sets are the bundles that a seed chooses from.
var sets = []set{
	{names: []string{"followed"}, boundary: boundary},
	{names: []string{"preceded", "scheduled"}, boundary: boundary},
	{names: []string{"folded", "cancelled"}, boundary: boundary},
	{names: []string{"expanded", "followed"}, boundary: boundary},
	{names: []string{"having", "preceded"}, boundary: boundary},
	{names: []string{"scheduled", "expanded", "cancelled"}, boundary: boundary},
}

// ruleSet is a bundle, compiled once.
type ruleSet struct {
	rules.Rules
	bundle *control.Bundle
	types  *dictionary.Dictionary
	hops   bool
	// later is the bundle of a change, files its text.
	later *control.Bundle
	files fstest.MapFS
}

// compiled are sets, then rareSets and stagedSets.
var compiled = sync.OnceValues(compile)

func compile() ([]ruleSet, error) {
	files := fstest.MapFS{}
	for _, name := range []string{typeA, typeB, typeC, typeIdle, control.Heartbeat, control.SourceRetired, control.WaiverApproved, control.WaiverRevoked} {
		files[name+".json"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(schema, "NAME", name))}
	}
	types, err := dictionary.Load(files)
	if err != nil {
		return nil, err
	}
	var all []ruleSet
	for _, set := range slices.Concat(sets, rareSets, stagedSets) {
		first, second, texts, err := loadSet(set, types)
		if err != nil {
			return nil, err
		}
		all = append(all, ruleSet{Rules: rules.Of(first), bundle: first, types: types, hops: set.hops, later: second, files: texts})
	}
	return all, nil
}

// files are the bundle as somebody would write it.
func (s set) files() fstest.MapFS {
	fsys := fstest.MapFS{control.BoundaryFile: {Data: []byte(s.boundary)}}
	for i, name := range s.names {
		id := fmt.Sprintf("TT-0%d", i+1)
		head := "id: " + id + "\ntitle: An item is " + name + "\ncriteria: [CC8.1]\nseverity: high"
		fsys[id+".yaml"] = &fstest.MapFile{Data: []byte(head + controls[name] + "\n")}
		if next, ok := changed[name]; ok && s.changes {
			fsys[id+"@2.yaml"] = &fstest.MapFile{Data: []byte(head + next + "\n")}
		}
	}
	return fsys
}

func ruleSets(t *testing.T) (usual, rare, staged []ruleSet) {
	t.Helper()
	all, err := compiled()
	require.NoError(t, err)
	n, m := len(sets), len(sets)+len(rareSets)
	return all[:n], all[n:m], all[m:]
}

// slotsOf tells on which routed partition the items of a control's schedule live.
func slotsOf(b *control.Bundle, c *control.Control, until compliance.Instant, tenant string, partitions int32) map[string]int32 {
	s := c.Population.Schedule
	if s == nil {
		return nil
	}
	at := map[string]int32{}
	for slot := s.First(b.EffectiveFrom); slot.Start < until; slot = s.Next(slot) {
		for _, member := range b.MembersAt(s, slot.Start) {
			item, view := control.SlotItem(member, slot)
			at[item.ID] = control.Partition(tenant, c.ID, c.SlotKey(view), partitions)
		}
	}
	return at
}
