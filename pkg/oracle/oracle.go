// Package oracle is the truth about verdicts: a pure function of a control, the
// admitted events and a watermark, short and slow on purpose.
//
// The engine is fast and must equal it; reports are re-performed with it. It
// shares with the engine only what is compiled (pkg/control: conditions, join keys,
// computed ends, business days), keeps nothing between calls, and decides everything
// from the whole log anew.
// The rules are in docs/design/controls.md.
package oracle

import (
	"bytes"
	"cmp"
	"slices"
	"time"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// fact is an event with its view.
type fact struct {
	*compliance.Event
	view control.View
	// own is the event as it came, where a clock moved it; unclocked, that it should
	// have been moved, and nobody knows where to.
	own       *compliance.Event
	unclocked bool
}

// log is what is known at a watermark.
type log struct {
	bundle  *control.Bundle
	control *control.Control
	w       compliance.Instant
	beats   [][]beat // by declared source
	waivers []waiver
	groups  map[string][]fact
}

// Verdicts is what c says at watermark w about every item of a tenant, given the
// admitted events in any order, with any duplicates. It is sorted by item id.
func Verdicts(b *control.Bundle, c *control.Control, tenant string, events []*compliance.Event, w compliance.Instant) []compliance.Verdict {
	l := newLog(b, c, tenant, events, w)
	verdicts := append(l.fromEvents(), l.fromSchedule()...)
	slices.SortFunc(verdicts, func(a, b compliance.Verdict) int { return cmp.Compare(a.Item.ID, b.Item.ID) })
	return verdicts
}

func newLog(b *control.Bundle, c *control.Control, tenant string, events []*compliance.Event, w compliance.Instant) *log {
	l := &log{bundle: b, control: c, w: w, groups: map[string][]fact{}}
	known := slices.DeleteFunc(slices.Clone(events), func(e *compliance.Event) bool {
		return e.Tenant != tenant || e.Time >= w
	})
	l.beats, l.waivers = beatsOf(b, known), waiversOf(c, known)
	for _, ev := range known {
		for _, key := range c.Keys(ev) {
			l.groups[key] = append(l.groups[key], fact{Event: ev, view: control.ViewOf(ev)})
		}
	}
	for key, facts := range l.groups {
		l.groups[key] = distinct(facts, c.CorrectUntil)
	}
	return l
}

// distinct keeps one body of each event, in order. Bodies of one id are one event
// if they lie within correct_until of the first; the least by (time, hash) counts.
func distinct(facts []fact, within time.Duration) []fact {
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.Ref.SHA256[:], b.Ref.SHA256[:]))
	})
	var kept []fact
	until := map[compliance.EventKey]compliance.Instant{}
	for _, f := range facts {
		if last, seen := until[f.Key()]; !seen || f.Time > last {
			until[f.Key()] = f.Time.Add(within)
			kept = append(kept, f)
		}
	}
	slices.SortStableFunc(kept, func(a, b fact) int { return a.Compare(b.Event) })
	return kept
}

// item is one member of the population, with what concerns it.
type item struct {
	compliance.Item
	key    string
	view   control.View
	opened *fact // nil for a slot
	end    compliance.Instant
	facts  []fact // all at its join key
}

func (l *log) fromEvents() []compliance.Verdict {
	var verdicts []compliance.Verdict
	for _, o := range l.openings() {
		verdicts = append(verdicts, l.say(o)...)
	}
	return verdicts
}

// opening is an item that an event opens. If its population's conditions can't be
// computed, stuck says so of it.
type opening struct {
	item
	stuck *ruling
}

func (l *log) say(o opening) []compliance.Verdict {
	if o.stuck != nil {
		return []compliance.Verdict{o.verdict(o.ID, *o.stuck)}
	}
	return l.judge(o.item)
}

// openings are the items that events open: of each id the earliest one that belongs.
// While it is unknown whether one belongs, it keeps later ones from opening the id.
func (l *log) openings() []opening {
	var all []opening
	for key, facts := range l.groups {
		seen := map[string]bool{}
		for _, f := range facts {
			id, readable, member := l.candidate(f, key)
			if !member || seen[id] {
				continue
			}
			view := control.ViewOf(f.Event)
			view["id"] = id
			o := opening{item: item{compliance.Item{ID: id, Time: f.Time}, key, view, &f, f.Time, facts}}
			belongs := control.Unknown
			if o.stuck = (&ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonPopulationError}); readable {
				belongs, o.stuck = l.having(o.item)
			}
			if belongs == control.False {
				continue
			}
			seen[id] = true
			waits := o.stuck != nil && o.stuck.outcome == compliance.Pending
			if f.Time >= l.bundle.EffectiveFrom && !waits {
				all = append(all, o)
			}
		}
	}
	return all
}

// having asks the population's condition over expectations; if it is unknown, the
// ruling says whether it may still be told.
func (l *log) having(it item) (control.Truth, *ruling) {
	h := l.control.Population.Having
	if h == nil {
		return control.True, nil
	}
	scope := l.control.NewScope(it.view, it.Time)
	l.tables(it, scope)
	states := l.states(it, scope)
	t, _ := h.Decide(scope, knownOf(states))
	if t != control.Unknown {
		return t, nil
	}
	r := undecided(states, h.Reads)
	return t, &r
}

// candidate tells which item f would open at this key; readable is false if the
// population's conditions can't be computed on it.
func (l *log) candidate(f fact, key string) (id string, readable, member bool) {
	p := &l.control.Population
	at, ok := "", false
	if control.MatchesAny(p.Types, f.Type) {
		at, ok = l.control.ItemKey(f.Event, f.view)
	}
	if !ok || at != key {
		return "", false, false
	}
	s := l.control.NewScope(nil, f.Time).With(f.view, nil)
	if p.Where != nil {
		if _, err := p.Where.Bool(s); err != nil {
			return control.UnreadableID(f.Event), false, true
		}
	}
	id, ok = p.ItemID(s)
	if !ok {
		return control.UnreadableID(f.Event), false, true
	}
	return id, true, true
}

func (l *log) fromSchedule() []compliance.Verdict {
	var verdicts []compliance.Verdict
	s := l.control.Population.Schedule
	if s == nil {
		return nil
	}
	for slot := s.First(l.bundle.EffectiveFrom); slot.Start < l.w; slot = s.Next(slot) {
		for _, member := range l.bundle.MembersAt(s, slot.Start) {
			id, view := control.SlotItem(member, slot)
			key := l.control.SlotKey(view)
			verdicts = append(verdicts, l.judge(item{id, key, view, nil, slot.End, l.groups[key]})...)
		}
	}
	return verdicts
}

// judge is the verdict on one item, or those on its parts if each is an item.
func (l *log) judge(it item) []compliance.Verdict {
	verdicts := l.unwaived(it)
	for i := range verdicts {
		l.waive(it, &verdicts[i])
	}
	return verdicts
}

// unwaived is judge before waivers are looked at.
func (l *log) unwaived(it item) []compliance.Verdict {
	scope := l.control.NewScope(it.view, it.Time)
	broken := l.tables(it, scope)
	x := l.control.Expand
	if x == nil {
		return []compliance.Verdict{it.verdict(it.ID, l.rule(it, scope))}
	}
	parts, err := x.Over.Rows(scope)
	unreadable := ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonEvidenceError}
	switch {
	case err != nil:
		return []compliance.Verdict{it.verdict(it.ID, unreadable)}
	case len(parts) == 0:
		return []compliance.Verdict{it.verdict(it.ID, l.noParts(it, broken))}
	case !x.Each:
		return []compliance.Verdict{it.verdict(it.ID, l.ruleParts(it, scope, parts, broken))}
	}
	byID := map[string][]control.View{}
	for _, part := range parts {
		id, ok := x.PartID(it.ID, scope.With(nil, part))
		if broken = broken || !ok; ok {
			byID[id] = append(byID[id], part)
		}
	}
	var verdicts []compliance.Verdict
	for id, same := range byID {
		verdicts = append(verdicts, it.verdict(id, l.ruleParts(it, scope, same, false)))
	}
	if broken { // there may be parts that nobody sees
		verdicts = append(verdicts, it.verdict(it.ID, unreadable))
	}
	return verdicts
}

// verdict is a ruling as said of the item, or of a part that is one.
func (it item) verdict(id string, r ruling) compliance.Verdict {
	v := compliance.Verdict{
		Item: compliance.Item{ID: id, Time: it.Time}, Outcome: r.outcome, Reason: r.reason,
		Due: max(r.due, it.Time), RemediatedAt: r.remediated,
	}
	if it.opened != nil {
		v.Evidence = append(v.Evidence, compliance.EvidenceOf("item", it.opened.Event))
	}
	v.Evidence = append(v.Evidence, r.evidence...)
	return v
}

// tables sets the derived tables as of the item; broken says that a row could
// not be read.
func (l *log) tables(it item, scope *control.Scope) (broken bool) {
	for _, t := range l.control.Tables {
		last := map[string]fact{}
		for _, f := range it.facts {
			at, here := "", false
			if control.MatchesAny(t.Types, f.Type) && f.Time <= it.Time {
				at, here = t.KeyOf(f.view)
			}
			if row, ok := t.RowOf(f.view); here && at == it.key && ok {
				last[row] = f // facts are in order
			}
		}
		rows := map[string]control.View{}
		for key, f := range last {
			live, err := true, error(nil)
			if t.Live != nil {
				live, err = t.Live.Bool(l.control.NewScope(nil, it.Time).With(f.view, nil))
			}
			if broken = broken || err != nil; live {
				rows[key] = f.view
			}
		}
		scope.Derived = append(scope.Derived, control.NewTable(rows))
	}
	return broken
}
