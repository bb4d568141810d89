package change

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
	"assay.example/assay/pkg/oracle"
)

// explain says of the listed items why their verdicts differ. It reads the events
// twice more, and keeps those at the items' join keys only.
func (o *Options) explain(r *Result, types []string, before, after *control.Bundle) error {
	if len(r.Items) == 0 {
		return nil
	}
	sides := []*exhibits{newExhibits(before, o.Tenant, r.Items), newExhibits(after, o.Tenant, r.Items)}
	for _, pass := range []func(*exhibits, *compliance.Event){(*exhibits).find, (*exhibits).keep} {
		err := o.Events(types, func(ev *compliance.Event) error {
			for _, x := range sides {
				if ev.Time < o.AsOf {
					pass(x, ev)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	for i := range r.Items {
		it := &r.Items[i]
		if c := after.Control(it.Control); c != nil && c.Stage > 0 {
			it.Why = []string{readBy(c)}
			continue
		}
		w := reasoning{item: it, differences: r.Differences}
		w.before, w.after = sides[0].explain(it, o.AsOf), sides[1].explain(it, o.AsOf)
		it.Why = w.why()
		if w.after != nil {
			it.Verdict = &w.after.Verdict
		}
	}
	return nil
}

// readBy says what a control that is judged in stages hangs on. Events at its own keys
// don't explain what it says.
func readBy(c *control.Control) string {
	if len(c.ReadVerdicts()) == 0 {
		return "its evidence joins by several fields, and isn't shown here"
	}
	var ids []string
	for _, of := range c.ReadVerdicts() {
		ids = append(ids, of.ID)
	}
	return "its evidence are verdicts of " + strings.Join(ids, ", ") + "; replay those to see which differ"
}

// exhibits are the events that concern some items, by one bundle.
type exhibits struct {
	bundle *control.Bundle
	tenant string
	wanted map[string][]*Item            // by control
	keys   map[place]map[string]bool     // of each item
	events map[place][]*compliance.Event // by control and join key
	beats  []*compliance.Event
}

func newExhibits(b *control.Bundle, tenant string, items []Item) *exhibits {
	x := &exhibits{bundle: b, tenant: tenant, wanted: map[string][]*Item{}, keys: map[place]map[string]bool{}, events: map[place][]*compliance.Event{}}
	for i := range items {
		it := &items[i]
		x.wanted[it.Control] = append(x.wanted[it.Control], it)
		if c := b.Control(it.Control); c != nil && c.Population.Schedule != nil {
			x.findSlot(c.At(it.Time), it)
		}
	}
	return x
}

func (x *exhibits) want(it *Item, key string) {
	at := place{it.Control, it.ID}
	if x.keys[at] == nil {
		x.keys[at] = map[string]bool{}
	}
	x.keys[at][key] = true
	x.events[place{it.Control, key}] = nil
}

// belongs: the item is of that id, or a part of the item of that id.
func (it *Item) belongs(id string) bool { return it.ID == id || strings.HasPrefix(it.ID, id+"/") }

func (x *exhibits) findSlot(c *control.Control, it *Item) {
	slot := c.Population.Schedule.SlotAt(it.Time)
	for _, member := range x.bundle.MembersAt(c.Population.Schedule, slot.Start) {
		if is, view := control.SlotItem(member, slot); it.belongs(is.ID) {
			x.want(it, c.SlotKey(view))
		}
	}
}

// find notes the join keys of the items that ev may open.
func (x *exhibits) find(ev *compliance.Event) {
	for _, last := range x.bundle.Controls {
		view := control.ViewOf(ev)
		at, shown, _ := last.Placed(ev, view)
		c := last.At(at)
		if len(x.wanted[c.ID]) == 0 || !control.MatchesAny(c.Population.Types, ev.Type) {
			continue
		}
		key, ok := c.ItemKey(ev, view)
		if !ok {
			continue
		}
		id, readable := c.Population.ItemID(c.NewScope(nil, at).With(shown, nil))
		id = c.Population.Named(id, at)
		for _, it := range x.wanted[c.ID] {
			if readable && it.belongs(id) || it.ID == control.UnreadableID(ev) {
				x.want(it, key)
			}
		}
	}
}

// keep keeps ev if it is at the join key of an item.
func (x *exhibits) keep(ev *compliance.Event) {
	if ev.Type == control.Heartbeat || ev.Type == control.SourceRetired {
		x.beats = append(x.beats, ev)
		return
	}
	for _, c := range x.bundle.Controls {
		if len(x.wanted[c.ID]) == 0 {
			continue
		}
		for _, key := range c.Keys(ev) {
			at := place{c.ID, key}
			if list, wanted := x.events[at]; wanted {
				x.events[at] = append(list, ev)
			}
		}
	}
}

// explain judges one item again; nil if it is none here.
func (x *exhibits) explain(it *Item, w compliance.Instant) *oracle.Explanation {
	c := x.bundle.Control(it.Control)
	if c == nil {
		return nil
	}
	events := slices.Clone(x.beats)
	for _, key := range slices.Sorted(maps.Keys(x.keys[place{it.Control, it.ID}])) {
		events = append(events, x.events[place{it.Control, key}]...)
	}
	e, ok := oracle.Explain(x.bundle, c, x.tenant, events, it.ID, w)
	if !ok {
		return nil
	}
	return &e
}

// reasoning finds out what makes the difference for one item.
type reasoning struct {
	item          *Item
	differences   []Difference
	before, after *oracle.Explanation
	lines         []string
}

// mostLines is how many reasons an item is given.
const mostLines = 12

func (w *reasoning) why() []string {
	switch {
	case w.before == nil || w.after == nil:
		w.membership()
	default:
		w.evidence()
		w.conditions()
	}
	if n := len(w.lines); n > mostLines {
		w.lines = append(w.lines[:mostLines], fmt.Sprintf("and %d more; compare with assay diff", n-mostLines))
	}
	return w.lines
}

// say adds a line, once.
func (w *reasoning) say(format string, args ...any) {
	if line := fmt.Sprintf(format, args...); !slices.Contains(w.lines, line) {
		w.lines = append(w.lines, line)
	}
}

// clauses says which clauses of the item's control changed, of those chosen.
func (w *reasoning) clauses(chosen func(key string) bool) {
	for _, d := range w.differences {
		if (d.Control == w.item.Control || d.Control == "") && d.Change != Words && chosen(d.Key) {
			w.say("%s", d.words())
		}
	}
}

func (d *Difference) words() string {
	switch {
	case d.Change == Added:
		return "the control is new"
	case d.Change == Removed:
		return "the control is gone"
	case d.Before == "":
		return "now " + d.Key + ": " + d.After
	case d.After == "":
		return "no longer " + d.Key + ": " + d.Before
	}
	return d.Key + ": " + d.Before + " -> " + d.After
}

// membership: which rules the item out, or in.
func (w *reasoning) membership() {
	w.clauses(func(key string) bool {
		for _, part := range []string{"population", "expand", "tables", "boundary.", "refs.", "effective_from", "tenants", "params"} {
			if strings.HasPrefix(key, part) {
				return true
			}
		}
		return key == ""
	})
	if len(w.lines) == 0 { // having and links read evidence
		w.clauses(func(string) bool { return true })
	}
}

// evidence says of which expectations something else was found, and by which clause.
func (w *reasoning) evidence() {
	were := map[string]oracle.Part{}
	for _, p := range w.before.Parts {
		were[p.Name] = p
	}
	for _, after := range w.after.Parts {
		before := were[after.Name]
		delete(were, after.Name)
		prefix := ""
		if after.Name != "" {
			if before.Outcome == after.Outcome && before.Reason == after.Reason {
				continue
			}
			prefix = "part " + after.Name + ": "
		}
		for _, name := range expectationNames(&before, &after) {
			w.expectation(prefix, name, expected(&before, name), expected(&after, name))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(were)) {
		w.say("part %s: is no part any more", name)
	}
}

func expectationNames(parts ...*oracle.Part) (names []string) {
	for _, p := range parts {
		for i := range p.Expectations {
			if name := p.Expectations[i].Name; !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

func expected(p *oracle.Part, name string) *oracle.Expected {
	for i := range p.Expectations {
		if p.Expectations[i].Name == name {
			return &p.Expectations[i]
		}
	}
	return nil
}

func (w *reasoning) expectation(prefix, name string, before, after *oracle.Expected) {
	var was, is []compliance.Evidence
	if before != nil {
		was = before.Found
	}
	if after != nil {
		is = after.Found
	}
	gone, come := without(was, is), without(is, was)
	if len(gone)+len(come) == 0 && state(before) == state(after) {
		return
	}
	w.clauses(func(key string) bool { return strings.Contains("."+key+".", "."+name+".") && concernsEvidence(key) })
	w.found(prefix+name, come, "counts now")
	w.found(prefix+name, gone, "doesn't count any more")
	if len(gone)+len(come) == 0 {
		w.say("%s%s: %s -> %s", prefix, name, state(before), state(after))
	}
	if before != nil && after != nil && before.Silent != after.Silent {
		w.clauses(func(key string) bool { return strings.HasPrefix(key, "sources[") })
	}
}

// concernsEvidence: the clause is one of an expectation, or of what takes an item out.
func concernsEvidence(key string) bool {
	return strings.HasPrefix(key, "expect.") || strings.HasPrefix(key, "cancelled_by") || strings.HasPrefix(key, "instead[")
}

// found names the first few of some evidence, and where it lies from the item.
func (w *reasoning) found(name string, evidence []compliance.Evidence, what string) {
	const few = 3
	for i, e := range evidence {
		if i == few {
			w.say("%s: so do %d more", name, len(evidence)-few)
			return
		}
		w.say("%s: %s %s at %s %s", name, e.Type, e.ID, offset(e.Time.Sub(w.item.Time)), what)
	}
}

// offset is how far from the item's time something lies, such as +21m.
func offset(d time.Duration) string {
	d = d.Truncate(time.Millisecond)
	if d < 0 {
		return control.FormatDuration(d)
	}
	return "+" + control.FormatDuration(d)
}

func without(list, other []compliance.Evidence) []compliance.Evidence {
	return slices.DeleteFunc(slices.Clone(list), func(e compliance.Evidence) bool {
		return slices.ContainsFunc(other, func(o compliance.Evidence) bool { return o.Source == e.Source && o.ID == e.ID })
	})
}

// state is what is known of an expectation, in the words of an explanation.
func state(x *oracle.Expected) string {
	switch {
	case x == nil:
		return "not expected"
	case x.Silent:
		return "unknown, a source was silent"
	case x.TooMany:
		return "unknown, more events match than the control allows"
	case len(x.Found) > 0:
		return "found"
	case !x.Finished:
		return "open"
	case !x.Final && x.Bounded:
		return "unknown, a condition could not be computed"
	}
	return "missing"
}

// conditions says which of the conditions over the evidence changed, and of what they
// read beside it. A reason's matters only where the reason differs.
func (w *reasoning) conditions() {
	w.clauses(func(key string) bool {
		switch {
		case strings.HasPrefix(key, "reasons"):
			return w.item.Before.Outcome == w.item.After.Outcome && w.item.Before.Reason != w.item.After.Reason
		case strings.HasPrefix(key, "sources["), key == "lateness.final_after":
			return len(w.lines) == 0
		}
		return !concernsEvidence(key) || strings.HasSuffix(key, ".when") || strings.HasSuffix(key, ".assert")
	})
	if len(w.lines) == 0 {
		w.clauses(func(string) bool { return true })
	}
}
