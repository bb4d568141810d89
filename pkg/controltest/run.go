package controltest

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
	"assay.example/assay/pkg/oracle"
)

// heartbeatsCorrect is how late word of a source may come, as pkg/engine has it.
const heartbeatsCorrect = 7 * 24 * time.Hour

// known is what is known of the items at one watermark, by id.
type known map[string]compliance.Revision

// run gives what is wrong with the case; nil if nothing is.
func (c *testcase) run(orders int, seed uint64) []string {
	truth := c.byOracle()
	failures := c.compare(truth)
	for order := range orders {
		random := rand.New(rand.NewPCG(seed, uint64(order)))
		if failure := c.differs(order, seed, truth, c.byEngine(random)); failure != "" {
			return append(failures, failure) // other orders would repeat it
		}
	}
	return failures
}

// byOracle computes each watermark from scratch, and numbers what changed.
func (c *testcase) byOracle() []known {
	var all []known
	last := known{}
	for i, s := range c.steps {
		now := known{}
		for _, v := range oracle.Verdicts(c.bundle, c.bundle.Controls[0], tenant, c.admitted(i), s.w) {
			now[v.Item.ID] = compliance.Revision{Verdict: v}
		}
		for id, before := range last {
			if _, still := now[id]; !still {
				now[id] = compliance.Revision{Verdict: compliance.Verdict{Item: before.Item, Outcome: compliance.Withdrawn, Due: before.Due}}
			}
		}
		for id, r := range now {
			before := last[id]
			r.Number = before.Number
			if before.Number == 0 || !before.Same(&r.Verdict) {
				r.Number++
			}
			now[id] = r
		}
		all = append(all, now)
		last = now
	}
	return all
}

// admitted are the events that count at a step: those that had arrived before its
// watermark, and weren't too late then.
func (c *testcase) admitted(step int) []*compliance.Event {
	var events []*compliance.Event
	for _, a := range c.events {
		if a.at >= c.steps[step].w {
			continue
		}
		before := compliance.Ever // the watermark when it arrived
		for _, s := range c.steps[:step] {
			if s.w <= a.at {
				before = s.w
			}
		}
		if before == compliance.Ever || a.event.Time >= before.Add(-c.correctUntil(a.event)) {
			events = append(events, a.event)
		}
	}
	return events
}

// correctUntil is how late the event may be; word of sources has a bound of its own.
func (c *testcase) correctUntil(ev *compliance.Event) time.Duration {
	if ev.Type == control.Heartbeat || ev.Type == control.SourceRetired {
		return heartbeatsCorrect
	}
	return c.bundle.Controls[0].CorrectUntil
}

// byEngine feeds engines in one order of arrival, restarts some of them, and notes
// what they have said at each watermark.
func (c *testcase) byEngine(random *rand.Rand) []known {
	engines := make([]machine, 1+random.IntN(3))
	for p := range engines {
		engines[p] = machine{engine.New(c.bundle, int32(p), int32(len(engines))), map[string]engine.Change{}}
	}
	var all []known
	said := known{}
	from := compliance.Ever
	for _, s := range c.steps {
		for _, ev := range c.batch(random, from, s.w) {
			c.add(engines, ev)
		}
		now := maps.Clone(said)
		for p := range engines {
			for _, r := range engines[p].Advance(s.w) {
				now[r.Item.ID] = r
			}
			if random.IntN(4) == 0 {
				if err := engines[p].restart(c.bundle, int32(p), int32(len(engines))); err != nil {
					return append(all, known{"restart": {Verdict: compliance.Verdict{Reason: err.Error()}}})
				}
			}
		}
		all = append(all, now)
		said, from = now, s.w
	}
	return all
}

// batch are the events that arrive in [from, to), shuffled; some come twice.
func (c *testcase) batch(random *rand.Rand, from, to compliance.Instant) []*compliance.Event {
	var events []*compliance.Event
	for _, a := range c.events {
		if a.at < from || a.at >= to {
			continue
		}
		events = append(events, a.event)
		if a.duplicate || random.IntN(4) == 0 {
			events = append(events, a.event)
		}
	}
	random.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	return events
}

// machine is an engine with what its changelog holds.
type machine struct {
	*engine.Engine
	changelog map[string]engine.Change
}

// restart makes the engine anew from its changelog, as after a crash.
func (m *machine) restart(b *control.Bundle, partition, partitions int32) error {
	for _, change := range m.Changes() {
		if m.changelog[string(change.Key)] = change; change.Value == nil {
			delete(m.changelog, string(change.Key))
		}
	}
	m.Engine = engine.New(b, partition, partitions)
	for _, change := range m.changelog {
		if err := m.Load(change); err != nil {
			return err
		}
	}
	return nil
}

func (c *testcase) add(engines []machine, ev *compliance.Event) {
	for _, route := range c.bundle.Route(ev) {
		fact := engine.Fact{Control: route.Control, Tenant: ev.Tenant, Key: route.Key, Event: *ev}
		fact.Event.Data = route.Fields
		for p, e := range engines {
			if route.Everywhere || control.Partition(ev.Tenant, route.Control, route.Key, int32(len(engines))) == int32(p) {
				e.Add(&fact)
			}
		}
	}
}

// differs compares the engine with the oracle at every watermark, item by item.
func (c *testcase) differs(order int, seed uint64, want, got []known) string {
	for i := range want {
		ids := map[string]bool{}
		for id := range want[i] {
			ids[id] = true
		}
		for id := range got[i] {
			ids[id] = true
		}
		for _, id := range sorted(ids) {
			a, b := c.lines(want[i], id), c.lines(got[i], id)
			if !slices.Equal(a, b) {
				return fmt.Sprintf("%s: %s: in order %d of seed %d the engine doesn't say what the oracle says, at %s, of %s:\n%s",
					c.place(), c.name, order, seed, c.moment(c.steps[i].w), id, diff(a, b))
			}
		}
	}
	return ""
}
