package timeline

import (
	"fmt"
	"maps"
	"math/rand/v2"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/engine"
)

// ByEngine feeds engines in one order of arrival, restarts some of them, and notes
// what they have said at each watermark.
func (t *Timeline) ByEngine(random *rand.Rand) ([]Known, error) {
	engines := newMachines(t.Bundle, int32(1+random.IntN(3)))
	var all []Known
	said := Known{}
	from := compliance.Ever
	for _, w := range t.Watermarks {
		for _, ev := range t.batch(random, from, w) {
			engines.add(ev)
		}
		now := maps.Clone(said)
		for _, r := range engines.Advance(w) {
			if r.Control == t.Control.ID {
				now[r.Item.ID] = r
			}
		}
		if err := engines.restartSome(random); err != nil {
			return nil, err
		}
		all = append(all, now)
		said, from = now, w
	}
	return all, nil
}

// batch are the events that arrive in [from, to), shuffled; some come twice.
func (t *Timeline) batch(random *rand.Rand, from, to compliance.Instant) []*compliance.Event {
	var events []*compliance.Event
	for _, a := range t.Arrivals {
		if a.At < from || a.At >= to {
			continue
		}
		events = append(events, a.Event)
		if a.Twice || random.IntN(4) == 0 {
			events = append(events, a.Event)
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

func (m *machines) add(ev *compliance.Event) {
	partitions := int32(len(m.Stages[0]))
	for _, route := range m.bundle.Route(ev) {
		fact := engine.Fact{Control: route.Control, Tenant: ev.Tenant, Key: route.Key, Event: *ev}
		fact.Event.Data = route.Fields
		for p := range partitions {
			if route.Everywhere || control.Partition(ev.Tenant, route.Control, route.Key, partitions) == p {
				m.Add(int(p), &fact)
			}
		}
	}
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
			return fmt.Errorf("bringing an engine back from its changelog: %w", err)
		}
	}
	m.Stages[stage][p] = e
	return nil
}
