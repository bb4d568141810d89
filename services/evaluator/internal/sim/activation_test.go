package sim_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing/fstest"

	"github.com/twmb/franz-go/pkg/kgo"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/dictionary"
	"assay.example/assay/pkg/record"
	"assay.example/assay/services/evaluator/internal/judge"
	"assay.example/assay/services/evaluator/internal/routed"
	"assay.example/assay/services/evaluator/internal/router"
	"assay.example/assay/services/evaluator/internal/rules"
)

// begins is the minute from which the later version of a control is effective.
const begins = 150

// later are versions of controls that join as the first ones do, and look back, at what
// those didn't read, too.
var later = map[string]string{
	"followed": `
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 0, item: event.id}
expect:
  e0: {event: t.b, on: {event.k: item.k}, between: "[0s, 40m]", remedy_until: 2h}
  e1: {event: t.c, on: {event.k: item.k}, where: event.ok, between: "[-2h, 0s]"}
assert: e0.count >= 1 || e1.count >= 1`,
	"preceded": `
lateness: {correct_until: 30d}
population: {event: t.a, item: 'event.k + "@" + bucket(event.time, "1h")'}
expect:
  e0: {event: t.b, on: {event.k: item.k}, where: event.ok, between: "[-30m, 0s]", pick: last, unless: {event: t.c, on: {event.k: item.k}}}
assert: e0.count >= 1`,
	"folded": `
lateness: {correct_until: 3h}
population: {event: t.a, where: event.ok, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, between: "[-3h, 40m]", fold: {total: count(), sum: sum(event.n)}}}
assert: e0.total >= 1 && e0.sum > 1`,
	"expanded": `
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 1, item: event.id}
expect: {e0: {event: t.b, on: {event.k: item.k}, between: "[0s, 40m]"}}
assert: e0.count >= 2`,
	"having": `
lateness: {correct_until: 2h}
population:
  event: t.a
  item: event.id
  having: e0.count == 0
expect:
  e0: {event: t.c, on: {event.k: item.k}, between: "[-2h, 0s]"}
  e1: {event: t.b, on: {event.k: item.k}, between: "[0s, 30m]"}
assert: e1.count >= 1`,
	"read": `
lateness: {correct_until: 2h}
population: {event: t.c, item: event.id}
expect: {of: {verdicts: TT-01, on: {event.item.v: item.v}, between: "[-1h, 0s]"}}
assert: of.passed >= 1 || of.all(x, x.item.id != item.id)`,
}

// added is a control that comes with the change: all that it reads is past, a table too.
const added = `
id: TT-09
title: An item is added
criteria: [CC8.1]
effective_from: %s
lateness: {correct_until: 2h}
population: {event: t.a, where: event.n > 0, item: event.id}
tables: {held: {from: [t.c], key: [event.k, event.v], live: event.ok}}
expect:
  e0: {event: t.b, on: {event.k: item.k}, where: event.ok, between: "[-90m, 0s]", pick: last}
  e1: {event: t.b, on: {event.k: item.k}, between: "[0s, 30m]"}
assert: e0.count >= 1 || e1.count >= 1 && [item.k, item.v] in refs.held
`

// laterFiles are files of versions beside those of a set.
func laterFiles(names []string) fstest.MapFS {
	text := fmt.Sprintf(added, minute(begins))
	if len(names) == 1 { // a past without tables begins somewhere
		text = strings.NewReplacer("tables: {held: {from: [t.c], key: [event.k, event.v], live: event.ok}}\n", "", " && [item.k, item.v] in refs.held", "").Replace(text)
	}
	fsys := fstest.MapFS{"TT-09.yaml": {Data: []byte(text)}}
	for i, name := range names {
		if text := later[name]; text != "" {
			id := fmt.Sprintf("TT-0%d", i+1)
			fsys[id+"-2.yaml"] = &fstest.MapFile{Data: []byte(fmt.Sprintf("id: %s\ntitle: An item is %s later\ncriteria: [CC8.1]\neffective_from: %s%s\n", id, name, minute(begins), text))}
		}
	}
	return fsys
}

// activation is a change of the rules while all runs. The control topic isn't played: the
// simulation writes the markers, to some sources later than to others, and knows what it
// would say.
type activation struct {
	s       *sim
	missing map[int]bool // sources that have no marker yet, by place
	begun   bool
	// bundle is in force once all sources have their markers: then done is closed.
	bundle *control.Bundle
	clock  compliance.Instant
	done   chan struct{}
	mu     sync.Mutex
	made   map[control.Since]*control.Bundle
}

// changes tells whether the rules of a seed change.
func changes(seed uint64) bool { return seed%2 == 0 }

func (s *sim) newActivation() *activation {
	a := &activation{s: s, missing: map[int]bool{}, clock: compliance.Ever, done: make(chan struct{}), made: map[control.Since]*control.Bundle{}}
	for i := range sources {
		a.missing[i] = true
	}
	return a
}

// latestMarker is the last minute at which a marker may be written: what happens within an
// hour after it may have been routed by the rules of before.
const latestMarker = begins - 60 - 5

// before writes markers, now and then, before the next events come, which are all there
// in time.
func (a *activation) before(next int) {
	if a == nil || a.bundle != nil || !a.begun && !a.s.chance(15) && next < latestMarker {
		return
	}
	a.begun = true
	var records []*kgo.Record
	for i, from := range sources {
		if a.missing[i] && (a.s.chance(40) || next >= latestMarker) {
			delete(a.missing, i)
			records = append(records, record.EncodeMarker(from.Topic, from.Partition, 2))
			a.s.inject("marker")
		}
	}
	a.s.tell("%d sources get a marker", len(records))
	a.s.w.Produce(records...)
	a.clock = max(a.clock, a.s.now, epoch)
	if len(a.missing) == 0 {
		a.s.inject("activation")
		a.bundle = a.after(nil)
		close(a.done)
	}
}

// later are the rules of the change, as routers and judges ask for them.
func (a *activation) routes(_ context.Context, n int) (router.Rules, error) {
	if n != 2 {
		return nil, fmt.Errorf("there is no activation %d", n)
	}
	return a.s.rules.later, nil
}

// past is what the change wants of the events before it.
func (a *activation) past(_ context.Context, n int) (router.Past, error) {
	if p := a.s.rules.later.Past(a.s.rules.bundle); n == 2 && p != nil {
		return p, nil
	}
	return nil, nil
}

func (a *activation) regime(ctx context.Context, n int, read judge.Read) (judge.Regime, error) {
	if n != 2 {
		return judge.Regime{}, fmt.Errorf("there is no activation %d", n)
	}
	select {
	case <-a.done:
		bundle := a.after(read)
		of := rules.Of(bundle)
		regime := judge.Regime{NewEngine: of.NewEngine, Rules: either{a.s.rules.bundle, bundle}, Stages: of.Stages}
		if a.s.preloads() {
			regime.Awaits = map[int][]routed.Source{2: sources}
		}
		return regime, nil
	case <-ctx.Done():
		return judge.Regime{}, ctx.Err()
	}
}

// either takes what was routed by one of two bundles.
type either [2]*control.Bundle

func (e either) Holds(id, ruleHash string) bool {
	for _, b := range e {
		if c := b.Control(id); c != nil && c.RouteHash() == ruleHash {
			return true
		}
	}
	return false
}

// preloads tells whether the change wants anything of the past.
func (s *sim) preloads() bool { return s.change != nil && s.rules.later.Past(s.rules.bundle) != nil }

// after is the bundle of the change, with what was read for it. Readers and judges of a seed
// that are born again get the same one, as it is what takes longest to make.
func (a *activation) after(read judge.Read) *control.Bundle {
	since := control.Since{Routed: a.clock.Add(control.Early), Watermark: a.clock, Preload: 2}
	since.Whole, since.Read = read[2]
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made[since] == nil {
		b, err := control.Load(a.s.rules.files, a.s.rules.types)
		if err != nil {
			panic(err)
		}
		b.Follow(a.s.rules.bundle, since)
		a.made[since] = b
	}
	return a.made[since]
}

func loadSet(of set, types *dictionary.Dictionary) (first, second *control.Bundle, files fstest.MapFS, err error) {
	files = of.files()
	if first, err = control.Load(files, types); err != nil {
		return nil, nil, nil, fmt.Errorf("compiling %v: %w", of.names, err)
	}
	if of.changes {
		return first, first, files, nil
	}
	maps.Copy(files, laterFiles(of.names))
	if second, err = control.Load(files, types); err != nil {
		return nil, nil, nil, fmt.Errorf("compiling %v: %w", of.names, err)
	}
	return first, second, files, nil
}
