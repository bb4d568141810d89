package engine

import (
	"maps"
	"slices"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Footprint is what a control holds in state, and for how long. Durations are
// bounds; bytes are measured on typical events and are estimates.
type Footprint struct {
	control.Explanation
	// Facts are the event types that the control is sent.
	Facts []FactCost `json:"events"`
	// ItemBytes is what an item's verdict takes with one event for each expectation,
	// EndedBytes what stays of it for ever, so that its id stays taken.
	ItemBytes  int `json:"item_bytes"`
	EndedBytes int `json:"ended_bytes"`
	// TypicalBytes is an item with one event of each kind.
	TypicalBytes int `json:"typical_bytes"`
}

// FactCost is what an event of a type costs at a control.
type FactCost struct {
	Type string `json:"type"`
	// Copies is how many join keys of the control such an event may go to.
	Copies int `json:"copies"`
	// Bytes is what one copy takes in the changelog, key and value; in memory it is
	// about five times as much.
	Bytes int `json:"bytes"`
}

// Footprints measures every control of a bundle on samples: a typical event of each type.
func Footprints(b *control.Bundle, samples map[string]compliance.Event) []Footprint {
	e := New(b, 0, 1)
	var all []Footprint
	for _, c := range b.Controls {
		for _, v := range c.Versions {
			all = append(all, e.footprint(v, samples))
		}
	}
	return all
}

func (e *Engine) footprint(c *control.Control, samples map[string]compliance.Event) Footprint {
	f := Footprint{Explanation: c.Explain(e.planOf(c).correct), Facts: []FactCost{}}
	f.Notes = e.bundle.Notes(c)
	var verdict compliance.Verdict
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		copies := c.Copies(name)
		if copies == 0 {
			continue
		}
		g, ev := e.sample(c, samples[name])
		change := factChange(g, &fact{}, ev)
		f.Facts = append(f.Facts, FactCost{Type: name, Copies: copies, Bytes: len(change.Key) + len(change.Value)})
		f.TypicalBytes += len(change.Key) + len(change.Value)
		verdict.Evidence = append(verdict.Evidence, compliance.EvidenceOf(name, ev))
	}
	it := &item{group: &group{key: groupKey{"default", c.ID, typicalKey}}, id: typicalID}
	verdict.Item, verdict.Due = compliance.Item{ID: it.id, Time: typicalTime}, typicalTime
	verdict.Outcome = compliance.Deviation
	verdict.Evidence = verdict.Evidence[:min(len(verdict.Evidence), 1+len(c.Expectations))]
	it.last = &published{Revision: 1, Verdict: verdict}
	f.ItemBytes = size(itemChange(it, it.id))
	f.EndedBytes = size(closedChange(it.group, it.id, it.last))
	f.TypicalBytes += f.ItemBytes
	return f
}

// What an item is called where nothing says more.
const (
	typicalID   = "an-item-of-this-length"
	typicalKey  = `["` + typicalID + `"]`
	typicalTime = compliance.Instant(1_800_000_000_000_000)
)

func size(c Change) int { return len(c.Key) + len(c.Value) }

// sample is a typical event as the control is sent it, at its key.
func (e *Engine) sample(c *control.Control, ev compliance.Event) (*group, *compliance.Event) {
	ev.Time, ev.Received = typicalTime, typicalTime
	key := typicalKey
	if keys := c.Keys(&ev); len(keys) > 0 {
		key = keys[0]
	}
	ev.Data = c.Prune(ev.Data)
	return &group{key: groupKey{"default", c.ID, key}, control: c}, &ev
}
