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
	view control.Fields
	// rivals are other bodies of the same event, each once.
	rivals []fact
	// own is the event as it came, where a clock moved it; far says that it moved it too
	// far to count, unclocked that it should have moved it, and nobody knows where to.
	own            *compliance.Event
	far, unclocked bool
}

// asSent is the event as it came.
func (f fact) asSent() *compliance.Event {
	if f.own != nil {
		return f.own
	}
	return f.Event
}

// bodies are all of the event: the one that counts, then its rivals.
func (f fact) bodies() []fact { return append([]fact{f}, f.rivals...) }

// until are the bodies of an event that claim no later time; the one that counts is
// always among them.
func (f fact) until(t compliance.Instant) []fact {
	return slices.DeleteFunc(f.bodies(), func(body fact) bool { return body.Event != f.Event && body.asSent().Time > t })
}

// log is what is known at a watermark.
type log struct {
	bundle  *control.Bundle
	control *control.Control
	w       compliance.Instant
	beats   [][]beat  // by declared source
	numbers []numbers // by declared source
	waivers []waiver
	groups  map[string][]fact
	// taken are the ids, by join key, that events of earlier versions have.
	taken map[string]map[string]bool
	// last is when a candidate of an id came last, by join key.
	last map[[2]string]compliance.Instant
	// possible are events that may come to open an item, when what is asked of an earlier
	// event of the same id is told. waiting are those ids, by join key.
	possible []item
	waiting  map[string]map[string]bool
}

// Verdicts is what c says at watermark w about every item of a tenant, given the
// admitted events in any order, with any duplicates. It is sorted by item id.
//
// What c reads of the verdicts of other controls is judged from the same events. See
// VerdictsOf if they admit others.
func Verdicts(b *control.Bundle, c *control.Control, tenant string, events []*compliance.Event, w compliance.Instant) []compliance.Verdict {
	return VerdictsOf(b, c, tenant, func(*control.Control) []*compliance.Event { return events }, w)
}

// Admitted are the events that a control has taken, in any order.
type Admitted func(*control.Control) []*compliance.Event

// VerdictsOf is Verdicts where controls have admitted different events.
func VerdictsOf(b *control.Bundle, c *control.Control, tenant string, admitted Admitted, w compliance.Instant) []compliance.Verdict {
	l := newLog(b, c, tenant, admitted, w)
	var verdicts []compliance.Verdict
	for _, s := range l.all() {
		verdicts = append(verdicts, s.Verdict)
	}
	slices.SortFunc(verdicts, func(a, b compliance.Verdict) int { return cmp.Compare(a.Item.ID, b.Item.ID) })
	return verdicts
}

func newLog(b *control.Bundle, c *control.Control, tenant string, admitted Admitted, w compliance.Instant) *log {
	l := &log{
		bundle: b, control: c, w: w, groups: map[string][]fact{}, taken: map[string]map[string]bool{},
		last: map[[2]string]compliance.Instant{}, waiting: map[string]map[string]bool{},
	}
	known := slices.DeleteFunc(slices.Clone(admitted(c)), func(e *compliance.Event) bool {
		return e.Tenant != tenant || e.Time >= w
	})
	l.listen(known)
	l.waivers = waiversOf(c, known)
	for _, ev := range known {
		keys := c.Keys(ev)
		if len(keys) == 0 {
			continue
		}
		view := control.See(ev)
		for _, key := range keys {
			l.groups[key] = append(l.groups[key], fact{Event: ev, view: &view})
		}
	}
	for key, facts := range l.groups {
		l.groups[key] = distinct(facts, c.CorrectUntil)
	}
	for _, of := range c.ReadVerdicts() {
		l.read(newLog(b, of, tenant, admitted, w))
	}
	return l
}

// distinct keeps one body of each event, in order. Bodies of one id are one event
// if they lie within correct_until of the first; the least by (time, hash) counts,
// and those with another hash are its rivals.
func distinct(facts []fact, within time.Duration) []fact {
	slices.SortFunc(facts, func(a, b fact) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), bytes.Compare(a.Ref.SHA256[:], b.Ref.SHA256[:]))
	})
	var kept []fact
	for _, f := range facts {
		i := len(kept) - 1
		for i >= 0 && kept[i].Key() != f.Key() {
			i--
		}
		if i < 0 || f.Time > kept[i].Time.Add(within) {
			kept = append(kept, f)
			continue
		}
		same := func(o fact) bool { return o.Ref.SHA256 == f.Ref.SHA256 }
		if !slices.ContainsFunc(kept[i].bodies(), same) {
			kept[i].rivals = append(kept[i].rivals, f)
		}
	}
	slices.SortStableFunc(kept, func(a, b fact) int { return a.Compare(b.Event) })
	return kept
}

// asked are the bodies of an event that an item asks.
func (l *log) asked(it item, f fact) []fact {
	if len(f.rivals) == 0 { // as most
		return []fact{f}
	}
	return f.until(l.reach(it))
}

// item is one member of the population, with what concerns it.
type item struct {
	compliance.Item
	key    string
	view   control.Fields
	opened *fact // nil for a slot
	end    compliance.Instant
	facts  []fact // all at its join key
}

// reach is the last time that concerns the item. What a body says that claims a later
// one isn't asked: an item's state has an end.
func (l *log) reach(it item) compliance.Instant {
	return it.Time.Add(l.control.HorizonOf(it.end.Sub(it.Time)))
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
		seen := l.takenAt(key)
		for _, c := range l.candidates(facts, key) {
			same := l.same(key, &c)
			if same || seen[c.id] && !l.waits(key, c.id) {
				continue
			}
			view := control.Called(c.view, c.id)
			o := opening{item: item{compliance.Item{ID: c.id, Time: c.Time}, key, view, &c.fact, c.Time, facts}}
			if l.waits(key, c.id) {
				l.possible = append(l.possible, o.item)
				continue
			}
			var belongs control.Truth
			belongs, o.stuck = l.belongs(o.item, &c)
			if belongs == control.False {
				continue
			}
			seen[c.id] = true
			switch {
			case o.stuck != nil && o.stuck.outcome == compliance.Pending:
				l.wait(key, c.id)
				l.possible = append(l.possible, o.item)
			case c.Time >= l.control.From:
				all = append(all, o)
			}
		}
	}
	return all
}

// belongs tells whether a candidate opens its item; stuck says what is said if nobody
// knows.
func (l *log) belongs(it item, c *candidate) (belongs control.Truth, stuck *ruling) {
	switch {
	case !c.readable:
		return control.Unknown, &ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonPopulationError}
	case c.disputed:
		return control.Unknown, &ruling{outcome: compliance.Inconclusive, reason: compliance.ReasonConflictingEvidence}
	}
	return l.having(it)
}

// same notes a candidate, in the order of events, and tells whether one of its id came so
// little before that the id is remembered. An id that is forgotten names several items.
func (l *log) same(key string, c *candidate) bool {
	at := [2]string{key, c.id}
	last, came := l.last[at]
	l.last[at] = c.Time
	p := &l.control.Population
	if c.readable {
		c.id = p.Named(c.id, c.Time)
	}
	return p.SameFor > 0 && came && c.Time.Sub(last) <= p.SameFor
}

// candidate is the first body of an event that would open an item; disputed if
// another one wouldn't.
type candidate struct {
	fact
	id                 string
	readable, disputed bool
}

// candidates are those at a key, in order.
func (l *log) candidates(facts []fact, key string) []candidate {
	var all []candidate
	for _, f := range facts {
		var own []candidate
		for _, body := range f.bodies() {
			body = l.placed(body)
			id, readable, member := l.candidate(body, key)
			if !member || slices.ContainsFunc(own, func(c candidate) bool { return c.id == id }) {
				continue
			}
			disputed := slices.ContainsFunc(f.until(body.Time.Add(l.control.At(body.Time).Horizon())), func(other fact) bool {
				otherID, _, also := l.candidate(l.placed(other), key)
				return !also || otherID != id
			})
			own = append(own, candidate{body, id, readable, disputed})
		}
		all = append(all, own...)
	}
	all = slices.DeleteFunc(all, func(c candidate) bool { return l.control.At(c.Time) != l.control || c.Time >= l.w })
	slices.SortStableFunc(all, func(a, b candidate) int { return a.Compare(b.Event) })
	return all
}

// placed is a body at the time that the population's clock says.
func (l *log) placed(f fact) fact {
	first := l.control.Versions[0] // all have the same clock
	if first.Population.Clock == nil {
		return f
	}
	return f.moved(first.Population.Clock, first.NewScope(nil, f.Time))
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
	t, doubt := h.Decide(scope, knownOf(states))
	if t != control.Unknown {
		return t, nil
	}
	r := undecided(states, h.Reads, doubt)
	return t, &r
}

// candidate tells which item f would open at this key; readable is false if the
// population's conditions can't be computed on it.
func (l *log) candidate(f fact, key string) (id string, readable, member bool) {
	v := l.control.At(f.Time)
	p := &v.Population
	at, ok := "", false
	if control.MatchesAny(p.Types, f.Type) {
		sent := control.See(f.asSent())
		at, ok = v.ItemKey(f.asSent(), &sent)
	}
	switch {
	case !ok || at != key:
		return "", false, false
	case f.unclocked || f.far:
		return control.UnreadableID(f.Event), false, true
	}
	s := v.NewScope(nil, f.Time).With(f.view, nil)
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

// slots are the items of a schedule.
func (l *log) slots() (all []opening) {
	s := l.control.Population.Schedule
	if s == nil {
		return nil
	}
	for slot := s.First(l.control.From); slot.Start < min(l.w, l.control.Until); slot = s.Next(slot) {
		for _, member := range l.bundle.MembersAt(s, slot.Start) {
			id, view := control.SlotItem(member, slot)
			key := l.control.SlotKey(view)
			if l.takes(key, id.ID) { // by a slot of another zone, in an earlier version
				continue
			}
			all = append(all, opening{item: item{id, key, view, nil, slot.End, l.groups[key]}})
		}
	}
	return all
}

// takenAt are the ids that are taken at a join key.
func (l *log) takenAt(key string) map[string]bool {
	if l.taken[key] == nil {
		l.taken[key] = map[string]bool{}
	}
	return l.taken[key]
}

// takes notes that an id is taken, and tells whether it was.
func (l *log) takes(key, id string) bool {
	seen := l.takenAt(key)
	was := seen[id]
	seen[id] = true
	return was
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
	switch missing := unheard(l.heardRows(it)); { // there may be parts that nobody sees
	case broken:
		verdicts = append(verdicts, it.verdict(it.ID, unreadable))
	case missing != nil:
		verdicts = append(verdicts, it.verdict(it.ID, *missing))
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
		v.Evidence = append(v.Evidence, compliance.EvidenceOf("item", it.opened.asSent()))
	}
	v.Evidence = append(v.Evidence, r.evidence...)
	return v
}
