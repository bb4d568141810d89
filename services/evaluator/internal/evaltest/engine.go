package evaltest

import (
	"encoding/json"
	"maps"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/services/evaluator/internal/judge"
)

// Within is how long after an item its proof may come, Correct how late an
// event may be known.
const (
	Within  = time.Hour
	Correct = 7 * 24 * time.Hour
)

// Engine judges Rules. It is small and plain, yet keeps all its state in its
// changelog, so that a lost or repeated record shows.
type Engine struct {
	w     compliance.Instant
	items map[string]*item // by key
	ids   map[string]bool
	dirty map[string]bool
	// Beats counts heartbeats, which go everywhere.
	beats int
}

type item struct {
	Item   *compliance.Event  `json:"item,omitempty"`
	Proofs []compliance.Event `json:"proofs,omitempty"`
	Said   *said              `json:"said,omitempty"`
}

type said struct {
	Verdict compliance.Verdict `json:"verdict"`
	Number  int                `json:"number"`
}

// NewEngine is empty.
func NewEngine(_, _ int32) judge.Engine {
	return &Engine{w: compliance.Ever, items: map[string]*item{}, ids: map[string]bool{}, dirty: map[string]bool{}}
}

// Load as judge.Engine.
func (e *Engine) Load(c judge.Change) error {
	kind, name := c.Key[0], string(c.Key[1:])
	switch kind {
	case 'w':
		return json.Unmarshal(c.Value, &e.w)
	case 'n':
		return json.Unmarshal(c.Value, &e.beats)
	case 'd':
		e.ids[name] = true
		return nil
	default:
		it := &item{}
		e.items[name] = it
		return json.Unmarshal(c.Value, it)
	}
}

// Add as judge.Engine.
func (e *Engine) Add(f *judge.Fact) judge.Admission {
	if f.Event.Time.Add(Correct) < e.w {
		return judge.Quarantined
	}
	if e.ids[f.Event.ID] {
		return judge.Duplicate
	}
	e.ids[f.Event.ID] = true
	e.dirty["d"+f.Event.ID] = true
	if f.Control == "" {
		e.beats++
		e.dirty["n"] = true
		return judge.Admitted
	}
	it := e.items[f.Key]
	if it == nil {
		it = &item{}
		e.items[f.Key] = it
	}
	ev := f.Event
	if ev.Type == Proof {
		it.Proofs = append(it.Proofs, ev)
		slices.SortFunc(it.Proofs, func(a, b compliance.Event) int { return a.Compare(&b) })
	} else if it.Item == nil || ev.Compare(it.Item) < 0 {
		it.Item = &ev
	}
	e.dirty["i"+f.Key] = true
	return judge.Admitted
}

// Advance as judge.Engine.
func (e *Engine) Advance(w compliance.Instant) []compliance.Revision {
	e.w = w
	e.dirty["w"] = true
	var revs []compliance.Revision
	for _, key := range slices.Sorted(maps.Keys(e.items)) {
		it := e.items[key]
		if it.Item == nil || it.Item.Time >= w {
			continue
		}
		v := it.verdict(w)
		if it.Said != nil && v.Same(&it.Said.Verdict) {
			continue
		}
		revs = append(revs, it.revise(v))
		e.dirty["i"+key] = true
	}
	return revs
}

func (it *item) verdict(w compliance.Instant) compliance.Verdict {
	v := compliance.Verdict{
		Item: compliance.Item{ID: it.Item.ID, Time: it.Item.Time}, Outcome: compliance.Pending,
		Due: it.Item.Time.Add(Within), Evidence: []compliance.Evidence{compliance.EvidenceOf("item", it.Item)},
	}
	for i := range it.Proofs {
		p := &it.Proofs[i]
		if p.Time >= it.Item.Time && p.Time <= v.Due && p.Time < w {
			v.Outcome = compliance.Pass
			v.Evidence = append(v.Evidence, compliance.EvidenceOf("proof", p))
			return v
		}
	}
	if v.Due < w {
		v.Outcome, v.Reason = compliance.Deviation, "no_proof"
	}
	return v
}

func (it *item) revise(v compliance.Verdict) compliance.Revision {
	rev := compliance.Revision{
		Tenant: it.Item.Tenant, Control: ControlID, RuleHash: RuleHash, Bundle: "b", Number: 1,
		Verdict: v, KnownAt: v.Due, FinalAt: v.Due.Add(time.Hour),
	}
	if it.Said != nil {
		rev.Number = it.Said.Number + 1
		rev.Previous = &compliance.Previous{
			Outcome: it.Said.Verdict.Outcome, Reason: it.Said.Verdict.Reason, ItemTime: it.Said.Verdict.Item.Time,
		}
	}
	it.Said = &said{v, rev.Number}
	return rev
}

// Restate as judge.Engine: nothing ends here.
func (e *Engine) Restate([]judge.Restated) []compliance.Revision { return nil }

// Changes as judge.Engine.
func (e *Engine) Changes() []judge.Change {
	var all []judge.Change
	for _, key := range slices.Sorted(maps.Keys(e.dirty)) {
		all = append(all, judge.Change{Key: []byte(key), Value: e.value(key)})
	}
	clear(e.dirty)
	return all
}

func (e *Engine) value(key string) []byte {
	var of any
	switch key[0] {
	case 'w':
		of = e.w
	case 'n':
		of = e.beats
	case 'd':
		of = true
	default:
		of = e.items[key[1:]]
	}
	value, err := json.Marshal(of)
	if err != nil {
		panic(err)
	}
	return value
}
