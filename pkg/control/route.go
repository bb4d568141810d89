package control

import (
	"fmt"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"assay.example/assay/pkg/compliance"
)

// Route is one place that an event has to go: a control and a join key of it.
type Route struct {
	// Control is empty when the event concerns every control.
	Control  string
	RuleHash string
	// Key is empty when the event concerns every key.
	Key string
	// Everywhere: to every partition, for it speaks of all keys.
	Everywhere bool
	// Fields are the data that the control reads.
	Fields map[string]any
}

// Partition is where a join key lives. It never changes within an epoch.
func Partition(tenant, control, key string, partitions int32) int32 {
	h := xxhash.New()
	for _, s := range []string{tenant, control, key} {
		_, _ = h.WriteString(s)
		_, _ = h.Write([]byte{0})
	}
	return int32(h.Sum64() % uint64(partitions))
}

// Reads tells whether any control reads events of the type; others need no
// parsing.
func (b *Bundle) Reads(eventType string) bool {
	if SpeaksOfSource(eventType) {
		return true
	}
	for _, c := range b.Controls {
		if c.Some(func(v *Control) bool { return v.reads(eventType) || v.Waivable && speaksOfWaiver(eventType) }) {
			return true
		}
	}
	return false
}

// SpeaksOfSource tells signs of life from events about something.
func SpeaksOfSource(eventType string) bool {
	return eventType == Heartbeat || eventType == SourceRetired
}

// Reads lists the types, and beginnings of types, that this version of c reads; of a
// control whose verdicts it reads, those that open its items.
func (c *Control) Reads() []string {
	types := slices.Clone(c.Population.Types)
	for _, e := range c.Expectations {
		types = append(types, e.Heard()...)
		if e.Unless != nil {
			types = append(types, e.Unless.Types...)
		}
	}
	for _, t := range c.Tables {
		types = append(types, t.Types...)
	}
	return types
}

func (c *Control) reads(eventType string) bool {
	if MatchesAny(c.Population.Types, eventType) {
		return true
	}
	for _, e := range c.Expectations {
		if MatchesAny(e.Types, eventType) || e.Unless != nil && MatchesAny(e.Unless.Types, eventType) {
			return true
		}
	}
	for _, t := range c.Tables {
		if MatchesAny(t.Types, eventType) {
			return true
		}
	}
	return false
}

// Route says where ev goes. It is a function of the event and the bundle alone.
func (b *Bundle) Route(ev *compliance.Event) []Route {
	var routes []Route
	// what is missing may be at any key, and a sign of life may be evidence, too
	if SpeaksOfSource(ev.Type) || ev.Sequence > 0 && b.Counts(ev.Source) {
		routes = append(routes, Route{Everywhere: true})
	}
	for _, c := range b.Controls {
		routes = append(routes, c.route(ev)...)
	}
	return routes
}

func (c *Control) route(ev *compliance.Event) (routes []Route) {
	if c.WaiverOf(ev) != nil {
		routes = append(routes, Route{Control: c.ID, RuleHash: c.routed.hash, Everywhere: true, Fields: waiverData(ev.Data)})
	}
	for _, key := range c.Keys(ev) {
		routes = append(routes, Route{Control: c.ID, RuleHash: c.routed.hash, Key: key, Fields: c.Prune(ev.Data)})
	}
	return routes
}

// Prune keeps the data that the control reads in any version.
func (c *Control) Prune(data map[string]any) map[string]any {
	r := &c.Versions[len(c.Versions)-1].routed
	if r.keep == nil {
		return data
	}
	kept := make(map[string]any, len(r.keep))
	for name := range r.keep {
		if v, ok := data[name]; ok {
			kept[name] = v
		}
	}
	return kept
}

// Keys are the join keys at which ev concerns c in any of its versions, each once: as
// an item, as evidence, or as a row of a table.
func (c *Control) Keys(ev *compliance.Event) []string {
	seen := See(ev)
	var keys keySet
	for _, v := range c.Versions {
		if v.reads(ev.Type) {
			v.addKeys(&keys, ev, &seen)
		}
	}
	return keys
}

func (c *Control) addKeys(keys *keySet, ev *compliance.Event, view Fields) {
	if MatchesAny(c.Population.Types, ev.Type) {
		own, ok := c.ItemKey(ev, view)
		if keys.add(own, ok); ok && c.Hops {
			c.eachJoin(func(e *Expectation) { keys.add(e.itemKey(view)) })
		}
	}
	if c.Hops {
		c.eachJoin(func(e *Expectation) {
			if MatchesAny(e.Types, ev.Type) {
				keys.add(e.KeyOf(view))
			}
		})
		return
	}
	for _, e := range c.Expectations {
		keys.addPaths(e.Types, e.KeyPaths, ev.Type, view)
		if e.Unless != nil {
			keys.addPaths(e.Unless.Types, e.Unless.KeyPaths, ev.Type, view)
		}
	}
	for _, t := range c.Tables {
		keys.addPaths(t.Types, t.Key[:1], ev.Type, view)
	}
}

// Copies is at how many join keys an event of a type may concern c in all its versions; 0
// if they don't read the type. It is the most that Keys gives.
func (c *Control) Copies(eventType string) int {
	var keys keySet
	add := func(types []string, paths []Path) {
		if MatchesAny(types, eventType) {
			keys.add(fmt.Sprint(paths), true)
		}
	}
	for _, v := range c.Versions {
		add(v.Population.Types, v.Key)
		if v.Hops { // what opens an item goes wherever its evidence is, too
			v.eachJoin(func(e *Expectation) { add(v.Population.Types, append([]Path{{"item"}}, e.ItemPaths...)) })
		}
		for _, e := range v.Expectations {
			add(e.Types, e.KeyPaths)
			if e.Unless != nil {
				add(e.Unless.Types, e.Unless.KeyPaths)
			}
		}
		for _, t := range v.Tables {
			add(t.Types, t.Key[:1])
		}
	}
	return len(keys)
}

type keySet []string

func (s *keySet) add(key string, ok bool) {
	if ok && !slices.Contains(*s, key) {
		*s = append(*s, key)
	}
}

func (s *keySet) addPaths(types []string, paths []Path, eventType string, view Fields) {
	if MatchesAny(types, eventType) {
		s.add(keyAt(paths, view))
	}
}

// KeyOf is the join key at which an event of a matching type is evidence.
func (e *Expectation) KeyOf(view Fields) (string, bool) {
	if e.ItemPaths != nil {
		return e.hopAt(e.KeyPaths, view)
	}
	return keyAt(e.KeyPaths, view)
}

// KeyOf is the join key at which an event of a matching type is a row of t.
func (t *DerivedTable) KeyOf(view Fields) (string, bool) { return keyAt(t.Key[:1], view) }

// RowOf is the key of the row that the event sets.
func (t *DerivedTable) RowOf(view Fields) (string, bool) { return keyAt(t.Key, view) }

// MeetsAt tells whether KeyOf is this key.
func (e *Expectation) MeetsAt(view Fields, key string) bool {
	if e.ItemPaths == nil {
		var room [keyRoom]byte
		if b, ok := appendKey(room[:0], e.KeyPaths, view); ok {
			return string(b) == key
		}
	}
	own, ok := e.KeyOf(view)
	return ok && own == key
}

func keyAt(paths []Path, view Fields) (string, bool) {
	var room [keyRoom]byte
	if b, ok := appendKey(room[:0], paths, view); ok {
		return string(b), true
	}
	values := make([]any, len(paths))
	for i, p := range paths {
		values[i] = p.In(view)
	}
	return EncodeKey(values...)
}

// ItemKey is the join key of the item that ev would open. An event that is
// surely none has no key; one whose item can't be joined is kept at its own id,
// so that it is judged all the same.
func (c *Control) ItemKey(ev *compliance.Event, view Fields) (string, bool) {
	at, view, placed := c.Placed(ev, view)
	if c.Population.Where == nil && len(c.Key) > 0 { // as most: no condition is asked
		if key, ok := keyAt(c.Key, view); ok {
			return key, true
		}
	}
	s := c.NewScope(nil, at)
	s.Event = view
	readable := placed
	if c.Population.Where != nil {
		ok, err := c.Population.Where.Bool(s)
		if err == nil && !ok {
			return "", false
		}
		readable = placed && err == nil
	}
	if key, ok := keyAt(c.Key, view); ok && len(c.Key) > 0 {
		return key, true
	}
	id, ok := c.Population.ItemID(s)
	if !ok || !readable {
		id = UnreadableID(ev) // where all bodies of the event meet
	}
	return EncodeKey("item", id)
}

// OpensAt tells whether ItemKey is this key.
func (c *Control) OpensAt(ev *compliance.Event, view Fields, key string) bool {
	if c.Population.Where == nil && len(c.Key) > 0 && c.Versions[0].Population.Clock == nil {
		var room [keyRoom]byte
		if b, ok := appendKey(room[:0], c.Key, view); ok {
			return string(b) == key
		}
	}
	own, ok := c.ItemKey(ev, view)
	return ok && own == key
}

// UnreadableID stands for an item whose id can't be computed from its event.
func UnreadableID(ev *compliance.Event) string {
	return "unreadable:" + strings.TrimPrefix(ev.Source, "/") + "#" + ev.ID
}

// SlotKey is the join key of a schedule's item.
func (c *Control) SlotKey(item Fields) string {
	if key, ok := keyAt(c.Key, item); ok && len(c.Key) > 0 {
		return key
	}
	key, _ := EncodeKey("item", item.Field("id"))
	return key
}

// MembersAt are the members of a schedule in scope at t.
func (b *Bundle) MembersAt(s *Schedule, t compliance.Instant) []string {
	lists := b.Boundary
	if s.ForEach.InRefs {
		lists = b.Refs
	}
	return lists[s.ForEach.Name].Members(t)
}

// Due counts the items that a schedule makes in [from, to) since the bundle is in force, and
// those of them that have begun at a time.
func (b *Bundle) Due(s *Schedule, from, to, at compliance.Instant) (all, begun int64) {
	for slot := s.First(max(from, b.EffectiveFrom)); slot.Start < to; slot = s.Next(slot) {
		members := int64(len(b.MembersAt(s, slot.Start)))
		all += members
		if slot.Start < at {
			begun += members
		}
	}
	return all, begun
}
