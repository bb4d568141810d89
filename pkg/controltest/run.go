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
		for _, v := range oracle.VerdictsOf(c.bundle, c.control(), tenant, c.admitted(i), s.w) {
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

// control is the one that the case is about.
func (c *testcase) control() *control.Control { return subject(c.bundle, c.rules) }

// admitted are the events that count at a step for a control: those that had arrived
// before its watermark, and weren't too late then.
func (c *testcase) admitted(step int) oracle.Admitted {
	return func(of *control.Control) []*compliance.Event { return c.admittedBy(of, step) }
}

func (c *testcase) admittedBy(of *control.Control, step int) []*compliance.Event {
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
		if before == compliance.Ever || a.event.Time >= before.Add(-correctUntil(of, a.event)) {
			events = append(events, a.event)
		}
	}
	return events
}

// correctUntil is how late the event may be; word of sources has a bound of its own.
func correctUntil(of *control.Control, ev *compliance.Event) time.Duration {
	if ev.Type == control.Heartbeat || ev.Type == control.SourceRetired {
		return heartbeatsCorrect
	}
	return of.CorrectUntil
}

// byEngine feeds engines in one order of arrival, restarts some of them, and notes
// what they have said at each watermark.
func (c *testcase) byEngine(random *rand.Rand) []known {
	engines := newMachines(c.bundle, int32(1+random.IntN(3)))
	var all []known
	said := known{}
	from := compliance.Ever
	for _, s := range c.steps {
		for _, ev := range c.batch(random, from, s.w) {
			c.add(engines, ev)
		}
		now := maps.Clone(said)
		for _, r := range engines.Advance(s.w) {
			if r.Control == c.control().ID {
				now[r.Item.ID] = r
			}
		}
		if err := engines.restartSome(random); err != nil {
			return append(all, known{"restart": {Verdict: compliance.Verdict{Reason: err.Error()}}})
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

// machines are engines with what their changelogs hold, by stage and partition.
type machines struct {
	engine.Stages
	bundle     *control.Bundle
	changelogs [][]map[string]engine.Change
}

func newMachines(b *control.Bundle, partitions int32) *machines {
	m := &machines{Stages: engine.NewStages(b, partitions), bundle: b}
	for range m.Stages {
		m.changelogs = append(m.changelogs, make([]map[string]engine.Change, partitions))
	}
	return m
}

// restartSome makes some engines anew from their changelogs, as after a crash.
func (m *machines) restartSome(random *rand.Rand) error {
	for stage, engines := range m.Stages {
		for p := range engines {
			if random.IntN(4) > 0 {
				continue
			}
			if err := m.restart(stage, p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (m *machines) restart(stage, p int) error {
	log := m.changelogs[stage][p]
	if log == nil {
		log = map[string]engine.Change{}
		m.changelogs[stage][p] = log
	}
	for _, change := range m.Stages[stage][p].Changes() {
		if log[string(change.Key)] = change; change.Value == nil {
			delete(log, string(change.Key))
		}
	}
	e := engine.NewStage(m.bundle, stage, int32(p), int32(len(m.Stages[stage])))
	for _, change := range log {
		if err := e.Load(change); err != nil {
			return err
		}
	}
	m.Stages[stage][p] = e
	return nil
}

func (c *testcase) add(engines *machines, ev *compliance.Event) {
	partitions := int32(len(engines.Stages[0]))
	for _, route := range c.bundle.Route(ev) {
		fact := engine.Fact{Control: route.Control, Tenant: ev.Tenant, Key: route.Key, Event: *ev}
		fact.Event.Data = route.Fields
		for p := range partitions {
			if route.Everywhere || control.Partition(ev.Tenant, route.Control, route.Key, partitions) == p {
				engines.Add(int(p), &fact)
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
