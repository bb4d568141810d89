package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"assay.example/assay/pkg/compliance"
	"assay.example/assay/pkg/control"
)

// Stages are the engines of a rule set in one process, by stage and partition: what
// one stage says is evidence for those after it.
type Stages [][]*Engine

// NewStages has an engine for each stage of each partition.
func NewStages(b *control.Bundle, partitions int32) Stages {
	s := make(Stages, b.Stages())
	for stage := range s {
		for p := range partitions {
			s[stage] = append(s[stage], NewStage(b, stage, p, partitions))
		}
	}
	return s
}

// Add takes a fact in a partition, for the stage of its control: for all, if it
// concerns every control.
func (s Stages) Add(partition int, f *Fact) Admission {
	worst := Duplicate
	for _, stage := range s {
		if a := stage[partition].Add(f); a != Duplicate {
			worst = a
		}
		s.handAll(stage[partition])
	}
	return worst
}

// Advance moves all watermarks to w, stage by stage, and gives the revisions that
// follow, by stage and partition.
func (s Stages) Advance(w compliance.Instant) []compliance.Revision {
	var revisions []compliance.Revision
	for _, stage := range s {
		for _, e := range stage {
			revisions = append(revisions, e.Advance(w)...)
			s.handAll(e)
		}
	}
	return revisions
}

// handAll gives what an engine says to those who read it.
func (s Stages) handAll(e *Engine) {
	for _, said := range e.Said() {
		s.hand(&said)
	}
}

// hand gives what an item says to the engine of who reads it.
func (s Stages) hand(said *Said) {
	for _, stage := range s {
		p := control.Partition(said.Tenant, said.Control, said.Key, int32(len(stage)))
		stage[p].AddSaid(said)
		s.handAll(stage[p]) // a hop hands it on
	}
}

// Said is all that one item says at one join key of a control that reads its verdicts,
// in the place of what it said there before.
type Said struct {
	// Control reads the verdicts, at Key.
	Control, Tenant, Key string
	// By tells the items apart; events that are handed on from a hop, too.
	By string
	// Hop is where they were handed on, if the reader has several keys.
	Hop string
	// Verdicts are none if the item says nothing there any more. Of an event they are
	// its bodies.
	Verdicts []compliance.Event
}

// readerKey is a join key of a control that reads verdicts.
type readerKey struct{ control, key string }

// Said gives what has to be handed to later stages since the last call. It belongs to the
// same transaction as Changes: a restart doesn't say it again.
func (e *Engine) Said() []Said {
	s := e.said
	e.said = nil
	return s
}

// tell says to later stages what is said of the item, if that changed.
func (r *review) tell(verdicts []compliance.Verdict, known map[string]compliance.Instant) {
	e, it := r.e, r.it
	readers := it.group.plan.readers
	if len(readers) == 0 {
		return
	}
	now := map[readerKey][]compliance.Event{}
	for _, ev := range r.evidence(verdicts, known) {
		for _, c := range readers {
			for _, key := range c.VerdictKeys(&ev) {
				at := readerKey{c.ID, key}
				now[at] = append(now[at], ev)
			}
		}
	}
	for at := range it.told {
		if now[at] == nil {
			now[at] = []compliance.Event{}
		}
	}
	keys := slices.SortedFunc(maps.Keys(now), func(a, b readerKey) int { return strings.Compare(a.control+a.key, b.control+b.key) })
	for _, at := range keys {
		if slices.EqualFunc(it.told[at], now[at], sameSaid) {
			continue
		}
		e.said = append(e.said, Said{
			Control: at.control, Tenant: it.group.key.tenant, Key: at.key,
			By: it.group.control.ID + " " + it.group.key.key + " " + it.id, Verdicts: now[at],
		})
		it.noteTold(at, now[at])
		e.note(func() Change { return toldChange(it, at) })
	}
}

func (it *item) noteTold(at readerKey, events []compliance.Event) {
	if it.told == nil {
		it.told = map[readerKey][]compliance.Event{}
	}
	if it.told[at] = events; len(events) == 0 {
		delete(it.told, at)
	}
}

func sameSaid(a, b compliance.Event) bool {
	return a.ID == b.ID && a.Time == b.Time && a.Ref.SHA256 == b.Ref.SHA256
}

// evidence is what is said of the item, its parts, or what it may yet come to be.
func (r *review) evidence(verdicts []compliance.Verdict, known map[string]compliance.Instant) (events []compliance.Event) {
	c := r.it.group.control
	add := func(v *compliance.Verdict, view control.Fields) {
		ev, counts := c.Verdict(v, view)
		if !counts {
			return
		}
		ev.Tenant, ev.Received = r.it.group.key.tenant, known[v.Item.ID]
		if ev.Received == 0 {
			ev.Received = r.it.toldAt(ev)
		}
		events = append(events, *ev)
	}
	for i := range verdicts {
		add(&verdicts[i], r.it.view)
	}
	for _, candidate := range r.possible {
		f := candidate.shown
		if f.ev.Time >= c.At(f.ev.Time).From {
			add(&compliance.Verdict{Item: compliance.Item{ID: r.it.id, Time: f.ev.Time}, Outcome: compliance.Pending}, f.view)
		}
	}
	return events
}

// toldAt is since when the same was known.
func (it *item) toldAt(ev *compliance.Event) compliance.Instant {
	for _, events := range it.told {
		for i := range events {
			if sameSaid(events[i], *ev) {
				return events[i].Received
			}
		}
	}
	return 0
}

// mayStillOpen notes the events from the i-th on that may come to open the item, while
// what is asked of that one isn't known.
func (r *review) mayStillOpen(i int, passed []*fact) {
	for _, f := range r.it.candidates[i:] {
		if f.shown.ev.Time >= r.w {
			r.wakeAt(f.shown.ev.Time)
			return
		}
		if f.ev.Time >= r.w {
			r.wakeAt(f.ev.Time)
			continue
		}
		if f.lead != nil && f.first() && !slices.Contains(passed, f.lead) && !r.same(f) {
			passed = append(passed, f.lead)
			r.possible = append(r.possible, f)
		}
	}
}

// AddSaid takes what an item of an earlier stage says. Its effect shows at the next
// Advance.
func (e *Engine) AddSaid(s *Said) {
	c := e.bundle.Control(s.Control)
	switch {
	case e.hops(c, s.Key):
		e.hopSaid(c, s)
		return
	case c == nil || c.Stage != e.stage || control.IsHop(s.Key):
		return
	}
	g := e.group(groupKey{s.Tenant, s.Control, s.Key}, c)
	g.replace(e, s)
	e.note(func() Change { return saidChange(s) })
	e.setEnding(g)
}

// replace puts what an item says in the place of what it said before.
func (g *group) replace(e *Engine, s *Said) {
	old := g.said[s.By]
	isOld := func(f *fact) bool { return slices.Contains(old, f) }
	g.keepFacts(slices.DeleteFunc(g.facts, isOld))
	for it := range g.items.values() {
		if it.misses(old) {
			e.mark(it)
		}
	}
	delete(g.said, s.By)
	if slices.ContainsFunc(g.disputed, isOld) { // the items look at all of them anew
		g.disputed = slices.DeleteFunc(g.disputed, isOld)
		g.recollect(e)
	}
	if planted == plantedFirstVerdict && len(old) > 0 && old[0].waits == "" {
		s = &Said{By: s.By, Verdicts: []compliance.Event{old[0].ev}}
	}
	var list []*fact
	for i := range s.Verdicts {
		f := e.evidenceFact(g, &s.Verdicts[i], 0)
		f.hop, f.lead, f.waits = s.Hop, f, control.Unsettled(f.ev.Type, f.view)
		list = append(list, f)
	}
	if len(list) == 0 {
		return
	}
	if g.said == nil {
		g.said = map[string][]*fact{}
	}
	g.said[s.By] = list
	if control.IsVerdict(list[0].ev.Type) {
		for _, f := range list {
			f.counts = true
			g.insert(e, f)
		}
		return
	}
	settle(list, g.control, func(f *fact) { g.insert(e, f) })
	if sortRivals(list) {
		g.disputed = append(g.disputed, slices.DeleteFunc(slices.Clone(list), func(f *fact) bool { return len(f.rivals) == 0 })...)
		g.recollect(e)
	}
}

// recollect has every item look at all evidence anew.
func (g *group) recollect(e *Engine) {
	for it := range g.items.values() {
		it.matches, it.quiet = nil, false
		e.mark(it)
	}
}

// misses takes facts out of the item's matches, and tells whether any was there.
func (it *item) misses(facts []*fact) bool {
	if len(facts) == 0 {
		return false
	}
	missed := it.matches == nil
	isGone := func(m match) bool {
		gone := slices.Contains(facts, m.sent)
		missed = missed || gone
		return gone
	}
	for i := range it.matches {
		m := &it.matches[i]
		m.wants, m.undoes = slices.DeleteFunc(m.wants, isGone), slices.DeleteFunc(m.undoes, isGone)
	}
	return missed
}

// awaits adds what an unsettled verdict leaves open: it may be known yet, or never.
func (r *review) awaits(x *control.Expectation, scope *control.Scope, m match, inside bool, s *sight, failed bool, undone coverage) (bool, coverage) {
	may, doubt := r.mayHold(x, scope, m)
	if !inside || !may {
		return failed, undone
	}
	s.doubt = s.doubt.Or(doubt)
	switch {
	case m.waits == compliance.Inconclusive:
		return true, undone
	case planted != plantedPendingVerdict:
		return failed, max(undone, open)
	}
	return failed, undone
}

// mayHold tells whether a verdict that isn't settled may come to be what an expectation
// wants.
func (r *review) mayHold(x *control.Expectation, scope *control.Scope, m match) (may bool, doubt control.Doubt) {
	if x.Where == nil {
		return true, doubt
	}
	for _, as := range control.Settled(m.view.View()) {
		settled := *m.fact
		settled.view = as
		ok, failed, why := r.holds(x, scope, match{fact: &settled, sent: m.sent})
		may, doubt = may || ok || failed, doubt.Or(why)
	}
	return may, doubt
}

// mayMatch is mayHold of the condition alone, where that reads nothing else.
func (it *item) mayMatch(x *control.Expectation, scope *control.Scope, f *fact) bool {
	return slices.ContainsFunc(control.Settled(f.view.View()), func(as control.View) bool {
		belongs, err := x.Where.Bool(scope.With(as, nil))
		return belongs || err != nil
	})
}

// endSaid drops what was said of items before a time that no item looks back to.
func (e *Engine) endSaid(g *group, before compliance.Instant) {
	for by, facts := range g.said {
		if slices.ContainsFunc(facts, func(f *fact) bool { return f.ev.Time >= before }) {
			continue
		}
		delete(g.said, by)
		g.keepFacts(slices.DeleteFunc(g.facts, func(f *fact) bool { return slices.Contains(facts, f) }))
		e.note(func() Change { return Change{Key: saidStateKey(g.key, by, facts[0].hop)} })
	}
}

// The changelog has what an item has told to whom, and what was said to a join key.
const (
	kindTold = "told"
	kindSaid = "said"
)

func saidStateKey(k groupKey, by, hop string) []byte {
	return stateKey(kindSaid, k.tenant, k.control, k.key, by, hop)
}

func saidChange(s *Said) Change {
	return Change{saidStateKey(groupKey{s.Tenant, s.Control, s.Key}, s.By, s.Hop), storeSaid(s.Verdicts)}
}

func toldKey(it *item, at readerKey) []byte {
	k := it.group.key
	return stateKey(kindTold, k.tenant, k.control, k.key, it.id, at.control, at.key)
}

func toldChange(it *item, at readerKey) Change {
	return Change{toldKey(it, at), storeSaid(it.told[at])}
}

// storeSaid is nil for nothing, which deletes.
func storeSaid(events []compliance.Event) []byte {
	if len(events) == 0 {
		return nil
	}
	list := make([]storedFact, len(events))
	for i := range events {
		list[i] = storeFact(&events[i])
	}
	return encode(list)
}

func loadSaid(tenant string, value []byte) ([]compliance.Event, error) {
	var list []storedFact
	if err := decode(value, &list); err != nil {
		return nil, fmt.Errorf("reading verdicts that are evidence: %w", err)
	}
	events := make([]compliance.Event, len(list))
	for i := range list {
		events[i] = list[i].event(tenant)
	}
	return events, nil
}

// loadStaged brings back a record of kind told or said.
func (e *Engine) loadStaged(key []string, value []byte) error {
	c := e.bundle.Control(key[2])
	if c == nil {
		return nil
	}
	events, err := loadSaid(key[1], value)
	if err != nil {
		return err
	}
	gk := groupKey{key[1], key[2], key[3]}
	if key[0] == kindTold {
		e.item(e.group(gk, c), key[4]).noteTold(readerKey{key[5], key[6]}, events)
		return nil
	}
	if control.IsHop(key[3]) {
		e.hopAt(gk, c).told[key[4]] = events
		return nil
	}
	g := e.group(gk, c)
	g.replace(e, &Said{Control: key[2], Tenant: key[1], Key: key[3], By: key[4], Hop: key[5], Verdicts: events})
	e.setEnding(g)
	return nil
}
