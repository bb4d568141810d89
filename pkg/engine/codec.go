package engine

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/fxamacker/cbor/v2"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// The changelog has a record a fact, item, ended item, beat, waiver, run of numbers and remembered id,
// and one for the watermark. Keys are CBOR arrays that begin with the kind; values are CBOR with
// integer keys. The bytes are deterministic.
const (
	kindFact      = "fact"
	kindItem      = "item"
	kindBeat      = "beat"
	kindWaiver    = "waiver"
	kindRun       = "run"   // of numbers that a source's events carry
	kindAhead     = "ahead" // a number that the watermark hasn't passed
	kindSame      = "same"  // when the last dropped event of an id came
	kindWatermark = "watermark"
)

type storedFact struct {
	Source    string         `cbor:"1,keyasint"`
	ID        string         `cbor:"2,keyasint"`
	Type      string         `cbor:"3,keyasint"`
	Time      int64          `cbor:"4,keyasint"`
	Received  int64          `cbor:"5,keyasint"`
	Sequence  uint64         `cbor:"6,keyasint,omitempty"`
	Data      map[string]any `cbor:"7,keyasint,omitempty"`
	Topic     string         `cbor:"8,keyasint"`
	Partition int32          `cbor:"9,keyasint"`
	Offset    int64          `cbor:"10,keyasint"`
	SHA256    []byte         `cbor:"11,keyasint"`
	Preload   int            `cbor:"12,keyasint,omitempty"`
	Fields    int            `cbor:"13,keyasint,omitempty"`
	Row       bool           `cbor:"14,keyasint,omitempty"`
}

func storeFact(ev *compliance.Event) storedFact {
	return storedFact{
		Source: ev.Source, ID: ev.ID, Type: ev.Type, Time: int64(ev.Time), Received: int64(ev.Received),
		Sequence: ev.Sequence, Data: ev.Data,
		Topic: ev.Ref.Topic, Partition: ev.Ref.Partition, Offset: ev.Ref.Offset, SHA256: ev.Ref.SHA256[:],
	}
}

func (s *storedFact) event(tenant string) compliance.Event {
	ev := compliance.Event{
		Tenant: tenant, Source: s.Source, ID: s.ID, Type: s.Type,
		Time: compliance.Instant(s.Time), Received: compliance.Instant(s.Received), Sequence: s.Sequence, Data: s.Data,
		Ref: compliance.Ref{Topic: s.Topic, Partition: s.Partition, Offset: s.Offset},
	}
	copy(ev.Ref.SHA256[:], s.SHA256)
	return ev
}

// The modes are made once: that alone took as long as writing a key.
var (
	encoding = mode(encOptions().EncMode())
	decoding = mode(cbor.DecOptions{IntDec: cbor.IntDecConvertSignedOrFail, DefaultMapType: mapType}.DecMode())
)

// encOptions are those of deterministic encoding. Fields of an item that is read by others
// may be instants, which stay what they are.
func encOptions() cbor.EncOptions {
	opts := cbor.CoreDetEncOptions()
	opts.Time, opts.TimeTag = cbor.TimeRFC3339Nano, cbor.EncTagRequired
	return opts
}

func mode[M any](m M, err error) M {
	if err != nil {
		panic("engine: the options of CBOR are valid: " + err.Error())
	}
	return m
}

func encode(v any) []byte {
	b, err := encoding.Marshal(v)
	if err != nil {
		panic("engine: state is always encodable: " + err.Error())
	}
	return b
}

func decode(b []byte, into any) error { return decoding.Unmarshal(b, into) }

func stateKey(kind string, parts ...string) []byte {
	return encode(append([]string{kind}, parts...))
}

// factKey tells bodies of one event apart.
func factKey(g *group, ev *compliance.Event) []byte {
	return stateKey(kindFact, g.key.tenant, g.key.control, g.key.key, ev.Source, ev.ID, ev.Time.String(), ev.Ref.SHA256.String())
}

func factChange(g *group, f *fact, ev *compliance.Event) Change {
	stored := storeFact(ev)
	stored.Preload, stored.Fields, stored.Row = f.preload, f.fields, f.row
	return Change{factKey(g, ev), encode(stored)}
}

// itemChange has what was last said of the item, or of a part that is one.
func itemChange(it *item, id string) Change {
	return Change{saidKey(it, id), encode(storePublished(it.said(id)))}
}

func saidKey(it *item, id string) []byte {
	k := it.group.key
	if id != it.id {
		return stateKey(kindItem, k.tenant, k.control, k.key, it.id, id)
	}
	return stateKey(kindItem, k.tenant, k.control, k.key, it.id)
}

// closedChange replaces the item's record: one key an item.
func closedChange(g *group, id string, p *published) Change {
	s := storePublished(p)
	s.Ended = true
	return Change{stateKey(kindItem, g.key.tenant, g.key.control, g.key.key, id), encode(s)}
}

// beatChange tells beats of one instant apart by their numbers, where these count.
func beatChange(f *Fact, s *source) Change {
	return Change{beatKey(f.Tenant, s, s.beatOf(&f.Event)), encode(storeFact(&f.Event))}
}

func beatKey(tenant string, s *source, b beat) []byte {
	kind := control.Heartbeat
	if b.retired {
		kind = control.SourceRetired
	}
	key := []string{tenant, s.name, kind, b.at.String()}
	if s.count != nil {
		key = append(key, text(b.number))
	}
	return stateKey(kindBeat, key...)
}

func runKey(tenant string, s *source, late time.Duration, first uint64) []byte {
	return stateKey(kindRun, tenant, s.name, late.String(), text(first))
}

func aheadKey(tenant string, s *source, n numbered) []byte {
	return stateKey(kindAhead, tenant, s.name, n.at.String(), text(n.number))
}

func watermarkChange(w compliance.Instant) Change {
	return Change{stateKey(kindWatermark), encode(int64(w))}
}

// Load brings back one record of the changelog, in any order, before the first
// Add or Advance.
func (e *Engine) Load(c Change) error {
	var key []string
	if err := decode(c.Key, &key); err != nil || len(key) == 0 {
		return fmt.Errorf("reading a state key: %w", err)
	}
	switch {
	case key[0] == kindWatermark:
		var w int64
		if err := decode(c.Value, &w); err != nil {
			return fmt.Errorf("reading the watermark: %w", err)
		}
		e.w = compliance.Instant(w)
		return nil
	case key[0] == kindFact && len(key) == 8:
		return e.loadFact(key, c.Value)
	case key[0] == kindItem && (len(key) == 5 || len(key) == 6):
		return e.loadItem(key, c.Value)
	case key[0] == kindBeat && (len(key) == 5 || len(key) == 6):
		return e.loadBeat(key, c.Value)
	case key[0] == kindWaiver && len(key) == 7:
		return e.loadWaiver(key, c.Value)
	case key[0] == kindHop && len(key) == 8:
		return e.loadHop(key, c.Value)
	case key[0] == kindSaid && len(key) == 6, key[0] == kindTold && len(key) == 7:
		return e.loadStaged(key, c.Value)
	case (key[0] == kindRun || key[0] == kindAhead) && len(key) == 5:
		return e.loadNumbers(key, c.Value)
	case key[0] == kindSame && len(key) == 5:
		return e.loadSame(key, c.Value)
	}
	return fmt.Errorf("state of kind %q is unknown; it may have been written by a newer release", key[0])
}

func (e *Engine) loadFact(key []string, value []byte) error {
	var s storedFact
	if err := decode(value, &s); err != nil {
		return fmt.Errorf("reading a fact: %w", err)
	}
	c := e.bundle.Control(key[2])
	if c == nil {
		return nil // a control that is no longer loaded
	}
	if err := e.judges(c); err != nil {
		return err
	}
	g := e.group(groupKey{key[1], key[2], key[3]}, c)
	f := e.newFact(g, &Fact{Control: key[2], Tenant: key[1], Key: key[3], Event: s.event(key[1]), Preload: s.Preload})
	f.fields, f.row = s.Fields, s.Row
	g.take(e, f)
	return nil
}

func (e *Engine) loadItem(key []string, value []byte) error {
	var s storedPublished
	if err := decode(value, &s); err != nil {
		return fmt.Errorf("reading an item: %w", err)
	}
	c := e.bundle.Control(key[2])
	if c == nil {
		return nil
	}
	if err := e.judges(c); err != nil {
		return err
	}
	gk := groupKey{key[1], key[2], key[3]}
	if s.Ended {
		at := e.state.end(noShelf, itemKey{gk, key[4]}, s.published())
		if g := e.state.group(gk); g != nil {
			g.shelf = at
		}
		e.dropEnded(gk, key[4])
		return nil
	}
	if planted != plantedLostRevision {
		e.item(e.group(gk, c), key[4]).say(key[len(key)-1], *s.published())
	}
	return nil
}

// dropEnded takes out an item that a fact opened before its end was read, unless
// its id is free.
func (e *Engine) dropEnded(gk groupKey, id string) {
	g := e.state.group(gk)
	if g == nil || g.items.get(id) == nil {
		return
	}
	if ended := e.state.ended(g.shelf, id); ended.Free {
		g.items.get(id).last = ended
		return
	}
	e.timers.set(g.items.get(id), compliance.Never)
	g.items.get(id).dirty = false
	g.items.drop(id)
}

func (e *Engine) loadBeat(key []string, value []byte) error {
	var s storedFact
	if err := decode(value, &s); err != nil {
		return fmt.Errorf("reading a heartbeat: %w", err)
	}
	for _, src := range e.sourcesOf(key[1]) {
		if src.name == key[2] {
			ev := s.event(key[1])
			src.insert(src.beatOf(&ev))
			e.crowded = e.crowded || src.crowded()
		}
	}
	return nil
}

// loadNumbers takes a run, or one number that is ahead.
func (e *Engine) loadNumbers(key []string, value []byte) error {
	number, err := strconv.ParseUint(key[4], 10, 64)
	if err != nil {
		return fmt.Errorf("reading a number of %s: %w", key[2], err)
	}
	sources := e.sourcesOf(key[1])
	i := slices.IndexFunc(sources, func(s *source) bool { return s.name == key[2] && s.count != nil })
	if i < 0 {
		return nil // a source that doesn't count any more
	}
	if key[0] == kindAhead {
		at, err := compliance.ParseInstant(key[3])
		if err != nil {
			return fmt.Errorf("reading the time of a number of %s: %w", key[2], err)
		}
		sources[i].count.loadAhead(numbered{at, number})
		return nil
	}
	late, err := time.ParseDuration(key[3])
	if err != nil {
		return fmt.Errorf("reading the numbers of %s: %w", key[2], err)
	}
	r := run{first: number}
	if err := decode(value, &r.last); err != nil {
		return fmt.Errorf("reading the numbers of %s: %w", key[2], err)
	}
	if seen := sources[i].count.seen[late]; seen != nil {
		seen.load(r)
	}
	return nil
}

func (c *count) loadAhead(n numbered) {
	i, _ := slices.BinarySearchFunc(c.ahead, n, compareNumbered)
	c.ahead = slices.Insert(c.ahead, i, n)
}

func (n *numbers) load(r run) {
	i, _ := n.find(r.first)
	n.runs = slices.Insert(n.runs, i, r)
}
